"""Text is data: drawn as it is, with a font that has it."""

import warnings

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from visualizer.plots import writing
from visualizer.plots.figures import PrintFigure
from visualizer.plots.writing import plain_text

RARE = "\N{LINEAR B SYLLABLE B008 A}\N{LINEAR B SYLLABLE B038 E}"  # in no font that comes with matplotlib


@pytest.fixture
def rare_font(tmp_path):
    """Install a font that has the rare characters, each as a box, until the test ends."""
    pen = TTGlyphPen(None)
    for corner in ((0, 0), (0, 700), (500, 700), (500, 0)):
        pen.lineTo(corner) if pen.points else pen.moveTo(corner)
    pen.closePath()
    glyphs = [".notdef", "a", "b"]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap({ord(RARE[0]): "a", ord(RARE[1]): "b"})
    builder.setupGlyf(dict.fromkeys(glyphs, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (600, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Rare Test Sans", "styleName": "Regular"})
    builder.setupOS2(usWeightClass=400)
    builder.setupPost()
    path = tmp_path / "rare.ttf"
    builder.save(path)
    installed = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(path)
    yield
    font_manager.fontManager.ttflist = installed


@pytest.fixture
def nothing_told(monkeypatch):
    monkeypatch.setattr(writing, "_told", set())


def drawn(texts):
    """Draw texts as a figure does; matplotlib's warnings are errors."""
    shown, properties = plain_text(texts)
    figure = PrintFigure()
    for text in shown:
        figure.text(0.5, 0.5, text, **properties)
    figure.draw_without_rendering()
    return figure, shown


@pytest.mark.parametrize(
    "text", ["$x^2$", "a_b", "##ing", r"\alpha", "$ 5", "Ġthe", "▁the", "<0x0A>", "100%", ""]
)
def test_tokens_are_drawn_as_they_are(text):
    figure, shown = drawn([text])
    assert shown == [text]
    assert not figure.texts[0].get_parse_math()


def test_math_is_really_not_read():
    figure, _ = drawn([r"$\notacommand{$"])  # as mathtext this raises
    assert figure.texts[0].get_text() == r"$\notacommand{$"


@pytest.mark.parametrize(
    ("text", "shown"), [("a\nb", "a\\nb"), ("\t", "\\t"), ("\u200b", "\\u200b"), ("\x00", "\\x00")]
)
def test_control_characters_are_written_as_escapes(text, shown):
    assert plain_text([text])[0] == [shown]


def test_characters_that_no_font_has_are_named_once_and_written_as_escapes(nothing_told):
    with pytest.warns(
        UserWarning, match=f"no installed font has the characters {' '.join(RARE)} .*fonts-noto-cjk"
    ):
        shown = plain_text([f"a{RARE}"])[0]
    assert shown == [r"a\U00010000\U00010001"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drawn([RARE[0]])[1] == [r"\U00010000"]


def test_a_font_that_has_the_characters_is_found(rare_font, nothing_told):
    figure, shown = drawn([f"a{RARE}"])
    assert shown == [f"a{RARE}"]
    assert figure.texts[0].get_fontfamily() == ["sans-serif", "Rare Test Sans"]


def test_fonts_of_boxes_for_every_character_are_not_taken(nothing_told):
    named = {font.name for font in writing._others()}
    assert named
    assert not any(name.startswith("Last") for name in named)
