"""A run of arrays is saved and read on each Python that has zarr; an older one says what it needs."""

import sys

import numpy as np
import pytest

import visualizer as viz
from visualizer.errors import VisualizerError

MAPS = np.random.default_rng(0).dirichlet(np.ones(5), size=(2, 3, 5))


def test_a_run_of_arrays_comes_back_or_python_is_too_old(tmp_path):
    run = viz.from_arrays({"layer.0": MAPS}, tokens=list("abcde"))
    if sys.version_info < (3, 11):
        with pytest.raises(VisualizerError, match=r"3\.11"):
            run.save(tmp_path / "run")
        assert not any(tmp_path.iterdir())
        return
    run.save(tmp_path / "run", inputs=True)
    loaded = viz.load(tmp_path / "run")
    assert np.array_equal(np.asarray(loaded["layer.0"]), MAPS)
    assert loaded.tokens == list("abcde")
