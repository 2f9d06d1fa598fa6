"""Files that journals take, and figures that nobody has to close."""

import gc
import re
import struct
import weakref

import matplotlib.pyplot as plt
import numpy as np
import pytest

from visualizer.errors import ShapeError
from visualizer.plots import grid_to_grid, head, heads


@pytest.mark.parametrize("draw", [head, heads, grid_to_grid], ids=lambda draw: draw.__name__)
def test_pdf_files_embed_truetype_fonts(draw, tmp_path):
    look = {"image": np.eye(8), "query": 0} if draw is grid_to_grid else {}
    draw([np.eye(4)] if draw is heads else np.eye(4), **look).savefig(tmp_path / "figure.pdf")
    content = (tmp_path / "figure.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_matplotlib_by_itself_would_not_embed_them(tmp_path):
    figure, axes = plt.subplots()
    head(np.eye(3), ax=axes)
    figure.savefig(tmp_path / "figure.pdf")
    plt.close(figure)
    assert b"/Type3" in (tmp_path / "figure.pdf").read_bytes()


def test_saving_changes_no_setting(tmp_path):
    before = dict(plt.rcParams)
    head(np.eye(3)).savefig(tmp_path / "figure.pdf")
    assert dict(plt.rcParams) == before


def test_vector_files_are_sharp_unless_told(tmp_path):
    def widths(**choices):
        head(np.eye(3)).savefig(tmp_path / "figure.pdf", **choices)
        return [int(width) for width in re.findall(rb"/Width (\d+)", (tmp_path / "figure.pdf").read_bytes())]

    assert max(widths()) == pytest.approx(2 * max(widths(dpi=150)), rel=0.02)


def test_notebooks_show_a_figure_at_its_size_and_twice_as_sharp():
    figure = head(np.eye(3))
    png, size = figure._repr_png_()
    width, height = struct.unpack(">II", png[16:24])
    assert (size["width"], size["height"]) == tuple(round(side * 100) for side in figure.get_size_inches())
    assert (width, height) == pytest.approx((2 * size["width"], 2 * size["height"]), abs=1)


def test_pyplot_is_not_loaded(python):
    result = python(
        "-c",
        "import sys; from visualizer import plots; plots.head([[1.0]]).savefig('figure.png');"
        "print('matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)",
    )
    assert result.stdout == "True False\n", result.stderr


def test_a_figure_is_freed_with_its_last_reference():
    figure = weakref.ref(head(np.eye(3)))
    gc.collect()
    assert figure() is None
    assert plt.get_fignums() == []


def test_a_new_figure_is_a_column_or_a_page_wide():
    assert head(np.eye(3)).get_figwidth() == pytest.approx(3.4, abs=0.2)
    assert heads(np.ones((12, 3, 3))).get_figwidth() == pytest.approx(7.0, abs=0.2)


def test_the_size_can_be_told():
    for figure in (
        head(np.eye(3), figsize=(6, 2)),
        heads([np.eye(3)], figsize=(6, 2)),
        grid_to_grid(np.eye(4), np.eye(8), query=0, figsize=(6, 2)),
    ):
        assert figure.get_size_inches().tolist() == [6, 2]


PICTURES = {
    "a head": lambda look: head(np.eye(30), tokens=["long token"] * 30, **look),
    "heads": lambda look: heads(np.ones((7, 9, 9)), **look),
    "a wide image": lambda look: grid_to_grid(np.eye(6), np.zeros((20, 30)), cell=(0, 0), **look),
    "a tall image": lambda look: grid_to_grid(
        np.eye(11), np.zeros((90, 20)), query=0, prefix=1, grid=(5, 2), **look
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_all_that_is_drawn_lies_within_the_page_and_nothing_on_top_of_it(name):
    figure = PICTURES[name]({"title": "layer 3, head 5"})
    figure.draw_without_rendering()
    page = figure.bbox.padded(3)
    panels = [axes.get_tightbbox() for axes in figure.axes]
    title, caption = figure._suptitle.get_window_extent(), figure._supxlabel.get_window_extent()
    for box in (*panels, title, caption):
        assert page.x0 <= box.x0 < box.x1 <= page.x1
        assert page.y0 <= box.y0 < box.y1 <= page.y1
    assert max(box.y1 for box in panels[:-1]) <= title.y0
    assert min(box.y0 for box in panels[:-1]) >= caption.y1


def test_a_caption_in_chinese_is_broken_at_the_width_of_its_characters():
    from visualizer.plots.figures import wrapped

    assert [len(line) for line in wrapped("字" * 60, 240)] == [33, 27]
    assert max(len(line) for line in wrapped("word " * 60, 240)) > 50


def test_the_callers_axes_are_drawn_in_and_the_callers_figure_returned():
    figure, axes = plt.subplots(1, 3, layout="constrained", figsize=(9, 3))
    assert head(np.eye(3), ax=axes[0], title="mine", caption="what it shows") is figure
    assert grid_to_grid(np.eye(4), np.eye(8), query=0, ax=axes[1:]) is figure
    figure.draw_without_rendering()
    assert [axis.get_ylabel() for axis in axes] == ["query (row)", "", ""]
    written = [text.get_text() for text in axes[0].texts]
    assert sorted(written) == ["mine", "what it shows"]
    plt.close(figure)


def test_title_and_caption_in_the_callers_axes_lie_above_and_below():
    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    head(np.eye(3), ax=axes, title="above", caption="below")
    figure.draw_without_rendering()
    places = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert places["above"].y0 >= axes.get_window_extent().y1
    assert places["below"].y1 <= axes.xaxis.label.get_window_extent().y0
    plt.close(figure)


@pytest.mark.parametrize(("draw", "maps", "panels"), [(heads, np.ones((3, 2, 2)), 4), (head, np.eye(2), 1)])
def test_axes_that_are_too_few_or_many_are_counted(draw, maps, panels):
    figure, axes = plt.subplots(1, 2)
    with pytest.raises(
        ShapeError, match=f"ax= holds 2 axes, but the picture has {panels} panels: one each is wanted"
    ):
        draw(maps, ax=axes)
    plt.close(figure)


def test_svg_has_text_as_text(tmp_path):
    head(np.eye(2), title="a title").savefig(tmp_path / "head.svg")
    assert ">a title</text>" in (tmp_path / "head.svg").read_text(encoding="utf-8")
