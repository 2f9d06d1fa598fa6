"""What the server answers at which address below its token."""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from visualizer.errors import OptionError, VisualizerError
from visualizer.viewer.answering import answers
from visualizer.viewer.guard import Guard
from visualizer.viewer.html import embedded, page_file
from visualizer.viewer.payload import Payload
from visualizer.viewer.sending import packed, sent
from visualizer.viewer.working import Workers

if TYPE_CHECKING:
    from starlette.requests import Request

FILES = {"viewer.js": "text/javascript", "viewer.css": "text/css"}
QUICK = {"rows", "column"}
"""What a pointer asks for: it does not wait for tiles and overviews."""
SLOW = {"tile", "blob"}

Make = Callable[[], Response]


def application(
    payload: Payload, workers: Workers, token: str, allow_hosts: Collection[str], base_url: str | None
) -> Guard:
    """Return the ASGI application that shows what a payload holds, below a token.

    What the page is told first is made now, and once: its arrays are known only then.
    """
    told = embedded(payload.manifest.to_json()).encode()
    front = _front(payload.manifest.title).encode()

    def answer(make: Callable[[Request], Make], *, quick: bool = True) -> Any:
        async def endpoint(request: Request) -> Response:
            made = await workers.answer(request.receive, _caught(make(request)), quick=quick)
            return Response(status_code=503) if made is None else made

        return endpoint

    def of_payload(kind: str) -> Callable[[Request], Make]:
        return lambda request: lambda: sent(answers(payload, _asked(kind, request)), request.headers)

    def page(request: Request) -> Make:
        name = request.path_params["name"]
        return lambda: packed(page_file(name).encode(), FILES[name], request.headers)

    def fixed(data: bytes, kind: str) -> Callable[[Request], Make]:
        return lambda request: lambda: packed(data, kind, request.headers)

    routes = [
        Route("/", answer(fixed(front, "text/html"))),
        Route("/manifest.json", answer(fixed(told, "application/json"))),
        *(Route(f"/page/{name}", answer(page)) for name in FILES),
    ]
    return Guard(Starlette(routes=routes), token, allow_hosts, base_url)
