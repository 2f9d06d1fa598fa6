"""Who may ask the server, and what browsers may do with its answers.

A page of somebody else's may have a name that leads to this machine (DNS rebinding), so the name in `Host` is
checked; nobody without the token in the address learns more than that there is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from secrets import compare_digest
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from visualizer.errors import OptionError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ORIGIN = re.compile(r"[a-z0-9.-]+(:\d+)?", re.ASCII | re.IGNORECASE)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
METHODS = {"GET", "HEAD"}
EDITOR = "vscode-webview:"
"""In which VS Code shows pages."""
POLICY = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "worker-src blob:",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
]
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # it would have the token
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """ASGI middleware that lets requests with the token and a known name pass, below the token.

    Parameters
    ----------
    app
        What answers; it sees paths below the token.
    token
        The first part of every path.
    allow_hosts
        Names, beside those of this machine's loopback, by which the server may be called.
    base_url
        Where a proxy has it: a path, or an address whose name is then allowed too. Proxies may strip it.
    allow_frames
        Origins whose pages may show it in a frame, beside its own.

    Raises
    ------
    OptionError
        If a name or address is none.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str,
        allow_hosts: Collection[str] = (),
        base_url: str | None = None,
        allow_frames: Collection[str] = (),
    ) -> None:
        self._app, self._token = app, token.encode()
        base = _parts_of(base_url) if base_url else urlsplit("")
        self._prefix = base.path.rstrip("/")
        more = {*allow_hosts, *filter(None, [base.netloc])}
        if not all(map(name_of, more)):
            raise OptionError(
                f"{', '.join(sorted(more))} was to be allowed; give names such as hub.example.org"
            )
        self._names: set[str | None] = {*LOOPBACK, *map(name_of, more)}
        around = " ".join(["'self'", *map(_origin_of, allow_frames)])
        self._headers = HEADERS | {
            "Content-Security-Policy": "; ".join([*POLICY, f"frame-ancestors {around}"])
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        app = self._refusal(scope)
        below = "/" + self._parts(scope)[1]
        await (app or self._app)({**scope, "path": below, "root_path": ""}, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        origins = [origin.partition("://")[2] for origin in headers.getlist("origin")]
        asked = [headers.get("host", ""), *origins]
        strange = [host for host in asked if name_of(host) not in self._names]
        if strange:
            return PlainTextResponse(
                f"this server was called {strange[0]!r:.80}, a name that it does not know: if it is meant, "
                "start the server with --allow-host and that name\n",
                403,
            )
        token, rest = self._parts(scope)
        if not compare_digest(token.encode(), self._token):
            return PlainTextResponse("Not Found", 404)
        if scope["method"] not in METHODS:
            return PlainTextResponse("Method Not Allowed", 405, {"Allow": ", ".join(sorted(METHODS))})
        return None if rest or scope["path"].endswith("/") else RedirectResponse(f"{token}/", 307)

    def _parts(self, scope: Scope) -> tuple[str, str]:
        """Return the token and the path below it."""
        path: str = scope["path"]
        if path.startswith(f"{self._prefix}/"):
            path = path[len(self._prefix) :]
        token, _, rest = path.removeprefix("/").partition("/")
        return token, rest


def _parts_of(base_url: str) -> SplitResult:
    with suppress(ValueError):
        parts = urlsplit(base_url)
        if parts.scheme in ("http", "https") if parts.netloc else base_url.startswith("/"):
            return parts
    raise OptionError(f"base_url={base_url!r} was asked for; give a path from / on, or an http address")


def _origin_of(frame: str) -> str:
    """Return what a policy calls the pages of an origin, if it is one: a policy must not be added to."""
    scheme, _, host = frame.partition("://")
    if frame == EDITOR:
        return f"{EDITOR} vscode-file:"  # that of the window around it
    if scheme in ("http", "https") and ORIGIN.fullmatch(host):
        return frame
    raise OptionError(
        f"frames of {frame!r} were to be allowed; give an origin such as https://hub.example.org, or {EDITOR}"
    )


def name_of(host: str) -> str | None:
    """Return the name in a `Host` header, without its port; None if there is none.

    Examples
    --------
    >>> name_of("LOCALHOST:8000"), name_of("[::1]:80"), name_of("localhost@example.org"), name_of(":80")
    ('localhost', '::1', None, None)
    """
    try:
        parts = urlsplit(f"//{host}")
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and "@" not in host else None
