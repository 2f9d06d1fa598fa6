"""What can be asked of the pictures that are drawn by axes: which map, which query, and how it shall look."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import Field, dataclass, fields, replace
from difflib import get_close_matches
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, TypeVar, cast

from visualizer.errors import OptionError
from visualizer.images import opened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

# Widths in inches of what publishers set, from their author guides and styles.
WIDTHS = {
    "column": 3.4, "page": 7.0, "nature": 3.5, "nature-page": 7.2, "ieee": 3.5, "ieee-page": 7.16,
    "neurips": 5.5, "iclr": 5.5, "icml": 3.25, "icml-page": 6.75, "cvpr": 3.25, "cvpr-page": 6.875,
    "acl": 3.03, "acl-page": 6.3,
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """All that can be asked for, each picture taking a part of it.

    Attributes
    ----------
    layer, call, sequence, head, batch
        Of a run: the module's path, and which of its calls, from 0, or of several generations which, as
        `Call.sequence` numbers them. Of several heads one, from 0, or "mean", for `row` "all"; which row of
        the batch.
    axis, queries, keys
        What the tokens on both sides of the map, or on one, are: as `Run.label` takes them. Of a run its own.
    image
        What the patches are of: a picture or its file's name, a list with one for each `Grid`, for `Frames`
        (frame, height, width, channel), for a `Volume` (depth, height, width); or a list of these, one for
        each row of the batch. Of a run its own.
    query, key, cell, pixel, text, special, nth
        One of: a token's index or "last", ``key`` of a column, a cell, a place (x, y) in the image, a piece
        of text, a special token's name; and which of several places.
    mass, sinks, part
        Which share of a row's mass is drawn, the largest weights first; whether special tokens and the first
        one are drawn, or removed and the rest renormalised. Which tokens are looked at alone: a slice, a pair
        (begin, end), an int, what `Run.where` finds, or a list of these.
    title, caption
        What stands above it; False for no caption, or another one.
    cmap, vmin, vmax, scale, alpha, interpolation
        Colours, as in `head` and `grid_to_grid`.
    width
        Inches, or one of `WIDTHS`, such as "column" or "neurips".
    ax
        Matplotlib axes to draw in instead of a new figure, where the picture needs one alone.
    """

    layer: str | None = None
    call: int | None = None
    sequence: int | None = None
    head: int | str | None = None
    batch: int = 0
    axis: Any = None
    queries: Any = None
    keys: Any = None
    image: Any = None
    query: int | str | None = None
    key: int | str | None = None
    cell: Sequence[int] | None = None
    pixel: tuple[float, float] | None = None
    text: str | None = None
    special: str | None = None
    nth: int | None = None
    mass: float = 1.0
    sinks: bool = True
    part: Any = None
    title: str | None = None
    caption: bool | str = True
    cmap: str | Colormap | None = None
    vmin: float | None = None
    vmax: float | None = None
    scale: str = "linear"
    alpha: float = 0.6
    interpolation: str = "nearest"
    width: float | str | None = None
    ax: Axes | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Options:
        """Return what was asked for.

        Raises
        ------
        OptionError
            If there is no such option.

        Examples
        --------
        >>> Options.read({"head": 3}).head
        3
        """
        _check(given, [field.name for field in fields(cls)])
        options = cls(**given)
        return replace(options, image=opened(options.image))

    @property
    def asked(self) -> dict[str, Any]:
        """What names a query, or a key, without what was left out."""
        named = {name: getattr(self, name) for name in ("query", "key", *PLACES)}
        return {name: value for name, value in named.items() if value is not None}

    def inches(self, usual: str) -> float:
        """Return the width of the figure.

        Raises
        ------
        OptionError
            If it is neither a positive number nor the name of one.

        Examples
        --------
        >>> Options().inches("page"), Options(width="neurips").inches("page")
        (7.0, 5.5)
        """
        width = usual if self.width is None else self.width
        inches = WIDTHS.get(width, 0.0) if isinstance(width, str) else float(width)
        if not 1 <= inches <= 100:
            raise OptionError(f"width={width!r} was asked for; give inches, or one of {', '.join(WIDTHS)}")
        return inches


WHICH = ("layer", "call", "sequence", "head", "batch")
TOKENS = ("axis", "queries", "keys", "image")
PLACES = ("cell", "pixel", "text", "special")
QUERY = ("query", *PLACES, "nth")
KEY = ("key", *PLACES, "nth")
COLOURS = ("cmap", "vmin", "vmax", "scale")
KEEPING = ("mass", "sinks")
OVERLAY = ("alpha", "interpolation")
PAGE = ("title", "caption", "width", "ax")
Picture = TypeVar("Picture", bound=Callable[..., Any])


def takes(*names: str, **usual: Any) -> Callable[[Picture], Picture]:
    """Say which of the `Options` a picture takes as ``**options``, and which values are ``usual`` for it.

    Its signature names them, and others than those are told with what is near.

    Raises
    ------
    OptionError
        When the picture is drawn, if there is no such option.

    Examples
    --------
    >>> @takes("title", scale="sqrt")
    ... def picture(shown, **options):
    ...     return options
    >>> str(signature(picture)), picture(3, title="a")
    ("(shown, *, title: 'str | None' = None, scale: 'str' = 'sqrt')", {'scale': 'sqrt', 'title': 'a'})
    """

    def taking(picture: Picture) -> Picture:
        own = [one for one in signature(picture).parameters.values() if one.kind is not Parameter.VAR_KEYWORD]
        taken = [field for field in fields(Options) if field.name in {*names, *usual}]
        named = [_parameter(field, usual) for field in taken]
        known = [one.name for one in (*own, *named)]

        @wraps(picture)
        def drawn(*shown: Any, **options: Any) -> Any:
            _check(options, known)
            return picture(*shown, **usual | options)

        returned = signature(picture).return_annotation
        setattr(drawn, "__signature__", Signature([*own, *named], return_annotation=returned))  # noqa: B010  # mypy knows of none
        return cast("Picture", drawn)

    return taking


def _parameter(field: Field[Any], usual: Mapping[str, Any]) -> Parameter:
    default = usual.get(field.name, field.default)
    return Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=field.type)


def _check(given: Collection[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            near = ", ".join(get_close_matches(name, known, 3, 0.4)) or ", ".join(known)
            raise OptionError(f"{name}= was given, but there is no such option: there are {near}")
