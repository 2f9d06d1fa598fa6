"""The stores of earlier releases, and of this one, are read: each has what its maps are beside it."""

import json
from pathlib import Path

import numpy as np
import pytest

import visualizer as viz
from visualizer.attention import AttentionMap
from visualizer.axes import Axis, Grid, Special

ARCHIVES = sorted((Path(__file__).parents[1] / "data" / "archives").glob("*.zip"))


def test_this_release_has_its_archive():
    assert ARCHIVES[-1].stem == viz.__version__


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.stem)
def test_an_archive_is_read_with_the_same_numbers(path):
    run, expected = viz.load(path), json.loads(path.with_suffix(".json").read_text())
    maps = {str(n): call.map for n, call in enumerate(run) if isinstance(call.content, AttentionMap)}
    assert maps.keys() == expected.keys()
    for number, map_ in maps.items():
        np.testing.assert_allclose(map_.numpy().ravel(), expected[number], atol=1e-5)


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.stem)
def test_an_archive_has_all_that_calls_had(path):
    run = viz.load(path)
    assert [(call.path, call.number, call.item) for call in run][:2] == [
        ("layers.0.attn", 0, "a"),
        ("layers.1.attn", 0, 7),
    ]
    assert (run[0].rows, run[0].error, run[0].note, run[0].v.shape) == (("r",), 1e-7, "so", (1, 1, 5, 3))
    assert run.axis("layers.0.attn") == Axis((Special("CLS"), Grid(2, 2)))
    assert run[5].content["topk"][1].tolist() == [[[[1, 1]] * 5] * 2]
    assert run[6].content["x"][1:] == [2.5, None]
