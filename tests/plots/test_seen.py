"""What a model was given: a part of the photo, or several images, and where maps lie on them."""

import numpy as np
import pytest

import visualizer as viz
from visualizer import plots
from visualizer.axes import Axis, Grid, Text
from visualizer.errors import OptionError, ShapeError

PHOTO = np.zeros((40, 80, 3), np.uint8)
CROP = (50, 10, 20, 20)  # left, top, width, height
TWO = Axis([Text(["see"]), Grid(2, 2), Text(["and"]), Grid(2, 2, image=1)])
RNG = np.random.default_rng(0)


@pytest.fixture
def cropped():
    run = viz.from_arrays({"attn": RNG.dirichlet(np.ones(4), size=4)})
    return run.label(axis=Grid(2, 2)).label(image=PHOTO, crop=CROP)


@pytest.fixture
def of_two():
    return viz.from_arrays({"attn": RNG.dirichlet(np.ones(10), size=10)}).label(axis=TWO)


def shares_of(image, photo):
    """Where an image of the axes lies on that of the photo, (left, top, right, bottom) in shares."""
    (left, right, bottom, top), (x, x_end, y_end, y) = image.get_extent(), photo.get_extent()
    across, down = x_end - x, y_end - y
    return (left - x) / across, (top - y) / down, (right - x) / across, (bottom - y) / down


def draw_cross(run):
    run = viz.from_arrays({"attn": np.full((4, 2), 0.5)})
    run.label(queries=Grid(2, 2), keys=["a", "b"]).label(image=PHOTO, crop=CROP)
    return plots.cross(run, layer="attn")


@pytest.mark.parametrize(
    "draw",
    [
        lambda run: plots.row(run, layer="attn", query=1),
        lambda run: plots.compare(run, run, layer="attn", query=1),
        lambda run: plots.panel([run.image, (run, {"layer": "attn", "query": 1})]),
        draw_cross,
    ],
    ids=["row", "compare", "panel", "cross"],
)
def test_a_map_lies_over_the_part_that_the_model_was_given(cropped, draw):
    _, photo, weights, *_ = draw(cropped).axes[0].images  # the first is the photo as it is
    np.testing.assert_allclose(shares_of(weights, photo), (50 / 80, 10 / 40, 70 / 80, 30 / 40))


def test_a_pixel_counts_in_the_photo_and_has_to_be_in_the_part(cropped):
    for pixel, token in {(50, 10): 0, (69, 10): 1, (59.9, 29): 2, (60, 20): 3}.items():
        drawn = plots.row(cropped, layer="attn", pixel=pixel).axes[0].images[2].get_array()
        np.testing.assert_array_equal(drawn.ravel(), np.asarray(cropped["attn"])[0, 0, token])
    with pytest.raises(ShapeError, match=r"outside of the part .* given, 20 × 20 pixels from \(50, 10\) on"):
        plots.row(cropped, layer="attn", pixel=(49, 10))


def test_each_grid_lies_over_its_own_image(of_two):
    bright = np.full((20, 30, 3), 255, np.uint8)
    of_two.label(image=[PHOTO, bright])
    _, first, _, second, _ = plots.row(of_two, layer="attn", query=9).axes
    assert first.images[0].get_array().shape == (40, 80, 3)
    np.testing.assert_array_equal(second.images[0].get_array(), np.ones((20, 30, 3)))
    assert of_two.place(4) == (40.0, 20.0, 40.0, 20.0)
    assert of_two.place(9) == (15.0, 10.0, 15.0, 10.0)


def test_one_image_is_not_drawn_under_the_tokens_of_another(of_two):
    of_two.label(image=PHOTO)
    says = "image 1 is looked at, counted from 0, but image= holds 1: give a list of all images"
    with pytest.raises(OptionError, match=says):
        plots.row(of_two, layer="attn", query=9)
    with pytest.raises(OptionError, match=says):
        of_two.place(9)


def test_rows_of_a_batch_lie_over_images_of_their_own():
    run = viz.from_arrays({"attn": RNG.dirichlet(np.ones(4), size=(2, 1, 4))}).label(axis=Grid(2, 2))
    windows = viz.from_arrays({"attn": RNG.dirichlet(np.ones(4), size=(4, 1, 4))})
    windows.label(windows={"size": 2, "shift": 0}, grid=(2, 4))
    bright = np.full((20, 40, 3), 255, np.uint8)
    for one in (run.label(image=[PHOTO, bright]), windows.label(image=[PHOTO, bright])):
        for item, size in enumerate([(40, 80, 3), (20, 40, 3)]):
            for query in ({"cell": (0, 1)}, {"pixel": (size[1] - 1, 0)}):
                figure = plots.row(one, layer="attn", batch=item, **query)
                assert figure.axes[0].images[0].get_array().shape == size
        with pytest.raises(OptionError, match="image 1 is looked at"):
            plots.row(one, layer="attn", batch=1, cell=(0, 1), image=[PHOTO])
    assert run.place(3, batch=1) == (20.0, 10.0, 20.0, 10.0)
    assert windows.place(3, batch=3) == (30.0, 10.0, 10.0, 10.0)


def test_a_part_of_several_images_is_refused(of_two):
    with pytest.raises(OptionError, match="crop= was given beside 2 images"):
        of_two.label(image=[PHOTO, PHOTO], crop=CROP)


def test_another_image_is_seen_as_a_whole(cropped):
    cropped.image = PHOTO
    assert cropped.place(3) == (0.5, 0.5, 0.5, 0.5)
