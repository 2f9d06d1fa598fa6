"""``visualizer export``: the maps of a saved run as arrays that other programs read, or as a page."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from visualizer.cli import pages
from visualizer.cli.choices import Json, Layer
from visualizer.cli.runs import calls_of, open_run
from visualizer.cli.showing import each, print_json, show
from visualizer.demo.folders import whole_file
from visualizer.errors import OptionError, require
from visualizer.escaping import visible

EXAMPLES = """Examples:

  visualizer export run.zarr -o maps.npz

  visualizer export run.zarr --layer "encoder.layer.[01].*" -o maps.safetensors

  visualizer export run.zarr --layer 5 -o weights.csv

  visualizer export run.zarr page.html

  visualizer export run.zarr page.html --layer "encoder.layer.[01].*" --heads 0,3 --max-mb 5

  visualizer export before.zarr after.zarr page.html
"""
Named = Iterator[tuple[str, Any]]
Given = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN... FILE",
        help="A saved run, or two that a page compares, then the file to write.",
        show_default=False,
    ),
]
MOST = 2  # runs in a page


def export(  # noqa: PLR0913  each option is a parameter
    given: Given,
    *,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file, unless it is last.")] = None,
    layer: Layer = None,
    heads: Annotated[str | None, typer.Option(help="Of a page: the rows of these heads, as 0,3.")] = None,
    queries: Annotated[str | None, typer.Option(help="Of a page: the rows of these queries, as 0,7.")] = None,
    max_mb: Annotated[
        float | None, typer.Option(help="Of a page: megabytes that it may take, or 25.")
    ] = None,
    json: Json = False,
) -> None:
    """Write maps, each formed, as .npz, .safetensors or .csv, or a page, .html, that shows them offline."""
    runs, target = _told_apart(given, out)
    asked = {"heads": heads, "queries": queries, "max_mb": max_mb}
    of_page = {name: value for name, value in asked.items() if value is not None}
    made: dict[str, Any] = {}
    if target.suffix.lower() == ".html":
        pages.write([open_run(run) for run in runs], target, layer, **of_page)
    elif of_page:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in of_page)
        raise OptionError(f"{options} was given with {target}, but is for a page, such as page.html")
    else:
        made = {"arrays": _export_arrays(runs, target, layer)}
    if json:
        print_json({"written": str(target), **made})
    else:
        show(f"Written: {visible(str(target))}")


def _told_apart(given: list[str], out: Path | None) -> tuple[list[str], Path]:
    """Return the runs and the file."""
    last = Path(given[-1])
    if (len(given) == 1 and out is None) or (len(given) > 1 and out is not None and _is_named(last)):
        raise OptionError("one file is to be written: give it after the run, or with -o")
    runs, target = (given, out) if out is not None else (given[:-1], last)
    if len(runs) > MOST:
        raise OptionError(f"{len(runs)} runs were given; give one, or two that a page compares")
    return runs, target


def _is_named(path: Path) -> bool:
    """Tell whether a file is named as what is written here is."""
    return path.suffix.lower() in (*WRITERS, ".html")


def _export_arrays(runs: list[str], target: Path, layer: str | None) -> dict[str, Any]:
    """Write arrays; return of each by name what it is."""
    if not _is_named(target):
        endings = ", ".join([*WRITERS, ".html"])
        raise OptionError(f"{target} was asked for; give a file that ends with one of {endings}")
    if len(runs) > 1:
        raise OptionError(f"two runs were given with {target}; give one, or a page, such as page.html")
    write, calls = WRITERS[target.suffix.lower()], calls_of(open_run(runs[0]), layer)
    written: dict[str, Any] = {}
    with whole_file(target, "The file") as unfinished:
        write(unfinished, _noted(_arrays(calls), written))
    return written


def _noted(arrays: Named, written: dict[str, Any]) -> Named:
    """Yield arrays, and note of each what it is."""
    for name, array in arrays:
        written[name] = {"shape": array.shape, "dtype": str(array.dtype)}
        yield name, array


def _arrays(calls: list[Any]) -> Named:
    """Yield each call's arrays by name: its path, and of several which of them it is, from 0."""
    count, before = Counter(call.path for call in calls), Counter[str]()
    for call in each(calls, "forming maps"):
        name = call.path or "model"
        name = name if count[call.path] == 1 else f"{name}#{before[call.path]}"
        before[call.path] += 1
        content = call.content
        if isinstance(content, dict):
            yield from ((f"{name}:{read}", _array(value)) for read, value in content.items())
        else:
            yield name, _array(content)


def _array(value: Any) -> Any:
    import numpy as np

    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def _write_npz(path: Path, arrays: Named) -> None:
    """Write as `numpy.savez` does, one array at a time."""
    import numpy as np

    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name, array in arrays:
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def _write_safetensors(path: Path, arrays: Named) -> None:
    import numpy as np

    held = {name: np.ascontiguousarray(array) for name, array in arrays}
    require("safetensors.numpy", "demo", "Writing safetensors").save_file(held, path)


def _write_csv(path: Path, arrays: Named) -> None:
    """Write a row for each number: its array's name, its place along each axis, and itself."""
    import numpy as np

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "batch", "head", "query", "key", "weight"])
        for name, array in arrays:
            if array.ndim != 4:
                raise OptionError(f"{name} has the shape {array.shape}, and is no map: give a file.npz")
            for place, weight in np.ndenumerate(array):
                writer.writerow([name, *place, f"{weight:.7g}"])


WRITERS = {".npz": _write_npz, ".safetensors": _write_safetensors, ".csv": _write_csv}
