"""Frames and slices lie over their own pictures, in the page as in Python's figures."""

import numpy as np
import pytest
import torch
from tests.viewer.surfaces import assert_shows, centres, factors, reach, run_of, wait_for_query
from transformers import TimesformerConfig, TimesformerModel, VideoMAEConfig, VideoMAEModel

import visualizer
from visualizer import plots
from visualizer.axes import Frames, Grid, Volume
from visualizer.errors import OptionError
from visualizer.viewer.payload import Payload

GREYS = np.arange(20, 260, 30)  # of eight frames
VIDEO = np.ones((8, 24, 40, 3), np.uint8) * GREYS[:, None, None, None].astype(np.uint8)
SCAN = VIDEO[..., :1]


def shown_greys(page, count, cells):
    """The mean grey of each picture that the page draws."""
    pictures = [centres(canvas, *cells) for canvas in page.locator(".cells canvas").all()]
    assert len(pictures) == count
    return np.stack(pictures)


@pytest.mark.parametrize(("kind", "image"), [(Frames, VIDEO), (Volume, SCAN)])
def test_each_step_is_drawn_over_the_middle_one_of_its_own_pictures(page_of, kind, image):
    a = factors(4 * 2 * 5)
    run = run_of(a, axis=[kind(4, 2, 5)], image=image)
    page = page_of(run, "view=head&scale=linear&colours=grey")
    reach(page, page.locator(".cells canvas").nth(2), (1, 3), (2, 5), click=True)
    wait_for_query(page, "token 28, “cell (2, 1, 3)”")
    row = a[0, 0, 28].numpy()
    assert_shows(page, row)
    names = [f"{kind.word}s {first}–{first + 1}" for first in (0, 2, 4, 6)]
    assert page.locator(".cells figcaption").all_inner_texts() == names
    drawn = plots.row(run, head=0, query=28, caption=False).axes[0].texts
    assert [text.get_text() for text in drawn][-4:] == names
    colours = np.floor(np.minimum(row / row.max() * 256, 255)).reshape(4, 2, 5)
    wanted = 0.7 * colours + 0.3 * GREYS[1::2, None, None]
    wanted[2, 1, 3] = np.nan  # it has a frame
    found = shown_greys(page, 4, (2, 5)).astype(float)
    assert np.ptp(found, axis=-1).max() <= 1
    np.testing.assert_allclose(found[..., 0][~np.isnan(wanted)], wanted[~np.isnan(wanted)], atol=2)


def test_queries_that_are_frames_are_chosen_on_pictures_in_their_colours(page_of):
    video = VIDEO // [1, 2, 4]
    run = run_of(factors(4 * 2 * 5, 3), queries=[Frames(4, 2, 5)], keys=["a", " b", " c"], image=video)
    page = page_of(run, "view=head")
    page.locator(".cells canvas").nth(3).wait_for()
    np.testing.assert_allclose(shown_greys(page, 4, (2, 5))[:, 0, 0], video[1::2, 0, 0], atol=1)


def test_the_pictures_under_a_video_model_are_those_of_the_python_figure(page_of):
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    model = VideoMAEModel(VideoMAEConfig(image_size=32, patch_size=8, num_frames=8, **sizes)).eval()
    pixels = torch.randn(1, 8, 3, 32, 32).clamp(-1, 1)
    with torch.no_grad(), visualizer.capture(model) as run:
        model(pixels)
    run.label(image=pixels, mean=0.5, std=0.5)
    figure = plots.frames(run, layer=run.paths[0], head=1, cell=(2, 1, 3))
    photos, weights = figure.axes[0].images[::2], figure.axes[0].images[1::2]
    page = page_of(run, "view=head&at=0.0.1&query=39&pinned=true")
    wait_for_query(page, "token 39, “cell (2, 1, 3)”")
    assert_shows(page, np.stack([one.get_array() for one in weights]).ravel())
    told = Payload(run).manifest
    (segment,) = told.axes[told.maps[0].keys[0]].segments
    for step, number in enumerate(segment["images"]):
        found = Payload(run).blob(told.images[number].blob.name).array()
        grey = found @ [0.299, 0.587, 0.114] / 255
        drawn = np.asarray(photos[step].get_array())[..., 0]
        np.testing.assert_allclose(1 - 0.6 * (1 - grey), drawn, atol=0.01)


def test_maps_over_a_film_lie_over_the_part_that_the_model_was_given(page_of):
    run = run_of(factors(4 * 2 * 2), axis=[Frames(4, 2, 2)]).label(image=VIDEO, crop=(20, 4, 20, 20))
    photo, weights = plots.frames(run, layer="layer.0", head=0, query=0).axes[0].images[:2]
    (left, right, bottom, top), (x, x_end, y_end, y) = weights.get_extent(), photo.get_extent()
    shares = (left - x) / (x_end - x), (top - y) / (y_end - y), (right - x) / (x_end - x)
    np.testing.assert_allclose(shares, (20 / 40, 4 / 24, 1))
    page = page_of(run)
    canvas = page.locator(".cells canvas").nth(1)
    reach(page, canvas, (0.5 * 12 / 10 - 0.1, 3), (2.4, 4))  # the last column, the first row
    wait_for_query(page, "token 5, “cell (1, 0, 1)”")


def test_frames_are_no_larger_together_than_one_image_and_those_that_no_step_shows_are_not_sent():
    run = run_of(factors(4 * 2 * 2), axis=[Frames(4, 2, 2)]).label(
        image=np.zeros((16, 700, 1400, 3), np.uint8)
    )
    images = Payload(run).manifest.images
    assert [one.blob.shape for one in images] == [(233, 466, 3)] * 4
    assert [(one.width, one.height) for one in images] == [(1400, 700)] * 4


def test_images_on_which_no_token_lies_are_not_sent():
    run = run_of(factors(6), axis=["a"] * 6).label(image=np.zeros((20, 30, 3), np.uint8))
    assert Payload(run).manifest.images == []
    assert len(Payload(run.label(axis=Grid(2, 3))).manifest.images) == 1


def test_an_image_that_a_run_was_given_unchecked_is_shown_or_it_is_said_why_not():
    run = run_of(factors(6), axis=[Grid(2, 3)])
    run.image = np.zeros((20, 30), np.uint8)
    assert len(Payload(run).manifest.images) == 1
    run.image = np.zeros((2, 20, 30, 5))
    assert Payload(run).manifest.images == []
    assert Payload(run).manifest.omitted[0].startswith("The image of the run is not shown: an image of shape")


def test_images_beyond_the_budget_of_a_file_are_left_out_and_it_is_said(built, open_page, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (6, 400, 400, 3), np.uint8)
    run = run_of(factors(6, batch=6), axis=[Grid(2, 3)]).label(image=list(noise))
    run.to_html(tmp_path / "run.html", max_mb=2)
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=head")
    page.locator(".cells canvas").wait_for()
    assert "images were left out of this file" in page.locator(".omitted").inner_text()


FILMS = [VIDEO, VIDEO[::-1, :, :, :] // 2]  # their frames differ in each step


@pytest.mark.parametrize(
    "videos",
    [
        FILMS,
        np.stack(FILMS),
        torch.from_numpy(np.stack(FILMS)).permute(0, 4, 1, 2, 3),
        [list(one) for one in FILMS],
    ],
    ids=["a list", "an array", "a tensor", "lists of frames"],
)
def test_each_row_of_the_batch_lies_over_its_own_video(page_of, videos):
    a = factors(4 * 2 * 5, batch=2)
    run = run_of(a, axis=[Frames(4, 2, 5)], image=videos)
    assert [len(film) for film in run.image] == [8, 8]
    page = page_of(run, "view=head&scale=linear&colours=grey&query=28&pinned=true")
    for row, film in enumerate(FILMS):
        page.get_by_label("Row of the batch").fill(str(row))
        page.locator("[data-strip]", has_text=f"row {row}").wait_for()
        weights = a[row, 0, 28].numpy()
        assert_shows(page, weights)
        colours = np.floor(np.minimum(weights / weights.max() * 256, 255)).reshape(4, 2, 5)
        wanted = 0.7 * colours[0] + 0.3 * film[1, 0, 0, 0]
        np.testing.assert_allclose(shown_greys(page, 4, (2, 5))[0, ..., 0], wanted, atol=2)
        photos = plots.frames(run, layer="layer.0", head=0, query=28, batch=row).axes[0].images[::2]
        for step, photo in enumerate(photos):
            np.testing.assert_allclose(photo.get_array(), 1 - 0.6 * (1 - film[2 * step + 1] / 255), atol=0.01)


def test_where_each_video_has_several_rows_they_lie_over_it():
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    model = TimesformerModel(TimesformerConfig(image_size=16, patch_size=8, num_frames=3, **sizes)).eval()
    greys = np.arange(6, dtype=np.float32).reshape(2, 3) / 5  # of each frame of each video
    videos = torch.from_numpy(greys)[:, :, None, None, None].expand(2, 3, 3, 16, 16)
    with torch.no_grad(), visualizer.capture(model) as run:
        model(videos)
    run.label(image=videos)
    payload = Payload(run)

    def grey(number):
        return payload.blob(payload.manifest.images[number].blob.name).array().mean() / 255

    for told in payload.manifest.maps:
        path = told.path
        segments = [payload.manifest.axes[number].segments[-1] for number in told.keys]
        if "temporal" in path:  # each row is a patch in all frames, of the first video or the second
            found = [[grey(number) for number in one["images"]] for one in segments]
            np.testing.assert_allclose(found, np.repeat(greys, 4, axis=0), atol=0.01)
            photos = plots.frames(run, layer=path, head=0, query=0, batch=5).axes[0].images[::2]
            drawn = [1 - (1 - photo.get_array().mean()) / 0.6 for photo in photos]
            np.testing.assert_allclose(drawn, greys[1], atol=0.01)
        else:  # each row is a frame
            np.testing.assert_allclose([grey(one["image"]) for one in segments], greys.ravel(), atol=0.01)


def test_videos_that_are_not_as_many_as_the_rows_are_refused_by_pictures_and_not_shown_in_the_page():
    run = run_of(factors(4 * 2 * 2, batch=3), axis=[Frames(4, 2, 2)], image=FILMS)
    with pytest.raises(
        OptionError, match=r"the map has 3 rows of the batch, but image= holds 2 videos: give"
    ):
        plots.frames(run, layer="layer.0", head=0, query=0)
    assert Payload(run).manifest.images == []
    with pytest.raises(OptionError, match=r"crop= was given beside 2 videos"):
        run.label(image=FILMS, crop=(0, 0, 20, 20))
