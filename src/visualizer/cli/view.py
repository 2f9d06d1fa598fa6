"""``visualizer view``: saved runs in a browser, served by this machine to itself."""

from __future__ import annotations

import shlex
import webbrowser
from contextlib import suppress
from typing import Annotated, Any

import typer

from visualizer.cli.choices import Json
from visualizer.cli.runs import open_run
from visualizer.cli.showing import print_json, progress, show
from visualizer.escaping import visible
from visualizer.viewer.screens import has_screen, tunnel_to

EXAMPLES = """Examples:

  visualizer view run.zarr

  visualizer view before.zarr after.zarr --port 8787

  visualizer view run.zarr --port 8787 --base-url /user/me/proxy/8787
"""
Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="A saved run, or two to compare.", show_default=False),
]


def view(  # noqa: PLR0913  each option is a parameter
    runs: Runs,
    *,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port; one that is free unless given.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; other machines do not reach the default.")
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A name by which it may be called too.")
    ] = None,
    allow_frame: Annotated[
        list[str] | None, typer.Option(metavar="ORIGIN", help="Pages that may show it in a frame.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The path or address at which a proxy has it.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
    json: Json = False,
) -> None:
    """Show a run, or compare two, in a browser, until Ctrl-C stops it."""
    from visualizer.viewer import serve

    with progress() as say:
        say("reading")
        opened = [open_run(run) for run in runs]
        server = serve(opened, port, host, allow_host or (), base_url, allow_frames=allow_frame or ())
    with server, suppress(KeyboardInterrupt):
        seen = has_screen()
        _tell(server, away=not seen and not base_url, json=json)
        if seen and not no_browser:
            webbrowser.open(server.url)
        if not json:
            show(f"Or as one file: visualizer export {visible(shlex.join(runs))} page.html")
        server.wait()


def _tell(server: Any, *, away: bool, json: bool) -> None:
    """Say where it is, and how to come here from the machine that one sits at, unless a proxy does."""
    if json:
        print_json({"url": server.url, "port": server.port, "tunnel": tunnel_to(server.port)})
        return
    show(f"Serving at {server.url} until Ctrl-C")
    if away:
        show(f"From another machine, first: {tunnel_to(server.port)}")
