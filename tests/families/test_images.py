"""The image that was looked at: shown as it was, and places in it."""

import numpy as np
import pytest
import torch
from PIL import Image

import visualizer
from visualizer.axes import Grid, Special
from visualizer.errors import OptionError, ShapeError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture
def run():
    maps = np.full((1, 1, 7, 7), 1 / 7, np.float32)
    return visualizer.from_arrays({"attn": maps}).label(axis=[Special("CLS"), Grid(2, 3)])


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def test_images_of_all_kinds_are_shown_the_same(run, photo):
    shares = torch.from_numpy(photo).permute(2, 0, 1) / 255
    normal = (shares - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    for image, how in [
        (photo, {}),
        (Image.fromarray(photo), {}),
        (torch.from_numpy(photo).permute(2, 0, 1), {}),
        (shares, {}),
        (normal[None].to(torch.float64), {"mean": MEAN, "std": STD}),
    ]:
        run.label(image=image, **how)
        assert run.image.dtype == np.uint8
        assert np.array_equal(run.image, photo)
        assert not run.seen.note


def test_values_of_which_nothing_is_known_are_stretched_and_that_is_said(run):
    run.label(image=torch.linspace(-2, 3, 24).reshape(1, 4, 6))
    assert (run.image.min(), run.image.max()) == (0, 255)
    assert "from -2 to 3 are shown as black to white" in run.seen.note


def test_tokens_lie_in_the_photo_of_which_a_part_was_looked_at(run, photo):
    assert run.place(6) == (2 / 3, 0.5, 1 / 3, 0.5)
    assert run.label(image=photo).place(6) == pytest.approx((40, 20, 20, 20))
    assert run.label(image=photo, crop=(30, 10, 30, 20)).place(6) == pytest.approx((50, 20, 10, 10))
    assert run["a*"].place(0) is None  # the class token


@pytest.mark.parametrize(
    ("stated", "kind", "says"),
    [
        ({"crop": (30, 10, 40, 20)}, ShapeError, r"30 \+ 40 = 70 across .* but the image has 60 × 40 pixels"),
        ({"crop": (1, 2, 3)}, ShapeError, r"give \(left, top, width, height\)"),
        ({"mean": MEAN, "std": STD}, OptionError, r"run from 0.4\d+ to 0.7|times std"),
        ({"mean": (0.5, 0.5), "std": 1}, ShapeError, "mean= has 2 numbers, but the image has 3 channels"),
        ({"image": np.zeros((2, 6, 7, 5))}, ShapeError, r"of shape \(2, 6, 7, 5\) was given"),
        ({"image": np.zeros((5, 6, 7))}, ShapeError, "neither 1, 3 nor 4 channels"),
        ({"image": np.full((4, 4), np.nan)}, ShapeError, "NaN"),
        ({"image": None, "crop": (0, 0, 1, 1)}, OptionError, "without image="),
    ],
)
def test_a_wrong_statement_fails_at_once(run, photo, stated, kind, says):
    normal = torch.from_numpy(photo).permute(2, 0, 1) / 255 * 9 - 4
    with pytest.raises(kind, match=says):
        run.label(**{"image": photo if "crop" in stated else normal, **stated})
    assert run.image is None


def test_an_image_is_kept_as_it_was_when_it_was_given(run, photo):
    given = photo.copy()
    film = np.stack([given, given])
    for image in (given, film):
        run.label(image=image)
        image[:] = 0
        shown = run.image if image is given else run.image[1]
        assert np.array_equal(shown, photo)
