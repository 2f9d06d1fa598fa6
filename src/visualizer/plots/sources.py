"""From what is given to what is drawn: the map of a run, a call, a map, an array or a row of weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visualizer.axes import Axis, Unknown, Windows, as_axis
from visualizer.calls import Call, join_steps
from visualizer.errors import CallsError, OptionError, ShapeError
from visualizer.plots.arrays import as_floats
from visualizer.plots.asking import Options
from visualizer.plots.generations import continue_one, grow, places_of
from visualizer.plots.subjects import SIDES, Subject
from visualizer.plots.telling import Facts, layer_name
from visualizer.run import Run
from visualizer.tokens import part_of


def subject_of(shown: Any, options: Options) -> Subject:
    """Return what is to be drawn: of a run, a call, a map, an array or a row of weights.

    Of a run whose calls of the layer continue one sequence, it is the map over the whole of it, unless
    ``call=`` chooses one.

    Raises
    ------
    CallsError
        If a run has no such call, or several that are no sequence.
    ShapeError
        If axes do not fit the map.
    TargetError
        If it is none of these.

    Examples
    --------
    >>> subject_of([[0.5, 0.5], [1, 0]], Options(axis=["a", "cat"])).named(range(1, 2))
    'token 1, “cat”'
    """
    if isinstance(shown, Run):
        return _of_run(shown, options)
    if isinstance(shown, Call):
        return _of_call(Run([shown]), shown, options)
    return _made(shown, options)


def image_of(run: Run, options: Options) -> Any:
    """Return the image that is given, or else what the run has, with the part of it that was looked at."""
    if options.image is not None:
        return options.image
    return run.image if run.seen is None else run.seen


def call_of(run: Run, options: Options) -> Call:
    """Return the one call of a run that is asked for."""
    calls = layer_calls(run, options)
    if options.call is not None and 0 <= options.call < len(calls):
        return calls[options.call]
    if len(calls) == 1 and options.call is None:
        return calls[0]
    numbers = sorted({call.sequence for call in calls})
    of, or_ = (f" of the sequences {numbers}", "sequence= or ") if len(numbers) > 1 else ("", "")
    raise CallsError(f"one map was to be drawn, but there are {len(calls)} calls{of}: give {or_}call=")


def layer_calls(run: Run, options: Options) -> list[Call]:
    """Return the calls of the one layer, and of the sequence if one is named, that are asked for."""
    calls = run.some_calls("*" if options.layer is None else options.layer)
    paths = list(dict.fromkeys(call.path for call in calls))
    if len(paths) > 1:
        there = f"{len(paths)} layers, such as {', '.join(paths[:3])}"
        raise CallsError(f"one map was to be drawn, but there are {there}: give layer=")
    check_sequence(calls, options)
    return [call for call in calls if options.sequence in (None, call.sequence)]


def check_sequence(calls: Sequence[Call], options: Options) -> None:
    """Raise an error if a sequence is asked for that no call is of.

    Raises
    ------
    CallsError
        If there is no such sequence.
    """
    numbers = sorted({call.sequence for call in calls})
    if options.sequence is not None and options.sequence not in numbers:
        raise CallsError(f"sequence={options.sequence} was asked for, but there are {numbers}")


def stitched_subject(run: Run, calls: Sequence[Call], options: Options) -> Subject:
    """Return the calls of a layer that continue one sequence as one map."""
    found, places = join_steps(calls), places_of(calls, options.batch)
    keys = _whole(run, calls, "keys", options.batch, found.shape[-1])
    queries = _joined(run, calls, options.batch)
    if keys is not None and grow(calls):
        queries = part_of(keys, places or range(found.shape[-2]))
    more = {"facts": Facts(_origin(run, calls, options), tuple(calls)), "places": places, "continues": True}
    image = image_of(run, options)
    return _made(found, options, {"keys": keys, "queries": queries}, image=image, **more)


def _of_run(run: Run, options: Options) -> Subject:
    calls = layer_calls(run, options)
    if options.call is None and continue_one(calls):
        return stitched_subject(run, calls, options)
    call = call_of(run, options)
    is_step = not call.first_key and grow([one for one in calls if one.sequence == call.sequence])
    return _of_call(run, call, options, places_of([call], options.batch) if is_step else ())


def _of_call(run: Run, call: Call, options: Options, places: tuple[int, ...] = ()) -> Subject:
    if call.levels:
        raise OptionError(
            f"{layer_name(call.path)} samples points, which are no keys: plots.sampling draws them"
        )
    stated = {side: _part(_tokens(run, call, side, options.batch), call, side) for side in SIDES}
    image = image_of(run, options)
    more = {"facts": Facts(_origin(run, [call], options), (call,)), "places": places}
    return _made(call.map, options, stated, image=image, **more)


def _tokens(run: Run, call: Call, side: str, row: int) -> Axis | None:
    """Return what a call's tokens are, stated or inferred while recording; None where it is not known."""
    return run.axis(call, side, row) if run.labels.knows(call, side) else None


def _whole(run: Run, calls: Sequence[Call], side: str, row: int, length: int) -> Axis | None:
    """Return what the tokens of a whole sequence are; None where it is not known."""
    try:
        axis = run.axis(calls[0].path, side, row)
    except CallsError:  # none, or one of each call
        return None
    return _first(axis, 0, length)


def _joined(run: Run, calls: Sequence[Call], row: int) -> Axis | None:
    """Return the queries of calls one after another; None where those of a call are not known."""
    whole = _shared(run, calls, row)
    if whole is not None and whole.length == sum(call.shape[-2] for call in calls):
        return whole
    axes = [_part(_tokens(run, call, "queries", row), call, "queries") for call in calls]
    known = [axis for axis in axes if axis is not None]
    return Axis(tuple(one for axis in known for one in axis.segments)) if len(known) == len(calls) else None


def _shared(run: Run, calls: Sequence[Call], row: int) -> Axis | None:
    """Return the text that queries of calls are all together; None where it is not known."""
    try:
        return run.labels.shared(calls, "queries", row)
    except CallsError:
        return None


def _part(axis: Axis | None, call: Call, side: str) -> Axis | None:
    """Return the part of a text that a step of a generation sees; None where the axis is another's."""
    length, keys = call.shape[SIDES[side]], call.shape[-1]
    if axis is None or axis.length == length:
        return axis
    return _first(axis, call.first_key + (keys - length if side == "queries" else 0), length)


def _first(axis: Axis, begin: int, length: int) -> Axis | None:
    return part_of(axis, range(begin, begin + length)) if begin + length <= axis.length else None


def _made(shown: Any, options: Options, stated: Any = None, **more: Any) -> Subject:
    is_array = all(hasattr(shown, name) for name in ("dtype", "ndim", "shape"))  # its rows are copied alone
    found = shown if is_array else as_floats(shown, "map")
    found = found[None] if found.ndim == 1 else found
    if not 2 <= found.ndim <= 4 or 0 in found.shape:
        raise ShapeError(f"map has shape {tuple(found.shape)}, axes (batch, head, query, key) are wanted")
    if found.ndim == 4 and not 0 <= options.batch < len(found):
        raise ShapeError(f"batch={options.batch} was asked for, but the map has {len(found)} rows of it")
    sides = {side: _axis(side, found, options, stated or {}) for side in SIDES}
    more = {"image": options.image, "facts": Facts(_which(found.shape, options))} | more
    if options.image is not None and not any(_is_picture(axis) for axis in sides.values()):
        raise OptionError("image= was given, but the tokens have no grid: give axis=[Grid(rows, columns)]")
    return Subject(found, sides["queries"], sides["keys"], batch=options.batch, head=options.head, **more)


def _axis(side: str, found: Any, options: Options, stated: Mapping[str, Axis | None]) -> Axis:
    length = int(found.shape[SIDES[side]])
    given = getattr(options, side) if getattr(options, side) is not None else options.axis
    if given is None:
        return stated.get(side) or Axis((Unknown(length),))
    axis = as_axis(given)
    if found.shape[-2] == 1 and side == "queries" and options.queries is None and axis.length != 1:
        return Axis((Unknown(1),))  # weights of the keys alone
    axis.check(length, f"the map has {{}} {side}")
    return axis


def _which(shape: Sequence[int], options: Options) -> dict[str, str]:
    """Return which head, and which row of the batch, of a map of this shape is drawn."""
    heads = shape[-3] if len(shape) > 2 else 1
    which = {"head": f"head {options.head} of {heads}"} if heads > 1 else {}
    if options.head == "mean" and len(shape) > 2:
        which["head"] = f"mean of {heads} heads"
    if len(shape) == 4 and shape[0] > 1:
        which["row"] = f"row {options.batch} of the batch"
    return which


def numbered(run: Run, call: Call) -> dict[str, str]:
    """Return which of its layer's calls one is, as `Run.calls` and ``call=`` count.

    Of one alone it is its own number, as those begin anew where a run was resumed.
    """
    beside = run.calls(call.path)
    number = sum(one.order < call.order for one in beside) if len(beside) > 1 else call.number
    return {"call": f"call {number}"} if number or len(beside) > 1 else {}


def _origin(run: Run, calls: Sequence[Call], options: Options) -> dict[str, str]:
    """Return what a caption says of where a map is from, by what it is."""
    first, several = calls[0], len(calls) > 1
    origin = {"layer": layer_name(first.path), "head": f"head 0 of {first.shape[-3]}"}
    origin |= _which(first.shape, options)
    if several:
        number = (
            f", number {first.sequence}" if len({one.sequence for one in run.calls(first.path)}) > 1 else ""
        )
        origin["call"] = f"{len(calls)} calls as one sequence{number}"
    else:
        origin |= numbered(run, first)
    if first.item is not None:
        origin["item"] = f"item {first.item}"
    return origin


def _is_picture(axis: Axis) -> bool:
    return any(hasattr(one, "cells") or isinstance(one, Windows) for one in axis.segments)
