"""Fonts made for the tests, as those of a machine cannot be known."""

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from visualizer.plots import writing

RARE = "\N{LINEAR B SYLLABLE B008 A}\N{LINEAR B SYLLABLE B038 E}"  # in no font that comes with matplotlib
GLYPHS = [".notdef", "first", "second"]


def box(pen):
    pen.moveTo((0, 0))
    for corner in ((0, 700), (500, 700), (500, 0)):
        pen.lineTo(corner)
    pen.closePath()
    return pen


def build(path, family, truetype):
    """Write a font in which both rare characters are boxes."""
    builder = FontBuilder(1000, isTTF=truetype)
    builder.setupGlyphOrder(GLYPHS)
    builder.setupCharacterMap({ord(RARE[0]): "first", ord(RARE[1]): "second"})
    if truetype:
        builder.setupGlyf(dict.fromkeys(GLYPHS, box(TTGlyphPen(None)).glyph()))
    else:
        outline = box(T2CharStringPen(600, None)).getCharString()
        builder.setupCFF(family.replace(" ", ""), {}, dict.fromkeys(GLYPHS, outline), {})
    builder.setupHorizontalMetrics(dict.fromkeys(GLYPHS, (600, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "psName": family.replace(" ", "")})
    builder.setupOS2(usWeightClass=400)
    builder.setupPost()
    builder.save(path)


@pytest.fixture
def rare():
    """Two characters that no font has."""
    return RARE


@pytest.fixture
def install(tmp_path):
    """Install a font that has the rare characters, until the test ends."""
    installed = list(font_manager.fontManager.ttflist)

    def install(family, *, truetype=True):
        path = tmp_path / f"{family}.{'ttf' if truetype else 'otf'}"
        build(path, family, truetype)
        font_manager.fontManager.addfont(path)

    yield install
    font_manager.fontManager.ttflist = installed


@pytest.fixture
def nothing_told(monkeypatch):
    """Forget which missing characters were warned of."""
    monkeypatch.setattr(writing, "_told", set())
