"""Deformable attention: the page draws the points that the model reads, with their weights."""

import io
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from playwright.sync_api import expect
from tests.viewer.holding import Held, Images
from tests.viewer.surfaces import reach
from transformers import DeformableDetrConfig, DeformableDetrModel, ResNetConfig

import visualizer
from visualizer import plots
from visualizer.run import Run
from visualizer.store.places import Folder
from visualizer.viewer import serve
from visualizer.viewer.payload import Payload

LEVELS = [(12, 16), (6, 8), (3, 4), (2, 2)]
HEADS, POINTS = 4, 4
COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442"]
ENCODER, DECODER = "encoder.layers.0.self_attn", "decoder.layers.0.encoder_attn"
PHOTO = np.random.default_rng(1).integers(0, 120, (96, 128, 3), np.uint8)


@pytest.fixture(scope="module")
def run():
    """A DETR whose encoder reads from each patch of four levels, and whose decoder from object queries."""
    torch.manual_seed(0)
    backbone = {"embedding_size": 8, "hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1]}
    stages = ResNetConfig(**backbone, layer_type="basic", out_features=["stage2", "stage3", "stage4"])
    sizes = {"layers": 1, "attention_heads": HEADS, "ffn_dim": 32, "n_points": POINTS}
    both = {f"{part}_{name}": size for part in ("encoder", "decoder") for name, size in sizes.items()}
    config = DeformableDetrConfig(
        use_timm_backbone=False, backbone=None, backbone_config=stages, d_model=32, num_queries=10, **both
    )
    model = DeformableDetrModel(config).eval()
    for name, module in model.named_modules():  # which are zeros until they are trained
        if name.endswith(("sampling_offsets", "attention_weights")):
            torch.nn.init.normal_(module.weight, std=0.2)
    with torch.no_grad(), visualizer.capture(model) as run:
        model(torch.randn(2, 3, 96, 128))
    return run.label(image=[PHOTO, PHOTO])


def wanted(run, path, query, batch=0, heads=range(HEADS)):
    """Points (x, y, weight, level), the heaviest first, as the model has them."""
    (call,) = run.calls(path)
    weights = call.map[batch, query].numpy()
    found = []
    for head in heads:
        for level, one in enumerate(call.levels):
            places = (one.places[batch * HEADS + head, query].numpy() + 1) / 2
            own = weights[head, level * POINTS : (level + 1) * POINTS]
            found += [(*place, weight, level) for place, weight in zip(places, own, strict=True)]
    return np.array(sorted(found, key=lambda one: -one[2]))


def inside(points):
    return points[((points[:, :2] >= 0) & (points[:, :2] <= 1)).all(1)]


def wait_for(page, query):
    page.locator("[data-strip]", has_text=re.compile(rf"query: token {query}\b")).wait_for()


def assert_lists(page, points):
    """The table of the largest weights is that of the first points."""
    page.locator("table.top tbody td").first.wait_for()
    cells = page.locator("table.top tbody td").all_inner_texts()
    shown = np.array([float(one.replace("−", "-")) for one in cells]).reshape(-1, 3)
    np.testing.assert_allclose(shown, points[: len(shown), :3], atol=1e-3)
    assert len(shown) == min(8, len(points))


def at(page, x, y):
    """A place of the image in pixels of its canvas on the page."""
    canvas = page.locator(".point-image canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return canvas, {"x": float(x) * box["width"], "y": float(y) * box["height"]}


def test_a_query_is_picked_on_the_image_and_its_points_are_those_of_the_model(page_of, run):
    page = page_of(run, "view=points")
    reach(page, page.locator(".surface canvas").nth(1), (2, 5), (6, 8), click=True)
    query = 12 * 16 + 2 * 8 + 5
    wait_for(page, query)
    points = wanted(run, ENCODER, query)
    assert_lists(page, points)
    beyond = len(points) - len(inside(points))
    assert 0 < beyond < len(points)
    said = page.locator("[data-strip]").inner_text()
    assert f"{len(points)} points, of weight 4.0" in said.replace("weight 4 ", "weight 4.0 ")
    assert f"{beyond} beyond the image" in said
    expect(page).to_have_url(re.compile(rf"points=0\.0\.all\.{query}"))
    expect(page.locator(".levels li")).to_have_text(
        [f"level {n}, {h} × {w}" for n, (h, w) in enumerate(LEVELS)]
    )


def test_what_queries_are_outlasts_a_store(run, tmp_path):
    run.save(tmp_path / "run.zarr", inputs=True)
    loaded = visualizer.load(tmp_path / "run.zarr")
    assert loaded.axis(ENCODER, "queries").arithmetic.startswith("12 × 16 grid + 6 × 8 grid + 3 × 4 grid")
    cell = {"layer": ENCODER, "cell": (2, 5), "nth": 1}
    assert "cell (2, 5)" in plots.sampling(loaded, **cell).texts[-1].get_text()


def test_an_object_query_is_picked_from_the_list_and_a_point_tells_its_numbers(page_of, run):
    page = page_of(run, "view=points&points=1.1.2.0")
    page.get_by_role("option", name="token 7").click()
    wait_for(page, 7)
    points = wanted(run, DECODER, 7, batch=1, heads=[2])
    assert_lists(page, points)
    x, y, weight, level = inside(points)[0]
    canvas, place = at(page, x, y)
    canvas.hover(position=place)
    told = page.locator("[data-point]")
    expect(told).to_contain_text(f"level {level:.0f}, head 2, point ")
    numbers = [float(one) for one in re.findall(r"-?\d+\.\d+", told.inner_text().replace("−", "-"))]
    np.testing.assert_allclose(numbers, (x, y, weight), atol=1e-3)


def test_points_are_walked_through_by_arrows_from_the_heaviest_on(page_of, run):
    page = page_of(run, "view=points&points=1.0.all.3")
    wait_for(page, 3)
    points = inside(wanted(run, DECODER, 3))
    page.locator(".point-image canvas").focus()
    for weight in points[:3, 2]:
        page.keyboard.press("ArrowRight")
        expect(page.locator("[data-point]")).to_have_text(re.compile(r"weight \d"))
        assert float(page.locator("[data-point]").inner_text().split()[-1]) == pytest.approx(weight, abs=1e-3)


def test_a_point_has_the_colour_of_its_level_where_it_lies_and_heavier_ones_are_larger(page_of, run):
    page = page_of(run, "view=points&points=1.0.all.5", device_scale_factor=3)
    wait_for(page, 5)
    page.locator("table.top tbody td").first.wait_for()
    points = inside(wanted(run, DECODER, 5))
    gaps = np.abs(points[:, None, :2] - points[None, :, :2]).max(-1) + np.eye(len(points))
    alone = points[gaps.min(1) > 0.035]
    canvas = page.locator(".point-image canvas")
    areas = {}
    for x, y, _, level in alone:
        pixels = canvas.evaluate(
            """(canvas, [x, y]) => {
                const [left, top] = [Math.round(x * canvas.width), Math.round(y * canvas.height)];
                return [...canvas.getContext("2d").getImageData(left - 42, top - 42, 85, 85).data];
            }""",
            [float(x), float(y)],
        )
        around = np.array(pixels).reshape(85, 85, 4)[..., :3]
        colour = np.array([int(COLOURS[int(level)][i : i + 2], 16) for i in (1, 3, 5)])
        greys = np.ptp(around, axis=-1)
        hue = around[42, 42] - around[42, 42].min(), colour - colour.min()
        assert np.dot(*hue) / np.linalg.norm(hue[0]) / np.linalg.norm(hue[1]) > 0.99
        areas.setdefault(level, []).append((greys > 20).sum())
    assert max(map(len, areas.values())) > 2
    for of_level in areas.values():
        assert all(next_ <= 1.1 * one for one, next_ in pairwise(of_level))  # but for pixels of edges
    assert max(max(one) / min(one) for one in areas.values()) > 2


def test_keys_step_through_queries_heads_and_layers(page_of, run):
    page = page_of(run, "view=points")
    wait_for(page, 0)
    for key in ("j", "j", "l", "]"):
        page.keyboard.press(key)
    wait_for(page, 2)
    assert "decoder" in page.locator("[data-strip]").inner_text()
    assert_lists(page, wanted(run, DECODER, 2, heads=[0]))
    page.keyboard.press("h")
    expect(page.locator("[data-strip]")).to_contain_text("all 4 heads")
    assert_lists(page, wanted(run, DECODER, 2))


def test_the_tab_of_what_is_shown_is_on_a_phone(page_of, run):
    page = page_of(run, "view=points")
    page.set_viewport_size({"width": 390, "height": 600})
    for key, view in {"1": "Atlas", "7": "Points"}.items():
        page.keyboard.press(key)
        tab = page.get_by_role("tab", name=view, selected=True)
        expect(tab).to_be_in_viewport(ratio=0.9)


def drawn(figure):
    """Return (x, y, weight) of the points of a Python figure, x and y in shares of the image."""
    axes = figure.axes[0]
    left, right, bottom, top = axes.images[0].get_extent()
    points = [(*one.get_offsets()[0], one.get_array()[0]) for one in axes.collections]
    return [((x - left) / (right - left), (y - top) / (bottom - top), float(w)) for x, y, w in points]


def test_the_copied_call_draws_the_points_that_are_on_screen_and_a_server_its_pdf(built, open_page, run):
    with serve(run) as server:
        page = open_page(f"{server.url}#view=points&points=0.1.3.100")
        wait_for(page, 100)
        assert_lists(page, wanted(run, ENCODER, 100, batch=1, heads=[3]))
        page.locator(".export summary").click()
        page.get_by_role("button", name="Copy as Python").click()
        call = page.get_by_label("The Python call").input_value().strip().splitlines()[-1]
        with page.expect_download() as download:
            page.get_by_role("button", name="PDF", exact=True).click()
        found = download.value.path().read_bytes()
    figure = eval(call, {"plots": plots, "run": run})
    points = inside(wanted(run, ENCODER, 100, batch=1, heads=[3]))[:, :3]
    np.testing.assert_allclose(sorted(drawn(figure)), sorted(map(tuple, points)), atol=1e-5)
    file = io.BytesIO()
    figure.savefig(file, format="pdf", metadata={"CreationDate": None})
    assert found == file.getvalue()


def test_a_run_of_points_alone_has_a_page_that_begins_with_them(page_of, run):
    page = page_of(run[DECODER.replace("decoder", "*")], "")
    wait_for(page, 0)
    expect(page.get_by_role("tab")).to_have_text(["Points", "About"])


def test_points_beyond_the_budget_of_a_file_are_left_out_and_it_is_said(
    built, open_page, run, tmp_path, monkeypatch
):
    monkeypatch.setattr("visualizer.viewer.samplings.POINTS", 64 * HEADS * POINTS * len(LEVELS))
    for share in (0.6, 0.0):
        monkeypatch.setattr("visualizer.viewer.choosing.OF_PICTURES", share)
        run.to_html(tmp_path / "run.html")
        page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=points&points=0.0.all.200")
        wait_for(page, 200)
        if share:
            assert_lists(page, wanted(run, ENCODER, 200))
        else:
            expect(page.locator(".trouble")).to_have_text("The points of this query are not in this file.")
            expect(page.locator(".omitted")).to_contain_text("The points of 100% of the queries")


def test_points_are_sent_of_few_queries_at_a_time(run, monkeypatch):
    monkeypatch.setattr("visualizer.viewer.samplings.POINTS", 64 * HEADS * POINTS * len(LEVELS))
    payload = Payload(run)
    told = payload.manifest.samplings[0]
    assert told.each == 64
    assert [ref.shape[0] for ref in told.points[1]] == [64, 64, 64, 64]
    found = payload.blob(told.points[1][3].name).array()[10].reshape(-1, 3)
    points = wanted(run, ENCODER, 202, batch=1)[:, :3]
    np.testing.assert_allclose(sorted(map(tuple, found)), sorted(map(tuple, points)), atol=1e-6)


def test_no_point_of_a_stored_run_is_read_for_what_a_page_is_told_first(run, tmp_path, monkeypatch):
    run.save(tmp_path / "run.zarr")
    names, read = [], Folder.read
    payload = Payload(visualizer.load(tmp_path / "run.zarr"), served=True)
    monkeypatch.setattr(
        Folder, "read", lambda self, name, *more: names.append(name) or read(self, name, *more)
    )
    told = payload.manifest.samplings[0]
    assert told.counts == [POINTS] * 4
    assert not [name for name in names if name.startswith("arrays/")]
    shown = payload.blob(told.points[0][0].name).array()
    assert [name for name in names if name.startswith("arrays/")]
    np.testing.assert_array_equal(shown, Payload(run).blob(told.points[0][0].name).array())


def test_points_lie_on_no_photo_of_another_row(built, open_page, run):
    other = Run(list(run)).label(image=[PHOTO, PHOTO[:48]])
    with serve(other) as server:
        page = open_page(f"{server.url}#view=points&points=0.0.1.3")
        images = Images(page, ".point-image canvas")
        page.get_by_label("Query").fill("4")
        images.wait(0)
        held = Held(page, r"/blob/.*image")
        page.get_by_label("Row of the batch").fill("1")
        held.wait()
        wait_for(page, 4)
        expect(page.locator("table.top td")).not_to_have_count(0)
        before = images.count
        page.get_by_label("Head").select_option("2")
        expect(page.locator("[data-strip]")).to_contain_text("head 2")
        expect(page.locator("table.top td")).not_to_have_count(0)
        assert images.count == before
        held.let_go()
        images.wait(before)
