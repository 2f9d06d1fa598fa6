"""Imports point one way: a layer sees those that its line names, and no others."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import visualizer

ROOT = Path(visualizer.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))

# Each layer, a module or a folder, and the layers that it may import. A new layer is a new line.
SEES = {
    "errors": set(),
    "escaping": set(),
    "notices": set(),
    "kept": set(),
    "cgroups": set(),
    "memory": {"errors", "cgroups"},
    "snapshots": {"memory"},
    "copying": {"errors"},
    "attention": {"copying", "errors", "memory"},
    "instrument": {"errors"},
    "cache": {"errors", "memory", "notices", "snapshots"},
    "recordings": {"errors", "cache", "instrument"},
    "classic": {"errors", "cache", "notices", "recordings"},
    "recorders": {"errors", "attention", "instrument", "options"},
    "named_readouts": {"attention", "errors"},
    "choices": {"errors", "named_readouts"},
    "options": {"choices", "memory"},
    "calls": {"attention", "copying", "errors", "memory"},
    "tables": {"calls", "escaping", "memory"},
    "gradients": {"attention", "calls", "errors", "recorders"},
    "explaining": set(),
    "items": set(),
    "axes": {"errors"},
    "families": {"axes", "errors"},
    "inferring": {"attention", "errors", "families", "instrument", "options", "recorders"},
    "tokens": {"axes", "errors"},
    "films": set(),
    "pixels": {"errors", "films"},
    "images": {"errors", "films", "pixels"},
    "windowing": {"attention", "axes", "calls", "errors"},
    "labels": {"attention", "axes", "calls", "errors", "tokens", "windowing"},
    "parallel": {"attention", "calls", "errors"},
    "comparing": {"calls", "errors"},
    "differentiating": {"calls", "errors", "gradients"},
    "readout_table": {"calls", "errors", "escaping", "named_readouts"},
    "recorded": {"calls", "copying", "errors", "labels"},
    "run": {
        *(
            "attention",
            "axes",
            "calls",
            "comparing",
            "copying",
            "differentiating",
            "errors",
            "escaping",
            "images",
        ),
        *("items", "labels", "parallel", "readout_table", "recorded", "tables"),
    },
    "analysis": {"attention", "axes", "calls", "errors", "images", "readout_table", "run"},
    "store": {
        *("attention", "axes", "calls", "errors", "families", "images", "kept", "labels", "memory"),
        *("notices", "run", "tokens"),
    },
    "making": {"attention"},
    "allowance": {"calls", "errors", "explaining", "memory", "notices", "recorders", "room"},
    "filling": {
        *(
            "allowance",
            "attention",
            "calls",
            "explaining",
            "inferring",
            "making",
            "named_readouts",
            "options",
        ),
        *("recorders", "run", "store"),
    },
    "room": {"attention", "calls", "recorders"},
    "listening": {"errors", "explaining", "filling", "instrument", "options", "recorders", "run"},
    "listening_to_all": {"errors", "listening", "options", "recorders"},
    "session": {"errors", "explaining", "listening", "listening_to_all", "options", "recorders", "run"},
    "_from_arrays": {"attention", "calls", "errors", "run"},
    "_find": {"escaping", "options", "session"},
    "eager": {"calls", "errors", "run", "session", "tables"},
    "visualizer": {"classic"},
    "plots": {
        *("attention", "axes", "calls", "errors", "films", "images", "readout_table", "run", "snapshots"),
        "tokens",
    },
    "viewer": {
        *("analysis", "attention", "axes", "calls", "errors", "escaping", "films", "images", "kept"),
        *("plots", "run"),
    },
    "__init__": {
        *(
            "_find",
            "_from_arrays",
            "analysis",
            "attention",
            "errors",
            "classic",
            "eager",
            "instrument",
            "plots",
            "session",
        ),
        "store",
    },
    "loading": {"errors"},
    "demo": {"__init__", "axes", "errors", "images", "instrument", "loading", "plots", "run", "tokens"},
    "cli": {
        "__init__",
        "demo",
        "errors",
        "escaping",
        "images",
        "loading",
        "plots",
        "readout_table",
        "recorders",
        "viewer",
    },
    "__main__": {"cli"},
}

# What a method of one line hands on to, imported when it is called, although it lies further on.
HANDED_ON = {"attention": {"store"}, "run": {"analysis", "store", "viewer"}}

# Each framework, and the layers that may import it.
FRAMEWORKS = {
    "anywidget": {"viewer"},
    "matplotlib": {"plots"},
    "scipy": {"analysis"},
    "sklearn": {"demo"},
    "starlette": {"viewer"},
    "torch": {
        *(
            "_find",
            "analysis",
            "attention",
            "choices",
            "cli",
            "demo",
            "eager",
            "families",
            "filling",
            "gradients",
        ),
        *("inferring", "listening_to_all", "making", "parallel", "recorders", "session", "store"),
    },
    "transformers": {"loading"},
    "timm": {"loading"},
    "typer": {"cli"},
    "uvicorn": {"viewer"},
    "xarray": {"store"},
    "zarr": {"store"},
}


def layer_of(path):
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported(source, path):
    """Every dotted name that a source imports anywhere in it, by statement or through a function."""
    package = ["visualizer", *path.relative_to(ROOT).parts[:-1]]
    nodes = list(ast.walk(ast.parse(source)))
    # a call whose result is not used asks only whether the package is there
    questions = [node.value for node in nodes if isinstance(node, ast.Expr)]
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package[: len(package) - level + 1] if level else []
                yield from (".".join([*base, *([module] if module else []), alias.name]) for alias in names)
            case ast.Call(
                func=ast.Name(id="require" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ) if node not in questions:
                yield name


def wrong_imports(source, path):
    """What a source at this path imports and may not."""
    layer = layer_of(path)
    for name in imported(source, path):
        top, _, rest = name.partition(".")
        seen = rest.partition(".")[0]
        if top == "visualizer":
            seen = seen if seen in SEES else "__init__"
            if seen not in SEES[layer] | HANDED_ON.get(layer, set()) | {layer}:
                yield f"{layer} imports {name}"
        elif layer not in FRAMEWORKS.get(top, {layer}):
            yield f"{layer} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_layer_sees(path):
    assert list(wrong_imports(path.read_text(), path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import visualizer.cli",
        "from visualizer.plots import head",
        "from visualizer import plots",
        "from visualizer import get_local",
        "from ..plots import head",
        "from .. import cli",
        "def late():\n    import torch.nn",
        "from matplotlib import pyplot",
        "demo = importlib.import_module('visualizer.demo')",
        "torch = require('torch', 'torch', 'This')",
    ],
)
def test_the_test_above_sees_a_wrong_import(source):
    assert list(wrong_imports(source, ROOT / "instrument" / "new.py"))


@pytest.mark.parametrize(
    "source",
    ["from . import sites", "from visualizer.errors import TargetError", "require('torch', 'demo', 'This')"],
)
def test_a_right_import_is_not_reported(source):
    assert list(wrong_imports(source, ROOT / "instrument" / "new.py")) == []


def test_no_two_layers_see_each_other():
    assert set(TopologicalSorter(SEES).static_order()) == set(SEES)


def test_every_layer_has_its_line():
    assert {layer_of(path) for path in SOURCES} == set(SEES)
