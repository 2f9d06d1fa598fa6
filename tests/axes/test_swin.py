"""A hand-written Swin: a query's row over the whole feature map, and which stage has which windows."""

import numpy as np
import pytest
import torch
from tests.axes.swin import SwinTransformer

import visualizer
from visualizer.axes import Axis, Windows
from visualizer.errors import CallsError, OptionError, ShapeError

GRID = (8, 12)
STATED = {"size": 4, "shift": "alternate"}


@pytest.fixture(scope="module")
def swin():
    """One stage of a plain and a shifted block, the first of which mixes no tokens."""
    torch.manual_seed(0)
    model = SwinTransformer(GRID, depths=[2]).double().eval()
    torch.nn.init.zeros_(model.layers[0].blocks[0].attn.proj.weight)
    return model


def record(model, images):
    with torch.no_grad(), visualizer.capture(model) as run:
        model(images)
    return run


def row_over_the_grid(run, path, cell, item):
    """In three lines."""
    axis = run.label("layers.*.attn", windows=STATED, grid=GRID).axis(path)
    batch, query = axis.at(cell, item)
    (picture,) = axis.put(run[path][batch, 0, query], batch)
    return np.asarray(picture)


# (query, patch that is changed): in the middle, beside the edge where the grid was rolled, and across it
PAIRS = [((3, 5), (5, 2)), ((0, 0), (1, 1)), ((7, 11), (6, 10)), ((0, 0), (7, 11))]
NEAR = [((2, 5), (1, 7)), ((0, 0), (3, 3)), ((7, 11), (4, 8))]


@pytest.mark.parametrize(
    ("path", "query", "patch"),
    [
        *(("layers.0.blocks.1.attn", *pair) for pair in PAIRS),
        *(("layers.0.blocks.0.attn", *pair) for pair in NEAR),
    ],
)
@pytest.mark.parametrize("item", [0, 1])
def test_the_key_that_changes_with_a_patch_lies_where_the_patch_does(swin, path, query, patch, item):
    images = torch.randn(2, 3, 4 * GRID[0], 4 * GRID[1], dtype=torch.float64)
    changed = images.clone()
    changed[item, :, 4 * patch[0] : 4 * patch[0] + 4, 4 * patch[1] : 4 * patch[1] + 4] += 1
    before, after = (row_over_the_grid(record(swin, x), path, query, item) for x in (images, changed))
    assert (before > 0).sum() == 16  # one window of the grid
    with np.errstate(all="ignore"):
        logits = np.log(after) - np.log(before)  # but for a constant, what was added to each logit
    moved = np.abs(logits - np.nanmedian(logits)) > 1e-6
    assert np.argwhere(moved & (before > 0)).tolist() == [list(patch)]


def test_each_stage_has_its_grid_and_its_shift():
    torch.manual_seed(0)
    model = SwinTransformer((16, 16), depths=[2, 2, 2]).eval()
    run = record(model, torch.randn(3, 3, 64, 64))
    run.label("layers.*.attn", windows=STATED, grid=(16, 16))
    assert [run.axis(path).segments[0] for path in run.paths] == [
        Windows((16, 16), 4),
        Windows((16, 16), 4, 2),
        Windows((8, 8), 4),
        Windows((8, 8), 4, 2),
        Windows((4, 4), 4),
        Windows((4, 4), 4),
    ]


def run_of(**shapes):
    """A run of maps of ones, of the batch and number of tokens that each path has."""
    arrays = {path: np.ones((batch, 1, n, n), np.float32) for path, (batch, n) in shapes.items()}
    return visualizer.from_arrays({path.replace("_", "."): array for path, array in arrays.items()})


def test_grids_that_are_no_whole_windows_are_filled_up():
    run = run_of(b_0=(2 * 9, 49), b_1=(2 * 4, 49), b_2=(2, 16)).label(
        "b.*", windows={"size": 7}, grid=(15, 16)
    )
    assert [run.axis(path).segments[0].grid for path in run.paths] == [(15, 16), (8, 8), (4, 4)]
    assert run.axis("b.2").segments[0].window == (4, 4)


@pytest.mark.parametrize(
    ("shapes", "stated", "kind", "says"),
    [
        (
            {"b_0": (63, 49)},
            {},
            ShapeError,
            "56 × 56 grid in 7 × 7 windows = 64 windows .* the map of b.0 has a batch of 63",
        ),
        (
            {"b_0": (64, 48)},
            {},
            ShapeError,
            "64 windows of 49 keys, in a batch of 1, but the map of b.0 has a batch of 64 and 48 keys",
        ),
        (
            {"b_0": (64, 49), "b_1": (9, 49)},
            {},
            ShapeError,
            "28 × 28 grid in 7 × 7 windows = 16 windows .* but the map of b.1",
        ),
        (
            {"b_0": (9, 49), "b_1": (1, 49)},
            {"grid": (16, 16)},
            ShapeError,
            "8 × 8 grid in 7 × 7 windows = 4 windows .* under patterns of their own",
        ),
        (
            {"b_0": (64, 49)},
            {"grid": None},
            OptionError,
            r"windows= were stated without grid=\(rows, columns\)",
        ),
        ({"b_0": (64, 49)}, {"windows": {"shift": 3}}, OptionError, r"give dict\(size=7"),
        ({"b_0": (64, 49)}, {"windows": {"size": 7, "by": 3}}, OptionError, r"give dict\(size=7"),
        ({"b": (64, 49)}, {"windows": {"size": 7, "shift": "alternate"}}, OptionError, "'b' has no number"),
        (
            {"b_1": (2, 49)},
            {"windows": {"size": 7, "shift": "alternate"}, "grid": (7, 14)},
            OptionError,
            "one window along",
        ),
        ({}, {}, CallsError, "no map was recorded"),
    ],
)
def test_windows_that_cannot_be_are_refused(shapes, stated, kind, says):
    with pytest.raises(kind, match=says):
        run_of(**shapes).label(**{"windows": {"size": 7}, "grid": (56, 56)} | stated)


def test_windows_of_an_axis_are_checked_against_the_batch():
    with pytest.raises(
        ShapeError, match="4 × 4 grid in 2 × 2 windows = 4 windows, but the map of b has a batch of 6"
    ):
        run_of(b=(6, 4)).label(axis=Axis([Windows((4, 4), 2)]))
