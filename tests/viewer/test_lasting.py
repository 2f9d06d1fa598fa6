"""What a page shows stays true while one moves through it, comes back to it, or parts of it are missing."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from tests.viewer.holding import Held, Images
from tests.viewer.pointing import cell_of_matrix
from tests.viewer.surfaces import factors, run_of

import visualizer
from visualizer.axes import Axis, Grid, Special, Text
from visualizer.errors import OptionError
from visualizer.viewer import serve, to_html

RNG = np.random.default_rng(7)
WORDS = Axis((Special("[CLS]"), Text([f" w{number}" for number in range(8)])))


def weights(*shape):
    return RNG.dirichlet(np.full(shape[-1], 0.2), size=shape[:-1]).astype(np.float32)


ROWS = weights(2, 3, 9, 9)
CROSS = weights(1, 2, 4, 6)


@pytest.fixture(scope="module")
def address(built, tmp_path_factory):
    file = tmp_path_factory.mktemp("lasting") / "run.html"
    visualizer.from_arrays({"layer.0": ROWS}).label(axis=WORDS).to_html(file)
    return file.as_uri()


def test_a_head_that_is_not_there_is_asked_for_once(built, open_page, tmp_path):
    many = visualizer.from_arrays({"layer.0": weights(1, 3, 400, 400)})
    many.to_html(tmp_path / "run.html", heads=[1])
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=head&at=0.0.2")
    expect(page.locator("[data-strip]")).to_contain_text("as they were left out of this file")
    redraws = page.evaluate(
        """async () => {
            const sheet = CanvasRenderingContext2D.prototype;
            const clear = sheet.clearRect;
            let count = 0;
            sheet.clearRect = function (...box) { count++; return clear.apply(this, box); };
            for (let i = 0; i < 10; i++) await new Promise(requestAnimationFrame);
            return count;
        }"""
    )
    assert redraws == 0


def test_maps_after_one_that_was_left_out_are_found(built, open_page, tmp_path):
    small = weights(1, 2, 5, 5)
    maps = {"large": weights(1, 400, 64, 64), "small": small}
    visualizer.from_arrays(maps).to_html(tmp_path / "run.html", max_mb=1)
    page = open_page((tmp_path / "run.html").as_uri())
    expect(page.locator(".omitted")).to_contain_text("1 of 2 maps were left out")
    page.get_by_role("button", name="small, head 1").click()
    expect(page.locator("[data-strip]")).to_contain_text("small · head 1 of 2")
    assert np.isclose(float(page.locator("table.top td").first.inner_text()), small[0, 1, 0].max(), atol=1e-3)


def test_heads_that_no_map_has_are_refused(tmp_path):
    run = visualizer.from_arrays({"layer.0": weights(1, 2, 5, 5)})
    with pytest.raises(
        OptionError, match=r"heads=\[2\] was asked for, but maps have at most 2, counted from 0"
    ):
        run.to_html(tmp_path / "run.html", heads=[2])
    with pytest.raises(OptionError, match=r"heads=\[0, 2\] was asked for, but maps have at most 2"):
        run.to_html(tmp_path / "run.html", heads=[0, 2])


def test_an_address_that_says_less_leaves_nothing_of_the_last(address, open_page):
    page = open_page(f"{address}#view=head&at=0.1.2&query=3&pinned=true&scale=log&look=column&key=4")
    expect(page.locator("[data-strip]")).to_contain_text("head 2 of 3 · row 1 of the batch · key: token 4")
    page.evaluate("location.hash = 'view=head'")
    expect(page.locator("[data-strip]")).to_contain_text(
        re.compile(r"head 0 of 3 · row 0 of the batch · query: token 0, .* · sqrt scale")
    )


def test_moving_writes_the_address_seldom_and_the_last_state_is_in_it(address, open_page):
    page = open_page(f"{address}#view=head")
    page.locator("table.top td").first.wait_for()
    page.evaluate(
        """() => {
            const { replaceState } = history;
            window.written = 0;
            history.replaceState = function (...to) {
                window.written++;
                return replaceState.apply(this, to);
            };
        }"""
    )
    for _ in range(40):
        page.keyboard.press("j")
        page.keyboard.press("k")
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile("query=1"))
    assert page.evaluate("window.written") < 40


def test_looking_along_columns_keys_move_through_keys(address, open_page):
    page = open_page(f"{address}#view=head&at=0.0.1&look=column&key=2")
    page.locator("table.top td").first.wait_for()
    page.keyboard.press("j")
    expect(page.locator("[data-strip]")).to_contain_text("key: token 3")
    most = float(page.locator("table.top td").first.inner_text())
    assert np.isclose(most, ROWS[0, 1, :, 3].max(), atol=1e-3)


def test_the_tooltip_of_a_token_is_of_the_query_that_it_became(address, open_page):
    page = open_page(f"{address}#view=head&at=0.0.1")
    page.locator("table.top td").first.wait_for()
    token = page.locator("[data-token='5']")
    token.hover()
    expect(page.locator("[data-strip]")).to_contain_text("query: token 5")
    said = token.get_attribute("title")
    assert np.isclose(float(said.partition(": ")[2]), ROWS[0, 1, 5, 5], atol=1e-3)


def test_keys_of_other_tokens_are_no_queries_when_two_are_compared(built, open_page, tmp_path):
    run = visualizer.from_arrays({"cross": CROSS})
    run = run.label(queries=Axis((Text(list("abcd")),)), keys=Axis((Grid(2, 3),)))
    run.to_html(tmp_path / "run.html")
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=compare&query=2")
    page.locator(".difference td").first.wait_for()
    page.locator(".compare .cells canvas").first.hover(position={"x": 5, "y": 5})
    expect(page.locator(".compare .strip").first).to_contain_text("query: token 2, “c”")
    page.locator(".compare [data-token='3']").click()
    expect(page.locator(".compare .strip").first).to_contain_text("query: token 3, “d”")


def test_the_query_of_the_other_run_is_named_where_it_is_another(built, open_page, tmp_path):
    axes = [Axis((Text(list(text)),)) for text in ("abcd", "abx")]
    runs = [
        visualizer.from_arrays(
            {"layer": weights(1, 1, len(a.segments[0].tokens), len(a.segments[0].tokens))}
        ).label(axis=a)
        for a in axes
    ]
    to_html(runs, tmp_path / "run.html")
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=compare&query=3")
    expect(page.locator(".compare .strip").first).to_contain_text("query: token 3, “d”; of B: token 2, “x”")
    page.keyboard.press("k")
    expect(page.locator(".compare .strip").first).to_contain_text("query: token 2, “c”; of B: token 2, “x”")


def test_a_pinned_key_stays_while_the_pointer_reads_its_column(address, open_page):
    page = open_page(
        f"{address}#view=head&at=0.0.1&look=column&key=2", viewport={"width": 1280, "height": 900}
    )
    page.locator("table.top td").first.wait_for()
    canvas = page.locator(".matrix canvas")
    canvas.click(position=cell_of_matrix(canvas, 4, 6, 9))
    canvas.hover(position=cell_of_matrix(canvas, 7, 1, 9))
    expect(page.locator("[data-strip]")).to_contain_text("key: token 6")
    said = page.locator("output[data-value]")
    expect(said).to_contain_text(re.compile("token 7, .* → token 6, "))
    assert np.isclose(float(said.inner_text().rpartition(": ")[2]), ROWS[0, 1, 7, 6], atol=1e-3)


def test_a_server_is_asked_for_nothing_that_it_has_not_and_missed_when_it_stops(built, open_page):
    length = 5800  # so that rows are asked for
    large = visualizer.from_arrays({"layer.0": np.full((1, 1, length, length), 1 / length, np.float16)})
    with serve(large) as server:
        page = open_page(f"{server.url}#view=head")
        page.locator("table.top td").first.wait_for()
        expect(page.locator(".matrix .strip")).not_to_contain_text("computing")
        statuses = page.evaluate("performance.getEntriesByType('resource').map((one) => one.responseStatus)")
        assert max(statuses) == 200  # 0 is the worker, which came from nowhere
    page.keyboard.press("j")
    said = "the server does not answer: it was stopped, or cannot be reached"
    expect(page.locator("[data-strip]")).to_have_text(said)


def test_two_runs_of_other_batches_compare_and_rows_of_b_are_chosen(built, open_page, tmp_path):
    runs = [visualizer.from_arrays({"layer.0": part}) for part in (ROWS, ROWS[:1])]
    to_html(runs, tmp_path / "run.html")
    file = (tmp_path / "run.html").as_uri()
    page = open_page(f"{file}#view=compare&at=0.1.0&query=3")
    gap = 50 * np.abs(ROWS[0, 0, 3] - ROWS[1, 0, 3]).sum()
    strip = page.locator(".compare .strip").first
    expect(strip).to_contain_text(f"total variation {gap:.1f} %")
    other = page.locator(".compare article").nth(1)
    other.get_by_label("map").select_option("0")
    other.get_by_label("row").fill("1")
    expect(strip).to_contain_text("total variation 0.0 %")
    expect(page.locator(".difference-surface [data-legend]")).to_contain_text("0 (sqrt scale")


def test_a_head_that_is_alone_is_compared_with_the_next_map(built, open_page, tmp_path):
    visualizer.from_arrays({"a": weights(1, 1, 4, 4), "b": weights(1, 1, 4, 4)}).to_html(
        tmp_path / "run.html"
    )
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=compare")
    expect(page.locator(".compare h3").nth(1)).to_have_text("B: b · head 0 of 1")


def test_a_map_of_more_parts_has_a_table_of_its_own(built, open_page, tmp_path):
    maps = {"enc": weights(1, 2, 6, 6), "dec": weights(1, 2, 6, 6)}
    run = visualizer.from_arrays(maps)
    run.label("enc", axis=Axis((Special("CLS"), Text(list("abcde")))))
    run.label("dec", axis=Axis((Special("CLS"), Text(list("ab")), Special("SEP"), Text(list("xy")))))
    run.to_html(tmp_path / "run.html")
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=head")
    sums = page.locator(".flow td button", has_text="%")
    expect(sums).to_have_count(4)
    for key, name, ends in (("]", "dec", [0, 1, 3, 4, 6]), ("[", "enc", [0, 1, 6])):
        page.keyboard.press(key)
        expect(sums).to_have_count((len(ends) - 1) ** 2)
        shares = np.add.reduceat(maps[name][0, 0], ends[:-1], axis=1)
        wanted = [shares[begin:end].mean(0) for begin, end in zip(ends, ends[1:], strict=False)]
        found = [float(one.split()[0]) / 100 for one in sums.all_inner_texts()]
        np.testing.assert_allclose(found, np.ravel(wanted), atol=1e-3)


def test_the_numbers_of_a_head_are_never_under_the_name_of_another(built, open_page):
    with serve(visualizer.from_arrays({"layer.0": ROWS}).label(axis=WORDS)) as server:
        page = open_page(f"{server.url}#view=head")
        sums = page.locator(".flow td button", has_text="%")
        expect(sums).to_have_count(4)
        held = Held(page, r"head=1\b|/blob/0\.0\.1$")
        page.keyboard.press("l")
        held.wait()
        expect(page.locator("[data-strip]")).to_contain_text("head 1 of 3")
        expect(page.locator("[data-strip]")).not_to_contain_text("mass shown")
        assert (page.locator("table.top").count(), sums.count()) == (0, 0)
        held.let_go()
        expect(sums).to_have_count(4)
        most = float(page.locator("table.top td").first.inner_text())
        assert np.isclose(most, ROWS[0, 1, 0].max(), atol=1e-3)


def test_padding_is_none_of_the_map_before(built, open_page):
    valid = [np.arange(7)[None] < count for count in (2, 6)]
    maps = [factors(7, mask=one[:, None, None], query_valid=one) for one in valid]
    with serve(run_of(*maps, axis=Axis((Text(list("abcdefg")),)))) as server:
        page = open_page(f"{server.url}#view=head")
        padding = page.locator(".token.padding")
        expect(padding).to_have_count(5)
        held = Held(page, r"/blob/1\.(queries|keys)$")
        for call, known in (("1", 0), ("0", 5), ("1", 0)):  # first it is also asked which arrays there are
            page.get_by_label("Call").fill(call)
            expect(page.locator("table.top td")).not_to_have_count(0)
            held.wait(1)
            expect(padding).to_have_count(known)
        held.let_go()
        expect(padding).to_have_count(1)


def test_a_photo_is_drawn_in_no_frame_but_its_own(built, open_page):
    run = visualizer.from_arrays({"wide": weights(1, 1, 6, 6), "tall": weights(1, 1, 6, 6)})
    run.label("wide", axis=Axis((Grid(2, 3),))).label("tall", axis=Axis((Grid(3, 2, image=1),)))
    run.label(image=[np.full((20, 30, 3), 90, np.uint8), np.full((30, 20, 3), 200, np.uint8)])
    with serve(run) as server:
        page = open_page(f"{server.url}#view=head")
        largest = page.locator("table.top td").first
        before = largest.inner_text()
        images = Images(page, ".cells canvas")
        page.keyboard.press("j")
        expect(largest).not_to_have_text(before)  # its photo was drawn for the mark, and is for the weights
        page.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
        assert images.count > 0
        held = Held(page, r"/blob/.*image")
        before = images.count
        page.keyboard.press("]")
        held.wait()
        expect(page.locator(".cells canvas")).to_have_attribute("aria-label", re.compile("3 × 2 cells"))
        expect(page.locator("table.top td")).not_to_have_count(0)
        assert images.count == before
        held.let_go()
        images.wait(before)


def test_where_padding_stays_unknown_all_queries_are_counted_and_that_is_said(built, open_page):
    valid = np.arange(6)[None] < 4
    axis = Axis((Special("[CLS]"), Text(list("abcde"))))
    run = run_of(factors(6, mask=valid[:, None, None], query_valid=valid), axis=axis)
    with serve(run) as server:
        page = open_page(f"{server.url}#view=about")
        page.route("**/details?*", lambda route: route.fulfill(status=500, body="busy"))
        page.get_by_role("tab", name="Head", exact=True).click()
        sums = page.locator(".flow td button", has_text="%")
        expect(sums).to_have_count(4)
        expect(page.locator(".flow .trouble")).to_contain_text("not known which queries are padding")
        rows = run[0].map[0, 0].numpy()
        wanted = [rows[:1].mean(0), rows[1:].mean(0)]
        wanted = [(one[0], one[1:].sum()) for one in wanted]
        found = [float(one.split()[0]) / 100 for one in sums.all_inner_texts()]
        np.testing.assert_allclose(found, np.ravel(wanted), atol=1e-3)


def test_a_number_that_is_none_of_the_batch_does_not_stay(address, open_page):
    page = open_page(f"{address}#view=head&at=0.1.0")
    box = page.get_by_label("Row of the batch")
    for impossible in ("500", "0.5", ""):
        box.fill(impossible)
        box.press("Tab")
        expect(box).to_have_value("1")
    box.fill("0")
    box.press("Tab")
    expect(box).to_have_value("0")
    expect(page.locator("[data-strip]")).to_contain_text("row 0 of the batch")


def test_the_menu_of_figures_closes_on_escape_and_on_a_click_elsewhere(address, open_page):
    page = open_page(f"{address}#view=head")
    menu = page.locator("details.export")
    for leave in (lambda: page.keyboard.press("Escape"), page.locator("header h1").click):
        menu.locator("summary").click()
        menu.get_by_role("button", name="Copy as Python").click()
        expect(menu.locator("textarea")).to_be_visible()
        leave()
        expect(menu.locator("textarea")).to_be_hidden()
