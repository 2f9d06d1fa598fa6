"""What matplotlib is told by name or number, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import matplotlib as mpl
from matplotlib.colors import Colormap
from matplotlib.image import interpolations_names

from visualizer.errors import OptionError

USUAL = ("viridis", "magma", "cividis", "Greys", "RdBu_r")


def colour_map(cmap: str | Colormap) -> Colormap:
    """Return a colour map by its name, or as it is.

    Raises
    ------
    OptionError
        If matplotlib has none of this name.

    Examples
    --------
    >>> colour_map("viridis").name
    'viridis'
    """
    if isinstance(cmap, Colormap):
        return cmap
    if not isinstance(cmap, str) or cmap not in mpl.colormaps:
        near = _near(cmap, mpl.colormaps, USUAL)
        raise OptionError(f"cmap={cmap!r} was asked for, but matplotlib has no such colour map: {near}")
    return mpl.colormaps[cmap]


def check_interpolation(name: str | None) -> None:
    """See to it that matplotlib knows an interpolation; None is its own choice.

    Raises
    ------
    OptionError
        If it does not.

    Examples
    --------
    >>> check_interpolation("bilinear")
    """
    if name is None or (isinstance(name, str) and name.lower() in interpolations_names):
        return
    near = _near(name, interpolations_names, sorted(interpolations_names))
    raise OptionError(f"interpolation={name!r} was asked for, but matplotlib has no such one: {near}")


def opacity(alpha: Any) -> float:
    """Return an opacity in [0, 1] as a float.

    Raises
    ------
    OptionError
        If it is no such number.

    Examples
    --------
    >>> opacity(1)
    1.0
    """
    try:
        number = -1.0 if isinstance(alpha, str) else float(alpha)
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: a tensor of several numbers
        number = -1.0
    if not 0 <= number <= 1:  # NaN fails too
        raise OptionError(f"alpha={alpha!r} was asked for, but an opacity is a number from 0 to 1 (opaque)")
    return number


def _near(asked: object, names: Iterable[str], usual: Iterable[str]) -> str:
    """Return the names that look like the one asked for in any case of letters, or else the usual ones."""
    known = {name.lower(): name for name in names}
    close = [known[name] for name in get_close_matches(str(asked).lower(), known)]
    return f"{'near it are' if close else 'there are'} {', '.join(map(repr, close or usual))}"
