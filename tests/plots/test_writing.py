"""Text is data: drawn as it is, with a font that has it."""

import warnings

import pytest

from visualizer.plots.figures import PrintFigure
from visualizer.plots.writing import plain_text


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


def test_characters_that_no_font_has_are_named_once_and_written_as_escapes(rare, nothing_told):
    with pytest.warns(
        UserWarning, match=f"no installed font has the characters {' '.join(rare)} so they are drawn"
    ):
        shown = plain_text([f"a{rare}"])[0]
    assert shown == [r"a\U00010000\U00010001"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drawn([rare[0]])[1] == [r"\U00010000"]


def test_characters_of_a_font_that_is_found_are_drawn_as_they_are(rare, install, nothing_told):
    install("Rare Sans")
    figure, shown = drawn([f"a{rare}"])
    assert shown == [f"a{rare}"]
    assert figure.texts[0].get_fontfamily() == ["sans-serif", "Rare Sans"]
