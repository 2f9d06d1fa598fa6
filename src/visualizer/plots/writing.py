"""Text in figures as data: no markup is read in it, and no character is lost for want of a font."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import matplotlib as mpl
from matplotlib.font_manager import FontEntry, FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font

# Sans-serif fonts of Chinese, Japanese and Korean that systems bring or people install, best first.
PREFERRED = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC",
    "Hiragino Sans GB", "Microsoft YaHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei",
    "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", "Noto Sans CJK KR", "Malgun Gothic", "Arial Unicode MS",
)  # fmt: skip
PLACEHOLDERS = ("Last Resort", "LastResort")  # fonts that have a box for every character

_told: set[str] = set()


def plain_text(texts: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
    r"""Return texts as they can be drawn, and the matplotlib text properties to draw them with.

    Control characters are written as escapes. Characters that the current fonts lack are looked for in all
    installed fonts; those found nowhere are written as escapes too, and one warning names them.

    Examples
    --------
    >>> plain_text(["$x_1$", "two\nlines"])[0]
    ['$x_1$', 'two\\nlines']
    """
    shown = ["".join(c if c.isprintable() else _escape(c) for c in str(text)) for text in texts]
    families, missing = _families(frozenset("".join(shown)))
    if missing:
        _tell(missing)
        shown = ["".join(_escape(c) if c in missing else c for c in text) for text in shown]
    return shown, {"parse_math": False, "usetex": False, "fontfamily": families}


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _tell(missing: frozenset[str]) -> None:
    new = sorted(missing - _told)
    if new:
        _told.update(new)
        named = " ".join(new[:20]) + (" …" if len(new) > 20 else "")
        message = (
            f"no installed font has the characters {named} so they are drawn as escapes: install one such as "
            "Noto Sans CJK (package fonts-noto-cjk) for Chinese, Japanese and Korean, or add a file with "
            "matplotlib.font_manager.fontManager.addfont(path)"
        )
        warnings.warn(message, UserWarning, stacklevel=2)


def _families(characters: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Return font families that have the characters between them, and the characters that none has."""
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


def _others() -> Iterator[FontEntry]:
    """Yield the upright fonts of regular weight, the preferred ones first."""
    upright = [
        f for f in fontManager.ttflist if f.style == "normal" and f.weight in (400, "normal", "regular")
    ]
    rank = {name: place for place, name in enumerate(PREFERRED)}
    for font in sorted(upright, key=lambda font: (rank.get(font.name, len(rank)), font.name)):
        if not font.name.startswith(PLACEHOLDERS):
            yield font


@lru_cache(maxsize=4096)
def _covered(path: str, characters: frozenset[str]) -> frozenset[str]:
    font = FT2Font(path)
    return frozenset(c for c in characters if font.scalable and font.get_char_index(ord(c)))
