"""Runs and maps as xarray has them."""

import numpy as np
import pytest

import visualizer as viz
from visualizer.axes import Grid, Special
from visualizer.errors import CallsError


@pytest.fixture
def run():
    maps = {"layers.0": np.random.default_rng(0).random((1, 2, 5, 5)), "layers.1": np.full((3, 4), 0.25)}
    return viz.from_arrays(maps)


def test_a_map_has_named_axes_and_its_places(run):
    found = run["layers.0"][0, :, 1:3, [4, 0]].to_xarray()
    assert found.dims == ("head", "query", "key")
    assert found.key.values.tolist() == [4, 0]
    assert np.array_equal(found.sel(query=2, key=0), run["layers.0"].numpy()[0, :, 2, 0])


def test_a_run_is_a_dataset_with_what_the_tokens_are(run, tmp_path):
    run.label("layers.0", axis=[Special("CLS"), Grid(2, 2)])
    run.save(tmp_path / "run.zarr")
    for one in (run, viz.load(tmp_path / "run.zarr")):
        found = one.to_xarray()
        assert set(found) == {"layers.0", "layers.1"}
        assert found["layers.0"]["layers.0.key_token"].values.tolist()[:2] == ["CLS", "cell (0, 0)"]
        assert found["layers.1"].shape == (1, 1, 3, 4)


def test_several_calls_of_a_module_have_an_axis(run):
    from visualizer.run import Run

    calls = [*run.calls("layers.0"), *run.calls("layers.0")]
    found = Run(calls).to_xarray()["layers.0"]
    assert found.dims[0] == "layers.0.call"
    assert found.shape == (2, 1, 2, 5, 5)


def test_maps_of_several_shapes_are_refused(run):
    from dataclasses import replace

    from visualizer.run import Run

    calls = [replace(call, path="x") for call in run]
    with pytest.raises(CallsError, match="2 shapes, which make no array"):
        Run(calls).to_xarray()
