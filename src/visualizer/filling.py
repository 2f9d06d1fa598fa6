"""Filling a run: from what a recorder found to a call of the run, as the options ask."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from visualizer.allowance import Allowance
from visualizer.attention import AttentionMap
from visualizer.calls import Call
from visualizer.explaining import NO_QUERY, SECOND_RUN, Seen
from visualizer.inferring import Inference
from visualizer.making import arguments_of, facts_of, hash_values, hash_weights
from visualizer.named_readouts import read_out
from visualizer.options import Options
from visualizer.recorders.candidates import FormedMap
from visualizer.recorders.checks import compare_rows
from visualizer.recorders.fused import FusedCall
from visualizer.recorders.holding import Holder
from visualizer.recorders.installation import Found
from visualizer.recorders.maps import Made, formed_map, fused_map
from visualizer.recorders.merged import with_heads
from visualizer.recorders.places import Place
from visualizer.recorders.readable import is_captured
from visualizer.recorders.spread import is_planned, is_spread, split_axes
from visualizer.recorders.traced import trace
from visualizer.run import Run

if TYPE_CHECKING:
    from visualizer.store import Stream


class Filling:
    """Fills one run.

    Parameters
    ----------
    run
        What is filled.
    modules, paths
        The model's modules and their paths, by identity.
    options
        What is wanted.
    seen
        What is seen and not recorded.
    """

    def __init__(
        self,
        run: Run,
        modules: Mapping[int, Any],
        paths: Mapping[int, list[str]],
        options: Options,
        seen: Seen,
    ) -> None:
        self.seen = seen
        self._run, self._modules, self._paths, self._options = run, modules, paths, options
        self._holder = Holder(options.device, options.dtype)
        self._counts: Counter[tuple[int, str]] = Counter()  # by module and local; "" for maps
        self.inference = Inference(modules, paths, lambda module: self._counts[module, ""])
        self.allowance = Allowance(options.bytes_allowed(), self._holder, seen)
        self._forwards: Counter[Any] = Counter()  # of each item
        self._sequences: Counter[str] = Counter()  # of each path, before this session
        self._stream: Stream | None = None
        self._lock = threading.RLock()  # a model may run on several threads at once

    def begin(self, model: Any) -> None:
        """Begin, or go on; where there is a path, with what is written there."""
        self._run.provenance = facts_of(model)
        if model is not None:
            self._run.weights = partial(_weights_of, weakref.ref(model))
        if self._options.path is None:
            return
        from visualizer.store import Stream, Written

        if model is not None:
            self._run.provenance["weights"] = hash_weights(model)
        resume = self._options.resume or self._stream is not None  # a session that was stopped goes on
        stream = Stream(
            self._options.path,
            resume=resume,
            inputs=self._options.inputs,
            limit=self._options.bytes_allowed(),
        )
        try:
            self._go_on(stream.calls())
        except BaseException:
            stream.abandon()
            raise
        self._stream = stream
        self._run.hold(Written(stream))
        about = dict(self._run.provenance)
        stream.tell(lambda writer: writer.tell("provenance", about))

    def _go_on(self, calls: Sequence[Call]) -> None:
        """Count on from the calls that are there."""
        modules = {path: module for module, paths in self._paths.items() for path in paths}
        for call in calls:
            local = call.how.split("`")[1] if call.how.startswith("local `") else ""
            key = modules.get(call.path, 0), local
            self._counts[key] = max(self._counts[key], call.number + 1)
            self._forwards[_key(call.item)] = max(self._forwards[_key(call.item)], call.step + 1)
            self._sequences[call.path] = max(self._sequences[call.path], call.sequence + 1)

    def end(self) -> None:
        """Bring the calls into their order; where there is a path, when all are written."""
        if self._stream is None:
            self._run.sort()
            return
        self._run.hold(self._stream.close(self._run, inputs=self._options.inputs) or [])

    def problem(self) -> Exception | None:
        """Return why something was not written, once."""
        return None if self._stream is None else self._stream.problem()

    def take(self, found: Found) -> None:
        """Take an attention call that a recorder found."""
        with self._lock:
            self._take(found)

    def _take(self, found: Found) -> None:
        what = found.what
        if why := _refusal(what):
            if not is_planned():
                self.seen.refused[why] += 1
            return
        if found.place.module not in self._modules:
            self.seen.elsewhere += 1
            return
        module = self._module_of(found)
        if (wanted := self._wanted_number(module)) is None:
            return
        owner = self._modules[module]
        if isinstance(what, FusedCall):
            what = with_heads(what, owner)
        device = self.allowance.device_of(what.output if isinstance(what, FusedCall) else what.value)
        error = None
        if isinstance(what, FusedCall):
            how = what.kernel
            made = fused_map(what, owner, self._holder, self._options)
            error = compare_rows(what, self._options.dtype) if self._options.check else None
            if self._options.values and not what.dropout and self._options.queries is None:
                made = made._replace(output=self._holder.hold(what.output))
        else:
            how = f"{what.how} in {found.place.function}, line {found.place.line}"
            made = formed_map(what, owner, self._holder, self._options)
        if isinstance(what, FusedCall) and is_spread(what.known):
            made = made._replace(split=split_axes(what.known))
        if self._options.gradients:
            made = made._replace(traced=trace(what, module, made.value))
        if self._options.queries is not None and not made.content.shape[-2]:
            self.seen.left_out[NO_QUERY] += 1
            return
        made = made._replace(device=device, number=wanted, error=error)
        self._add(found.number, found.place._replace(module=module), made, how)

    def take_local(self, name: str, value: Any, function: str, place: Place, number: int) -> None:
        """Take the last value of a local of a module's forward."""
        module = place.module
        if module is None or _is_second_run():
            return
        with self._lock:
            if (wanted := self._wanted_number(module, name)) is not None:
                if isinstance(value, torch.Tensor):
                    self.allowance.device_of(value)
                value = self._holder.copied(value)
                made = Made(value, device=getattr(value, "device", None), number=wanted)
                self._add(number, place, made, f"local `{name}` of {function}")

    def begin_forward(self, frame: FrameType) -> None:
        """Count a forward of the model to the item that is current."""
        self.inference.begin(frame.f_locals)
        item = self._run.items.current.id
        self._forwards[_key(item)] += 1
        if self._stream is not None:
            given, step = arguments_of(frame), self._forwards[_key(item)] - 1
            values = given if self._options.inputs else {}
            about = {"item": item, "step": step}
            self._stream.tell(
                lambda writer: writer.tell("forward", {**about, "hash": hash_values(given), "values": values})
            )

    def begin_modules(self, modules: Iterable[int]) -> None:
        """Get to know modules, which may bear the identity of others before them: they count from 0."""
        with self._lock:
            new = list(modules)
            for module in new:
                self._counts.pop((module, ""), None)
            self.inference.know(new)

    def forget(self) -> None:
        """Let go of what only further calls would need."""
        self._holder.forget()

    def _module_of(self, found: Found) -> int:
        """Return the module of a call: what an encoder layer does in one operator is its attention's."""
        module = found.place.module
        assert module is not None
        inner = getattr(self._modules[module], "self_attn", None)
        native = not isinstance(found.what, FusedCall) and "native" in found.what.how
        return id(inner) if native and id(inner) in self._modules else module

    def _wanted_number(self, module: int, local: str = "") -> int | None:
        """Count a call of a module, or a local of it, and return its number; None where it is left out."""
        owner = self._modules[module]
        if not any(self._options.wants(path, owner) for path in self._paths[module]):
            self.seen.left_out["modules="] += 1
            return None
        number = self._counts[module, local]
        self._counts[module, local] += 1
        if not self._options.wants_number(number):
            self.seen.left_out["every= or first="] += 1
            return None
        if self.allowance.stopped is not None:
            self.seen.left_out["budget="] += 1
            return None
        if self._stream is not None and self._stream.failed is not None:
            self.seen.left_out["path=, which could be written no more"] += 1
            return None
        return number

    def _add(self, number: int, place: Place, made: Made, how: str) -> None:
        module = place.module
        assert module is not None
        paths = tuple(self._paths[module])
        item, rows = self._run.items.current.id, self._run.items.current.rows
        dense = made.content.nbytes_dense if self._options.keep == "dense" else 0
        if not self.allowance.has(dense, paths[0], made.number):
            return
        inferred = self.inference.sides(module, made, self._options)
        unknown = [side for side in ("queries", "keys") if side not in inferred.axes]
        if inferred.why:
            self.seen.note_unlabelled(inferred.family, inferred.why, paths[0], unknown)
        elif unknown and isinstance(made.content, AttentionMap) and not made.levels:
            kind = type(self._modules[module]).__name__
            what = unknown[0] if inferred.axes else "tokens"
            self.seen.note_unlabelled(kind, f"nothing is known of the {what} of {kind}", paths[0], unknown)
        call = Call(
            path=paths[0],
            content=self._kept(made.content),
            number=made.number,
            order=number,
            how=how,
            step=max(self._forwards[_key(item)] - 1, 0),
            item=item,
            rows=self._rows_of(made, rows),
            thread=place.thread,
            paths=paths,
            error=made.error,
            formed=made.formed,
            sequence=made.sequence + self._sequences[paths[0]],
            first_key=made.first_key,
            note="; ".join(filter(None, [made.note or self._note(module), inferred.why])),
            traced=made.traced,
            v=made.value if self._options.values else None,
            output=made.output,
            levels=made.levels,
            split=made.split,
            axes=inferred.axes,
        )
        if self._stream is not None:
            self._stream.put(call)
        elif self.allowance.take(call, made.device):
            self._run.add(call)
            if len(self._run) == 1:
                self.allowance.foresee(self._modules[module], self._modules.values())

    def _rows_of(self, made: Made, rows: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the ids of a call's rows; none where its batch is another, as that of windows is."""
        if not isinstance(made.content, AttentionMap):
            return rows
        leading = made.content.shape[:-3]
        if not (made.formed and leading == (1,)):  # where batch and heads may be one axis
            self._run.items.current.batches.update(leading)
        return rows if len(rows) == leading[0] else ()

    def _note(self, module: int) -> str:
        if isinstance(self._modules[module], torch.jit.ScriptModule):
            return "ran in TorchScript, which does not say which of its modules made the call"
        return ""

    def _kept(self, content: Any) -> Any:
        if self._options.keep == "dense" and isinstance(content, AttentionMap) and 0 not in content.shape:
            return content.dense(self.allowance.limit)
        readouts = self._options.readouts
        if readouts is None:
            return content
        if not isinstance(readouts, Mapping):
            return {name: read_out(content, name) for name in readouts}
        return {name: read(content) for name, read in readouts.items()}


def _weights_of(model: weakref.ref[Any]) -> str | None:
    found = model()
    return None if found is None else hash_weights(found)


def _refusal(what: FusedCall | FormedMap) -> str:
    """Say why a call cannot be recorded; "" where it can."""
    if _is_second_run():
        return SECOND_RUN
    if isinstance(what, FusedCall) and what.refused:
        return what.refused
    tensor = what.output if isinstance(what, FusedCall) else what.value
    if tensor.device.type == "meta" or type(tensor).__name__ == "FakeTensor":
        return f"their tensors have no numbers (on {tensor.device.type}): run the model on real ones"
    if is_captured(tensor):
        return "a CUDA graph was being captured, which has no numbers yet: record the model without graphs"
    return ""


class _Itself:
    """An item that has no hash, as a key: it is held, so that no other takes its identity."""

    def __init__(self, item: Any) -> None:
        self._item = item

    def __hash__(self) -> int:
        return id(self._item)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self._item is other._item


def _key(item: Any) -> Any:
    try:
        hash(item)
    except TypeError:
        return _Itself(item)
    return item


def _is_second_run() -> bool:
    return bool(torch._C._current_graph_task_id() != -1)  # noqa: SLF001
