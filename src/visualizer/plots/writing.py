"""Text in figures as data: no markup is read in it, and no character is lost for want of a font."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from visualizer.plots.fonts import families_for

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
    families, missing = families_for(frozenset("".join(shown)))
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
            f"no installed font has the characters {named} so they are drawn as escapes: add the file of one "
            "with matplotlib.font_manager.fontManager.addfont(path), or install one (for Chinese WenQuanYi "
            "Micro Hei, package fonts-wqy-microhei) and delete the list of fonts in matplotlib.get_cachedir()"
        )
        warnings.warn(message, UserWarning, stacklevel=2)
