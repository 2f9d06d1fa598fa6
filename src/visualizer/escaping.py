"""Text from elsewhere, such as names in a file, before a person reads it on a terminal."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""Return a text with each character that would not be seen, or would move others, as its escape.

    Those that `str.isprintable` tells apart, as `repr` does: control characters, marks that turn the writing
    direction, ends of lines, lone surrogates, blanks other than the space.

    Examples
    --------
    >>> print(visible("layer\x1b[31m.0\nü"))
    layer\x1b[31m.0\nü
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
