"""What a model was given: a part of the photo, or several images, and where maps lie on them."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

import visualizer as viz
from visualizer import plots
from visualizer.attention import AttentionMap, Dense
from visualizer.axes import Axis, Frames, Grid, Text
from visualizer.calls import Call
from visualizer.errors import OptionError, ShapeError, VisualizerError
from visualizer.plots.places import MARK
from visualizer.run import Run

PHOTO = np.zeros((40, 80, 3), np.uint8)
CROP = (50, 10, 20, 20)  # left, top, width, height
TWO = Axis([Text(["see"]), Grid(2, 2), Text(["and"]), Grid(2, 2, image=1)])
NORMAL = np.linspace(-2, 3, 40 * 80).reshape(1, 40, 80)  # (channel, row, column), normalised
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


@pytest.fixture
def filled_up():
    """Photo of 80 × 40 pixels in 2 × 2 cells of 32 × 50 pixels, the last of which reach beyond it."""
    run = viz.from_arrays({"attn": RNG.dirichlet(np.ones(4), size=4)})
    return run.label(axis=Grid(2, 2, span=(64 / 40, 100 / 80))).label(image=PHOTO)


def test_cells_beyond_an_image_that_was_filled_up_are_not_drawn(filled_up):
    axes = plots.row(filled_up, layer="attn", query=3).axes[0]
    _, photo, weights, *_ = axes.images
    np.testing.assert_allclose(shares_of(weights, photo), (0, 0, 100 / 80, 64 / 40))
    axes.figure.canvas.draw()
    edge, drawn = weights.get_clip_box(), photo.get_window_extent()
    np.testing.assert_allclose(edge.extents, drawn.extents, atol=1e-6)
    assert filled_up.place(3) == (50.0, 32.0, 50.0, 32.0)


def test_the_marked_cell_ends_with_the_image(filled_up):
    axes = plots.row(filled_up, layer="attn", query=3).axes[0]
    photo, *_ = axes.images
    x, x_end, y_end, y = photo.get_extent()
    (mark,) = [one for one in axes.patches if to_hex(one.get_edgecolor()) == MARK][:1]
    assert mark.get_xy() == pytest.approx((x + (x_end - x) * 50 / 80, y + (y_end - y) * 32 / 40))
    assert mark.get_x() + mark.get_width() == pytest.approx(x_end)
    assert mark.get_y() + mark.get_height() == pytest.approx(y_end)


def test_a_pixel_is_in_the_cell_that_spans_it(filled_up):
    for pixel, token in {(49, 31): 0, (50, 31): 1, (49, 32): 2, (79, 39): 3}.items():
        drawn = plots.row(filled_up, layer="attn", pixel=pixel).axes[0].images[2].get_array()
        np.testing.assert_array_equal(drawn.ravel(), np.asarray(filled_up["attn"])[0, 0, token])
    filled_up.label(axis=Grid(2, 2, span=(0.8, 0.9)))  # the last rows and columns are in no cell
    with pytest.raises(ShapeError, match="in no patch"):
        plots.row(filled_up, layer="attn", pixel=(79, 0))


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


def draw_sampling(run):
    levels = (SimpleNamespace(places=np.zeros((1, 1, 2, 2)), shape=(2, 2)),)
    call = Call("attn", AttentionMap(Dense(np.full((1, 1, 1, 2), 0.5))), 0, 0, "its weights", levels=levels)
    run = Run([call])
    return plots.sampling(run.label(image=NORMAL), layer="attn", query=0)


def draw_steps(run):
    maps = AttentionMap(Dense(np.asarray(run["attn"])))
    run = Run([Call("attn", maps, number, number, "an array") for number in range(2)])
    run.label(axis=Grid(2, 2)).label(image=NORMAL)
    return plots.steps(run, cell=(0, 0))


@pytest.mark.parametrize(
    "draw",
    [
        lambda run: plots.row(run, layer="attn", query=1),
        lambda run: plots.compare(run, run, layer="attn", query=1),
        lambda run: plots.panel([run.image, (run, {"layer": "attn", "query": 1})]),
        lambda run: plots.panel([run.seen, np.eye(2)], images=[run.seen]),
        lambda run: plots.grid_to_grid(run["attn"][0, 0], run.seen, query=1),
        lambda run: plots.cross(run.label("attn", queries=["a"] * 4, keys=Grid(2, 2)), words=[0]),
        draw_sampling,
        draw_steps,
    ],
    ids=["row", "compare", "panel", "panel of images", "grid_to_grid", "cross", "sampling", "steps"],
)
def test_a_caption_says_how_an_image_was_stretched_to_be_shown(cropped, draw):
    cropped.label(image=NORMAL)
    caption = (draw(cropped).texts or [draw(cropped)._supxlabel])[-1].get_text().replace("\n", " ")
    assert caption.count("The image's values from -2 to 3 are shown as black to white") == 1


def test_a_caption_says_nothing_of_an_image_that_is_shown_as_it_is(cropped):
    assert "shown as" not in plots.row(cropped, layer="attn", query=1).texts[-1].get_text()


def test_an_image_may_be_named_by_its_file(cropped, tmp_path):
    path = tmp_path / "photo.png"
    photo = RNG.integers(0, 256, (40, 80, 3), np.uint8)
    Image.fromarray(photo).save(path)
    for name in (path, str(path)):
        run = viz.from_arrays({"attn": np.asarray(cropped["attn"])}, image=name).label(axis=Grid(2, 2))
        np.testing.assert_array_equal(run.image, photo)
        np.testing.assert_array_equal(run.label(image=name, crop=CROP).image, photo)
        np.testing.assert_array_equal(run.label(image=[name, name]).image[1], photo)
        for figure in (
            plots.row(run, layer="attn", query=1, image=name),
            plots.grid_to_grid(run["attn"][0, 0], name, query=1),
            plots.panel([name]),
            plots.grid_show([(name, "the photo")], 1),
        ):
            np.testing.assert_allclose(figure.axes[0].images[0].get_array(), photo / 255)
    for draw in (run.label, lambda image: plots.row(run, layer="attn", query=1, image=image)):
        with pytest.raises(VisualizerError, match="The image absent.png could not be read: No such file"):
            draw(image="absent.png")
    path.write_text("no image")
    with pytest.raises(VisualizerError, match="could not be read: it is no image that can be read"):
        run.label(image=path)


def test_what_is_no_image_is_refused_in_one_sentence(cropped, tmp_path):
    with pytest.raises(ShapeError, match="3 was given as an image; give .* or a file's name"):
        cropped.label(image=3)
    Image.new("RGB", (8, 8)).save(tmp_path / "frame.png")
    video = {"axis": Frames(2, 2, 2), "query": 0}
    with pytest.raises(
        OptionError, match="2 steps were to be drawn on image=, but that is one picture: give"
    ):
        plots.frames(np.eye(8), image=tmp_path / "frame.png", **video)
    assert len(plots.frames(np.eye(8), image=[tmp_path / "frame.png"] * 2, **video).axes[0].images) == 4


def test_another_image_is_seen_as_a_whole(cropped):
    cropped.image = PHOTO
    assert cropped.place(3) == (0.5, 0.5, 0.5, 0.5)
