"""What the server answers at which address below its token."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from visualizer.errors import OptionError, VisualizerError
from visualizer.viewer.answering import answers
from visualizer.viewer.guard import Guard
from visualizer.viewer.html import document, page_file
from visualizer.viewer.payload import Payload
from visualizer.viewer.sending import packed, sent
from visualizer.viewer.working import Workers
from visualizer.viewer.writing import embedded

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    Handler = Callable[[Request], Response]

FILES = {"viewer.js": "text/javascript", "viewer.css": "text/css"}
HEAD = '<link rel="icon" href="data:,">\n<link rel="stylesheet" href="page/viewer.css">'
SCRIPT = '<script type="module" src="page/viewer.js"></script>'
LOGGER = logging.getLogger(__name__)


def application(payload: Payload, workers: Workers, guarded: Callable[[ASGIApp], Guard]) -> Guard:
    """Return the ASGI application that shows what a payload holds, to whom the guard lets pass.

    What the page is told first is made now, once: who asks for an array at once finds it named.
    """

    def route(path: str, handle: Handler, *, quick: bool = True) -> Route:
        async def endpoint(request: Request) -> Response:
            made = await workers.answer(request.receive, lambda: _handled(handle, request), quick=quick)
            return made or Response(status_code=503)

        return Route(path, endpoint)

    told = payload.manifest
    routes = [
        route("/", _fixed(document(told.title, HEAD, SCRIPT), "text/html")),
        route("/manifest.json", _fixed(embedded(told.to_json()), "application/json")),
        route("/page/{name}", _page),
        route("/details", _array(payload, "details"), quick=False),
        route("/rows", _array(payload, "rows")),
        route("/column", _array(payload, "column")),
        route("/tile", _array(payload, "tile"), quick=False),
        route("/figure", _array(payload, "figure"), quick=False),
        route("/blob/{name:path}", _array(payload, "blob"), quick=False),
    ]
    return guarded(Router(routes, redirect_slashes=False))


def _handled(handle: Handler, request: Request) -> Response:
    """Return an answer; what went wrong is one sentence."""
    try:
        return handle(request)
    except OptionError as error:
        return PlainTextResponse(str(error), 404)
    except VisualizerError as error:
        return PlainTextResponse(str(error), 500)
    except Exception:
        LOGGER.exception("an answer could not be given")
        return PlainTextResponse("this could not be answered: see what the server says", 500)


def _array(payload: Payload, kind: str) -> Handler:
    """Return what answers with an array: words of the address are those of the protocol."""

    def handle(request: Request) -> Response:
        asked: dict[str, Any] = {**request.query_params, **request.path_params, "kind": kind}
        if "queries" in asked:
            asked["queries"] = asked["queries"].split(",")
        return sent(answers(payload, asked), request.headers)

    return handle


def _fixed(text: str, kind: str) -> Handler:
    data = text.encode()
    return lambda request: packed(data, kind, request.headers)


def _page(request: Request) -> Response:
    """Answer with a file of the built page: names are looked up, and never are a path."""
    name = request.path_params["name"]
    if name not in FILES:
        return PlainTextResponse("Not Found", 404)
    return packed(page_file(name).encode(), FILES[name], request.headers)
