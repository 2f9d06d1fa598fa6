"""A run as one HTML file that asks nothing of anyone: the page, what it is told, and the arrays."""

from __future__ import annotations

import base64
import hashlib
import html
import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from visualizer.errors import OptionError, VisualizerError
from visualizer.run import Run
from visualizer.viewer.choosing import Choice, chosen
from visualizer.viewer.given import heads_given, modules_given, runs_given
from visualizer.viewer.payload import Payload
from visualizer.viewer.protocol import Manifest
from visualizer.viewer.writing import embedded

MEGABYTE = 10**6
SAID = 1000
"""Bytes for the sentences that say what was left out."""


def to_html(  # noqa: PLR0913  # each thing that can be chosen is a keyword
    runs: Run | Sequence[Run],
    path: str | os.PathLike[str],
    *,
    max_mb: float = 25,
    modules: str | Sequence[str] = "*",
    heads: Collection[int] | None = None,
    queries: Any = None,
) -> None:
    """Write one HTML file that shows a run, or compares two, in any browser and without a network.

    The page computes rows from the factors in it, to 1e-3. Where they are more than the file may hold, all
    overviews stay, and the rows of the most telling heads; the page lists what was left out.

    Parameters
    ----------
    runs
        One run, or two.
    path
        Where to; a file that is there is written over.
    max_mb
        Megabytes that the file may take.
    modules, heads
        Only modules of these paths or patterns; only the rows of these heads.
    queries
        Only the rows of these queries, exact to 5e-4: an int, a slice, what `Run.where` finds, or a list of
        these; of maps so long that overviews are of some rows, nothing is measured then.

    Raises
    ------
    CallsError
        If no call was recorded under a path.
    TargetError
        If something that is no run was to be shown.
    OptionError
        If the budget is no number from 1 on, or too small for names alone; if modules are no texts or heads
        no numbers; if the runs hold no map, if a head is in none, or no map has one of the queries.
    """
    if not isinstance(max_mb, int | float) or not max_mb >= 1:
        raise OptionError(f"max_mb={max_mb!r} was asked for; give megabytes, from 1 on")
    given, paths, heads = runs_given(runs), modules_given(modules), heads_given(heads)
    parts = [_part(run, paths) for run in given]
    payload = Payload(parts, queries=queries)
    if not payload.shows:
        raise OptionError(f"a page was to be made, but there is no map in it: {given[0].why_empty()}")
    asked = range(len(payload.exhibits))
    if queries is not None and asked and not any(map(payload.rows_asked, asked)):
        longest = max(one.map.shape[2] for one in payload.exhibits)
        raise OptionError(f"queries={queries!r:.60} was asked for, but maps have at most {longest} queries")
    most = max((one.map.shape[1] for one in payload.exhibits), default=0)
    if payload.exhibits and heads is not None and not set(heads) <= set(range(most)):
        raise OptionError(f"heads={heads!r:.60} was asked for, but maps have at most {most}, counted from 0")
    script, style = page_file("viewer.js"), page_file("viewer.css")
    frame = SAID + len(_page(replace(payload.outline, maps=[]), Choice(0), script, style).encode())
    if frame > max_mb * MEGABYTE:
        least = f"{frame / MEGABYTE:.1f} MB"
        raise OptionError(f"max_mb={max_mb} was asked for, but names and the page itself take {least}")
    told, choice = chosen(payload, int(max_mb * MEGABYTE) - frame, heads)
    Path(path).write_text(_page(told, choice, script, style), encoding="utf-8")


def page_file(name: str) -> str:
    """Return a file of the built page.

    Raises
    ------
    VisualizerError
        If the page has not been built.
    """
    found = files("visualizer.viewer") / "page" / name
    if not found.is_file():
        raise VisualizerError(
            "the viewer's page was asked for, but it is not built here: run make web, or pip install ."
        )
    return found.read_text(encoding="utf-8")


def _part(run: Run, modules: list[str]) -> Run:
    if modules == ["*"]:
        return run
    calls = {call.order: call for pattern in modules for call in run.some_calls(pattern)}
    return run._part([calls[order] for order in sorted(calls)])  # noqa: SLF001


def _page(told: Manifest, choice: Choice, script: str, style: str) -> str:
    policy = (
        "default-src 'none'; "
        f"script-src {_hash(script)} blob:; style-src {_hash(style)}; worker-src blob:; img-src blob: data:; "
        "base-uri 'none'; form-action 'none'"
    )
    head = f"""<meta http-equiv="Content-Security-Policy" content="{policy}">
<style>{style}</style>"""
    body = f"""<script type="application/json" id="visualizer-manifest">{embedded(told.to_json())}</script>
{"".join(one.line for one in choice.arrays.values())}<script type="module">{script}</script>"""
    return document(told.title, head, body)


def document(title: str, head: str, body: str) -> str:
    """Return the HTML that a page begins as: what goes into its head, and what follows its one element."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{head}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)} – attention</title>
</head>
<body>
<div id="visualizer"></div>
{body}
</body>
</html>
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
