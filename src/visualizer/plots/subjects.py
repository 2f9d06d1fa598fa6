"""What a picture is drawn of: a map, what its tokens are, where it is from; and the row of one query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import index
from typing import Any

from visualizer.axes import Axis, Patches, Text, Unknown, Windows, as_axis
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError, ShapeError
from visualizer.plots.arrays import Floats, as_floats, pooled
from visualizer.plots.asking import Options
from visualizer.plots.patches import cell_under
from visualizer.plots.pictures import rgb_picture
from visualizer.run import Run

SIDES = {"queries": -2, "keys": -1}


@dataclass(frozen=True)
class Subject:
    """A map and what is known of it.

    ``map`` is (batch, head, query, key) or lacks axes in front, as an array or lazy; ``batch`` is which row
    of the batch is looked at, ``origin`` what a caption says of where it is from.
    """

    map: Any
    queries: Axis
    keys: Axis
    image: Any = None
    batch: int = 0
    head: int | str | None = None
    origin: tuple[str, ...] = ()
    check: tuple[str, ...] = ()

    @property
    def picked(self) -> Any:
        """The map (query, key), or (head, query, key) for a mean of heads, as lazy as it was."""
        batches = self.map[self.batch] if self.map.ndim == 4 else self.map
        if batches.ndim == 2 or self.head == "mean":
            return batches
        if self.head is None and len(batches) == 1:
            return batches[0]
        try:
            head = index(self.head)  # type: ignore[arg-type]  # what is none is told below
        except TypeError:
            head = -1
        if not 0 <= head < len(batches):
            raise OptionError(
                f"head={self.head!r} was asked for of {len(batches)} heads: give one from 0 to "
                f"{len(batches) - 1}, or 'mean'"
            )
        return batches[head]

    def row(self, token: int) -> Floats:
        """Return the weights (key,) of one query; where it is masked as a whole, an error says so."""
        return _mean_of_heads(as_floats(self.picked[..., token, :], "map"))

    def column(self, token: int) -> Floats:
        """Return the weights (query,) that one key receives."""
        return _mean_of_heads(as_floats(self.picked[..., :, token], "map"))

    def matrix(self, most: int) -> Floats:
        """Return the weights (query, key), of a long lazy map means of at most ``most`` bins a side."""
        found = as_floats(pooled(self.picked, most), "map")
        return found if found.ndim == 2 else found.mean(axis=0)

    @property
    def queries_have_text(self) -> bool:
        """Whether a piece of text can be looked for among the queries."""
        return any(isinstance(one, Text) for one in self.queries.segments)

    def of_rows(self, queries: slice) -> Subject:
        """Return some of the queries; of an axis of words their names."""
        names = self.queries.names[queries]
        known = self.queries.length == self.map.shape[-2] and self.queries_have_text
        axis = Axis((Text(names),)) if known else Axis((Unknown(len(names)),))
        return replace(self, map=self.map[..., queries, :], queries=axis)

    def find(self, options: Options, side: str = "queries") -> tuple[Subject, int]:
        """Return the token that was asked for on one side, and the subject in whose row of the batch it is.

        Raises
        ------
        OptionError
            If not exactly one is asked for.
        ShapeError, CallsError
            If it is not there.
        """
        asked, axis = options.asked, getattr(self, side)
        if len(asked) != 1:
            names = "query=, cell=, pixel=, text= and special="
            raise OptionError(f"give exactly one of {names}, to say which query: {len(asked)} were given")
        ((kind, value),) = asked.items()
        if kind == "query":
            return self, _whole(value, self.map.shape[SIDES[side]])
        if kind in ("cell", "pixel"):
            cell = value if kind == "cell" else _cell_at(value, axis, self.image)
            batch, token = axis.at(cell, self.batch, options.nth)
            return replace(self, batch=batch), token
        found = axis.where(nth=options.nth, **{kind: value})
        if found.stop - found.start > 1:
            raise OptionError(
                f"{kind}={value!r} is {found.stop - found.start} tokens, {found.start} to {found.stop - 1}: "
                "give query=, one of them"
            )
        return self, int(found.start)

    def named(self, token: int, side: str = "queries") -> str:
        """Return index and name of a token, the name once only."""
        axis: Axis = getattr(self, side)
        name, number = axis.name(token), f"token {token}"
        windows = axis.segments[0] if len(axis.segments) == 1 else None
        if isinstance(windows, Windows):
            cell = windows.cell(token, self.batch)
            name = f"cell {cell}" if cell else "beyond the image"
            number = f"token {token} of window {self.batch % windows.count}"
        text = f"“{name.strip()}”" if any(isinstance(one, Text) for one in axis.segments) else name
        return number if name == number else f"{number}, {text}"


def subject_of(shown: Any, options: Options) -> Subject:
    """Return what is to be drawn: of a run, a call, a map, an array or a row of weights.

    Raises
    ------
    CallsError
        If a run has no such call, or several.
    ShapeError
        If axes do not fit the map.
    TargetError
        If it is none of these.

    Examples
    --------
    >>> subject_of([[0.5, 0.5], [1, 0]], Options(axis=["a", "cat"])).named(1)
    'token 1, “cat”'
    """
    if isinstance(shown, Run):
        return _of_run(shown, options)
    if isinstance(shown, Call):
        _refuse_points(shown)
        return _made(shown.map, options, origin=_origin(shown, options), check=_check(shown))
    return _made(shown, options)


def call_of(run: Run, options: Options) -> Call:
    """Return the one call of a run that is asked for."""
    calls = run.calls("*" if options.layer is None else options.layer)
    if not calls:
        run[options.layer or 0]  # which says what there is
    if options.call is not None and 0 <= options.call < len(calls):
        return calls[options.call]
    if len(calls) == 1 and options.call is None:
        return calls[0]
    paths = list(dict.fromkeys(call.path for call in calls))
    what = "layer=" if len(paths) > 1 else "call="
    there = (
        f"{len(paths)} layers, such as {', '.join(paths[:3])}" if len(paths) > 1 else f"{len(calls)} calls"
    )
    raise CallsError(f"one map was to be drawn, but there are {there}: give {what}")


def stitched_subject(run: Run, layer: str, options: Options) -> Subject:
    """Return the calls of a layer that continue one sequence as one map."""
    found, first = run.stitched(layer), run.calls(layer)[0]
    axis = run.labels.of(layer, "keys")
    stated = {}
    if axis is not None and axis.length >= found.shape[-1]:
        stated = {"keys": _cut(axis, 0, found.shape[-1]), "queries": _cut(axis, 0, found.shape[-2])}
    origin = _origin(replace(first, number=0), options)
    return _made(found, options, stated, origin=origin, check=_check(first))


def _of_run(run: Run, options: Options) -> Subject:
    call = call_of(run, options)
    _refuse_points(call)
    stated = {side: _part(_tokens(run, call, side, options.batch), call, side) for side in SIDES}
    image = run.image if options.image is None else options.image
    origin = _origin(call, options)
    return _made(call.map, options, stated, image=image, origin=origin, check=_check(call))


def _tokens(run: Run, call: Call, side: str, row: int) -> Axis | None:
    """Return what a call's tokens are, stated or inferred while recording; None where it is not known."""
    return run.axis(call, side, row) if run.labels.knows(call, side) else None


def _refuse_points(call: Call) -> None:
    """See to it that the keys of a call are tokens, not the points of deformable attention."""
    if call.levels:
        raise OptionError(
            f"{layer_name(call.path)} samples points, which are no keys: plots.sampling draws them"
        )


def _made(shown: Any, options: Options, stated: Any = None, **more: Any) -> Subject:
    is_array = all(hasattr(shown, name) for name in ("dtype", "ndim", "shape"))  # its rows are copied alone
    found = shown if is_array else as_floats(shown, "map")
    found = found[None] if found.ndim == 1 else found
    if not 2 <= found.ndim <= 4 or 0 in found.shape:
        raise ShapeError(f"map has shape {tuple(found.shape)}, axes (batch, head, query, key) are wanted")
    if found.ndim == 4 and not 0 <= options.batch < len(found):
        raise ShapeError(f"batch={options.batch} was asked for, but the map has {len(found)} rows of it")
    sides = {side: _axis(side, found, options, stated or {}) for side in SIDES}
    more = {"image": options.image} | more
    if options.image is not None and not any(_is_picture(axis) for axis in sides.values()):
        raise OptionError("image= was given, but the tokens have no grid: give axis=[Grid(rows, columns)]")
    return Subject(found, sides["queries"], sides["keys"], batch=options.batch, head=options.head, **more)


def _axis(side: str, found: Any, options: Options, stated: dict[str, Axis | None]) -> Axis:
    length = int(found.shape[SIDES[side]])
    given = getattr(options, side) if getattr(options, side) is not None else options.axis
    if given is None:
        return stated.get(side) or Axis((Unknown(length),))
    axis = as_axis(given)
    if found.shape[-2] == 1 and side == "queries" and options.queries is None and axis.length != 1:
        return Axis((Unknown(1),))  # weights of the keys alone
    axis.check(length, f"the map has {{}} {side}")
    return axis


def _part(axis: Axis | None, call: Call, side: str) -> Axis | None:
    """Return the part of a text that a step of a generation sees; None where the axis is another's."""
    length, keys = call.shape[SIDES[side]], call.shape[-1]
    if axis is None or axis.length == length:
        return axis
    begin = call.first_key + (keys - length if side == "queries" else 0)
    return _cut(axis, begin, length)


def _cut(axis: Axis, begin: int, length: int) -> Axis | None:
    """Return a part of an axis that is one text; of others None."""
    (only,) = axis.segments if len(axis.segments) == 1 else (None,)
    if not isinstance(only, Text) or begin + length > only.length:
        return None
    part = slice(begin, begin + length)
    return Axis((Text(only.tokens[part], only.spans[part], only.text),))


def layer_name(path: str) -> str:
    """Return what a caption calls a layer."""
    return f"Layer {path}" if path else "The model itself"


def _origin(call: Call, options: Options) -> tuple[str, ...]:
    words = [layer_name(call.path)]
    heads = call.shape[-3]
    words += [f"mean of {heads} heads" if options.head == "mean" else f"head {options.head or 0} of {heads}"]
    words += [f"call {call.number}"] * (call.number > 0)
    words += [f"row {options.batch} of the batch"] * (call.shape[0] > 1)
    words += [f"item {call.item}"] * (call.item is not None)
    return (", ".join(words) + ".",)


def _check(call: Call) -> tuple[str, ...]:
    if call.error is not None:
        return (f"Self-check: some rows times v gave the layer's own output, error {float(call.error):.0e}.",)
    if call.how == "an array":
        return ("Self-check: none, an array was given.",)
    return ("Self-check: the model's own array." if call.formed else "Self-check: none.",)


def _is_picture(axis: Axis) -> bool:
    return any(hasattr(one, "cells") or isinstance(one, Windows) for one in axis.segments)


def _mean_of_heads(found: Floats) -> Floats:
    return found if found.ndim == 1 else found.mean(axis=0)


def _whole(value: Any, length: int) -> int:
    try:
        token = index(value)
    except TypeError:
        raise ShapeError(f"query={value!r} is not a token's index, a whole number") from None
    if not 0 <= token < length:
        raise ShapeError(f"query={token} is outside of the map, which has {length}, counted from 0")
    return token


def _cell_at(pixel: tuple[float, float], axis: Axis, image: Any) -> tuple[int, int]:
    grids = [one for one in axis.segments if isinstance(one, Patches | Windows)]
    if len(grids) != 1 or image is None:
        raise OptionError("pixel= was given; it needs one grid and its image=: give cell=")
    cells = grids[0].grid if isinstance(grids[0], Windows) else grids[0].cells
    height, width = rgb_picture(image).shape[:2]
    return cell_under(pixel, cells, (height, width))
