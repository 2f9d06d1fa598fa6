"""For the engine's tests: both front ends, and functions made from source text."""

import importlib.util
import itertools
import linecache
import sys
import textwrap

import pytest

from visualizer.instrument import codes

_names = itertools.count()


@pytest.fixture(params=["syntax", "bytecode"])
def front_end(request, monkeypatch):
    """Prefer one front end; `test_bindings` sees that the first one is used wherever it can be."""
    monkeypatch.setattr(codes, "front_ends", (request.param,))
    return request.param


@pytest.fixture
def module(tmp_path):
    """Import source text as a module that lies in a file."""

    def load(source):
        name = f"made_{next(_names)}"
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        made = importlib.util.module_from_spec(spec)
        sys.modules[name] = made
        spec.loader.exec_module(made)
        loaded.append(name)
        return made

    loaded = []
    yield load
    for name in loaded:
        del sys.modules[name]
    linecache.clearcache()
