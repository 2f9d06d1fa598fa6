"""A server of this machine's own that shows runs: what a page asks for is computed from their factors."""

from __future__ import annotations

import logging
import socket
from collections.abc import Collection, Sequence
from functools import partial
from secrets import token_urlsafe
from threading import Thread
from typing import TYPE_CHECKING

from visualizer.errors import OptionError, VisualizerError, require
from visualizer.run import Run
from visualizer.viewer.payload import Payload, served

if TYPE_CHECKING:
    from typing import Self

HOST = "127.0.0.1"
ANY = {"0.0.0.0": HOST, "::": "::1"}  # what such a server is called here


class Server:
    """A server that answers until it is stopped, in a thread: `serve` makes one.

    It is a context manager, which stops it in the end.

    Attributes
    ----------
    url
        The address of the page; who has it can read the runs.
    port
        The port that it listens on.
    """

    def __init__(  # noqa: PLR0913  # what `serve` takes
        self,
        payload: Payload,
        *,
        port: int | None,
        host: str,
        allow_hosts: Collection[str],
        base_url: str | None,
        allow_frames: Collection[str],
    ) -> None:
        uvicorn = require("uvicorn", "viewer", "A server")
        require("starlette", "viewer", "A server")
        from visualizer.viewer.application import application
        from visualizer.viewer.guard import Guard
        from visualizer.viewer.working import Workers

        token = token_urlsafe(24)
        self._workers = Workers()
        guarded = partial(
            Guard, token=token, allow_hosts=allow_hosts, base_url=base_url, allow_frames=allow_frames
        )
        app = application(payload, self._workers, guarded)
        self._socket = _listening(host, port)
        self.port: int = self._socket.getsockname()[1]
        name = ANY.get(host, host)
        own = f"http://{f'[{name}]' if ':' in name else name}:{self.port}"
        self.url = f"{(base_url or own).rstrip('/')}/{token}/"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level=logging.CRITICAL,  # the application logs what fails, and addresses hold the token
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=0,
            )
        )
        run = partial(self._server.run, sockets=[self._socket])
        self._thread = Thread(target=run, name="visualizer-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, at once: what is being computed stops before its next block."""
        self._workers.close()
        self._server.should_exit = True
        self._thread.join()

    def wait(self) -> None:
        """Wait until another thread, or Ctrl-C, stops it."""
        try:
            while self._thread.is_alive():
                self._thread.join(0.5)  # so that Ctrl-C is noticed on every system
        finally:
            self.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Server at {self.url}, {'serving' if self._thread.is_alive() else 'stopped'}>"


def serve(  # noqa: PLR0913  # each thing that can be chosen is a keyword
    runs: Run | Sequence[Run],
    port: int | None = None,
    host: str = HOST,
    allow_hosts: Collection[str] = (),
    base_url: str | None = None,
    *,
    allow_frames: Collection[str] = (),
) -> Server:
    """Show a run, or compare two, in a browser: what is looked at is computed when it is asked for.

    Only who has the address, which holds a random token, is answered; nothing can be changed through it.

    Parameters
    ----------
    runs
        One run, or two.
    port
        The port; one that is free unless given.
    host
        The address of this machine at which to listen: its loopback, which other machines do not reach.
    allow_hosts
        Names by which it may be called beside `localhost`, as behind a proxy.
    base_url
        Where a proxy has it, such as "/user/me/proxy/8787" or an address; proxies may strip the path or not.
    allow_frames
        Origins whose pages may show it in a frame, such as "http://localhost:8888", or "vscode-webview:".

    Raises
    ------
    OptionError
        If there are more than two runs, or they hold no map; if an address is none.
    VisualizerError
        If the port is taken.
    MissingExtraError
        If starlette or uvicorn is not installed.

    Examples
    --------
    >>> import numpy, urllib.request, visualizer
    >>> from visualizer.viewer import serve
    >>> with serve(visualizer.from_arrays({"layer.0": numpy.eye(4)[None]})) as server:
    ...     urllib.request.urlopen(f"{server.url}manifest.json").status
    200
    """
    return Server(
        served(runs),
        port=port,
        host=host,
        allow_hosts=allow_hosts,
        base_url=base_url,
        allow_frames=allow_frames,
    )


def _listening(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens, so that who asks from now on is answered."""
    number = port or 0  # 0: one that is free
    if not 0 <= number < 2**16:
        raise OptionError(f"port {port} was asked for; there are ports 1 to 65535")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, number), family=family)
    except OSError as error:
        where = f"{host} port {port}" if port else host
        what = (error.strerror or str(error)).partition(" (while")[0]  # the rest is said here already
        remedy = "; another port, or none for one that is free, may do" if port else ""
        raise VisualizerError(f"{where} was to be listened at, but: {what}{remedy}") from None
