"""The public names."""

import importlib
import inspect
from pathlib import Path

import pytest

import visualizer
from visualizer import errors

ROOT = Path(visualizer.__file__).parent
PACKAGES = ["visualizer", *(f"visualizer.{path.parent.name}" for path in sorted(ROOT.glob("*/__init__.py")))]


def test_the_public_names_are_these():
    names = "AttentionMap analysis capture compare_eager errors find from_arrays get_local load plots watch"
    assert sorted(visualizer.__all__) == names.split()


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_exports_is_there(package):
    module = importlib.import_module(package)
    exported = getattr(module, "__all__", [])
    assert [name for name in exported if not hasattr(module, name)] == []
    assert set(exported) <= set(dir(module))


@pytest.mark.parametrize("name", ["AttentionMap", "get_local", "plots", "watch"])
def test_a_name_is_imported_from_a_fresh_interpreter(python, name):
    result = python("-c", f"from visualizer import {name}; print({name}.__name__)")
    assert not result.returncode, result.stderr


def test_an_unknown_name_is_an_attribute_error_that_says_so():
    with pytest.raises(AttributeError, match="module 'visualizer' has no attribute 'get_locals'"):
        visualizer.get_locals


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_bears_the_name_of_a_public_function(package):
    module = importlib.import_module(package)
    modules = {path.stem for path in Path(module.__file__).parent.iterdir()}
    functions = {
        name for name in getattr(module, "__all__", []) if not inspect.ismodule(getattr(module, name))
    }
    assert modules & functions == set()


def test_the_classic_import_gives_the_same_object():
    from visualizer.visualizer import get_local

    assert get_local is visualizer.get_local


def test_every_error_is_drawn_in_the_tree_of_errors():
    classes = [name for name, value in vars(errors).items() if inspect.isclass(value)]
    assert [name for name in classes if name not in errors.__doc__] == []


def test_every_error_of_the_package_is_defined_in_the_tree_of_errors():
    def below(kind):
        return {kind, *(deeper for child in kind.__subclasses__() for deeper in below(child))}

    for package in PACKAGES:
        importlib.import_module(package)
    assert {kind.__module__ for kind in below(errors.VisualizerError)} == {"visualizer.errors"}
