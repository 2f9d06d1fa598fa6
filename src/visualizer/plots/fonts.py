"""Which font has which characters, and whether files can embed it as TrueType."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

# Sans-serif fonts of Chinese, Japanese and Korean that systems bring or people install, best first.
PREFERRED = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC",
    "Hiragino Sans GB", "Microsoft YaHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei",
    "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", "Noto Sans CJK KR", "Malgun Gothic", "Arial Unicode MS",
)  # fmt: skip
PLACEHOLDERS = ("Last Resort", "LastResort")  # fonts that have a box for every character


def families_for(characters: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Return font families that have the characters between them, and the characters that none has.

    The families of matplotlib's settings come first, then others that are installed, as far as needed.

    Examples
    --------
    >>> families_for(frozenset("abc"))
    (['sans-serif'], frozenset())
    """
    families = list(mpl.rcParams["font.family"])
    missing = characters
    for family in families:
        missing -= _covered(findfont(FontProperties(family=[family])), missing)
    for font in _others() if missing else ():
        covered = _covered(font.fname, missing)
        if covered:
            families.append(font.name)
            missing -= covered
        if not missing:
            break
    return families, missing


def all_truetype(figure: Figure) -> bool:
    """Tell whether all fonts that a figure's texts are drawn from have TrueType outlines.

    Matplotlib embeds others (OpenType with CFF outlines, such as Noto Sans CJK) wrongly as Type 42: readers
    show nothing in their place (seen with 3.8 and 3.11).

    Examples
    --------
    >>> all_truetype(Figure())
    True
    """
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]
    return not any(_has_cff_outlines(path) for text in texts for path in _fonts_of(text))


def _fonts_of(text: Text) -> Iterator[str]:
    """Yield the fonts that a text's characters are taken from."""
    missing = frozenset(text.get_text())
    for family in text.get_fontfamily():
        properties = text.get_fontproperties().copy()
        properties.set_family([family])
        path = findfont(properties)
        covered = _covered(path, missing)
        missing -= covered
        if covered:
            yield path


def _others() -> Iterator[FontEntry]:
    """Yield the upright fonts of regular weight: the preferred ones first, of them TrueType first."""
    rank = {name: place for place, name in enumerate(PREFERRED)}

    def order(font: FontEntry) -> tuple[bool, bool, int, str]:
        known = font.name in rank
        return not known, known and _has_cff_outlines(font.fname), rank.get(font.name, 0), font.name

    for font in sorted(fontManager.ttflist, key=order):
        regular = font.style == "normal" and font.weight in (400, "normal", "regular")
        if regular and not font.name.startswith(PLACEHOLDERS):
            yield font


@lru_cache(maxsize=4096)
def _covered(path: str, characters: frozenset[str]) -> frozenset[str]:
    font = FT2Font(path)
    return frozenset(c for c in characters if font.scalable and font.get_char_index(ord(c)))


@lru_cache(maxsize=4096)
def _has_cff_outlines(path: str) -> bool:
    """Read the signature of a font file, or of the first font of a collection (OpenType, "Organization")."""
    with Path(path).open("rb") as file:
        signature = file.read(4)
        if signature == b"ttcf":
            file.seek(12)
            file.seek(int.from_bytes(file.read(4), "big"))
            signature = file.read(4)
    return signature == b"OTTO"
