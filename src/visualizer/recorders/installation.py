"""The one installation of a process: it comes with the first listener and goes with the last."""

from __future__ import annotations

import itertools
import threading
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, Protocol

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import _disable_current_modes

from visualizer.attention import reading
from visualizer.attention.tensors import times_written
from visualizer.recorders.candidates import Candidate, FormedMap
from visualizer.recorders.dispatcher import Following
from visualizer.recorders.flex import FlexCalls
from visualizer.recorders.formed import FormedMaps
from visualizer.recorders.fused import FusedCall, FusedCalls
from visualizer.recorders.native import NativeAttention
from visualizer.recorders.nested import each_sequence
from visualizer.recorders.places import Place, find_place
from visualizer.recorders.provenance import storage_address
from visualizer.recorders.third_party import ThirdPartyCalls
from visualizer.recorders.uses import Use
from visualizer.recorders.writes import counting_writes


class Found(NamedTuple):
    """One attention call, as a recorder found it."""

    number: int
    place: Place
    what: FusedCall | FormedMap


class Listener(Protocol):
    """What a session is to the recorders."""

    @property
    def modules(self) -> Mapping[int, Any]:
        """The modules whose calls are meant, by identity."""

    @property
    def owner(self) -> int:
        """The thread that runs the model."""

    @property
    def wants_gradients(self) -> bool:
        """Whether the graph should reach every map."""

    def hear(self, found: Found) -> None:
        """Take a call; whether it is of one of `modules` is to be seen."""

    def left(self, candidate: Candidate) -> None:
        """Take a softmax that was no map; whether it is of one of `modules` is to be seen."""

    def failed(self, error: Exception) -> None:
        """Take an error of recording, to be raised when the model is through."""


_UNKNOWN = -1  # the version of no tensor


class Installation:
    """The recorders, and who listens to them."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()
        self._following: Following | None = None
        self._numbers = itertools.count()
        self._known: Mapping[int, Any] = {}
        self._parameters: dict[int | None, int | None] = {}
        self._storages: list[StorageWeakRef] = []
        self._native = NativeAttention()
        self._formed = FormedMaps(self, self._native)
        self._fused = FusedCalls(self)
        self._flex = FlexCalls(self)
        self._third_party = ThirdPartyCalls(self)

    def join(self, listener: Listener) -> None:
        """Add a listener; the first one has everything installed."""
        with self._lock:
            self._listeners = [*self._listeners, listener]
            self.collect()
            if self._following is None:
                self._following = Following(self.failed, self._close_unless_joined)
                for recorder in (self._fused, self._native, self._formed, self._third_party):
                    recorder.install(self._following)
            if len(self._listeners) == 1:
                self._following.idle = False
                self._flex.open()

    def leave(self, listener: Listener) -> None:
        """Remove a listener; the last one has everything removed."""
        with self._lock:
            for candidate in self._formed.undecided:
                listener.left(candidate)
            was_last = self._listeners == [listener]
            self._listeners = [other for other in self._listeners if other is not listener]
            if was_last and self._following is not None:
                self._flex.close()
                self._formed.forget()
                self._following.idle = True
                if not self._following.is_busy:
                    self._close()
            self.collect()

    def _close_unless_joined(self) -> None:
        if not self._lock.acquire(blocking=False):  # somebody joins
            return
        try:
            if not self._listeners and self._following is not None:
                self._close()
        finally:
            self._lock.release()

    def _close(self) -> None:
        assert self._following is not None
        following, self._following = self._following, None
        following.close()

    def collect(self) -> None:
        """Collect the modules that are meant, and their parameters."""
        with self._lock:
            of_listeners: list[Any] = [listener.modules for listener in self._listeners]
            self._known = of_listeners[0] if len(of_listeners) == 1 else ChainMap(*of_listeners)
            modules = {id(m): m for some in of_listeners for m in some.values()}
            buffers = [one for module in modules.values() for one in _own(module._buffers)]  # noqa: SLF001
            parameters = [one for module in modules.values() for one in _own(module._parameters)]  # noqa: SLF001
            known = {storage_address(one): times_written(one) for one in buffers}
            self._parameters = {**known, **{storage_address(one): None for one in parameters}}
            # held weakly: where a parameter is replaced, nothing else takes its address
            weakly: Any = StorageWeakRef
            self._storages = [weakly(one.untyped_storage()) for one in (*buffers, *parameters)]

    def is_parameter(self, tensor: Any) -> bool:
        """Tell whether a tensor is a parameter or a buffer of a model, or a view of one.

        A buffer that was written into since recording began is a cache of what the model computed.
        """
        if type(tensor) is not torch.Tensor and isinstance(tensor, torch.nn.Parameter):
            return True
        version = self._parameters.get(storage_address(tensor) or 0, _UNKNOWN)
        if version == _UNKNOWN:
            return tensor._is_view() and isinstance(tensor._base, torch.nn.Parameter)  # noqa: SLF001
        return version is None or version == times_written(tensor)

    @property
    def wants_gradients(self) -> bool:
        """Whether a listener wants the graph to reach every map."""
        return any(listener.wants_gradients for listener in self._listeners)

    def next_number(self) -> int:
        """Return the running call's number in the order of all calls."""
        return next(self._numbers)

    def place(self) -> Place:
        """Return where the running call was made."""
        return find_place(self._known, self._listeners[-1].owner if self._listeners else None)

    def found_fused(self, call: FusedCall) -> None:
        """Take a fused call."""
        calls = each_sequence(call, gradients=self.wants_gradients)
        self._tell(lambda: [Found(self.next_number(), self.place(), one) for one in calls])

    def found_formed(self, candidate: Candidate, use: Use | None) -> None:
        """Take a candidate that has turned out to be a map, and the product that showed it."""
        self._tell(lambda: [Found(candidate.number, candidate.place, candidate.take(use))])

    def left_formed(self, candidate: Candidate) -> None:
        """Take a candidate that has turned out to be no map."""
        for listener in self._listeners:
            listener.left(candidate)

    def failed(self, error: Exception) -> None:
        """Take an error of recording."""
        for listener in self._listeners:
            listener.failed(error)

    def _tell(self, make: Callable[[], list[Found]]) -> None:
        """Tell every listener; what goes wrong here must not reach the model."""
        if not self._listeners:
            return
        with reading(), outside_modes(), torch.no_grad(), counting_writes():
            try:
                found = make()
            except Exception as error:  # noqa: BLE001
                self.failed(error)
                return
            for listener in self._listeners:
                try:
                    for one in found:
                        listener.hear(one)
                except Exception as error:  # noqa: BLE001
                    listener.failed(error)


def _own(held: Mapping[str, torch.Tensor | None]) -> list[torch.Tensor]:
    """Return a module's own tensors, without names, that have a storage."""
    return [one for one in held.values() if one is not None and storage_address(one) is not None]


@contextmanager
def outside_modes() -> Iterator[None]:
    """Keep what is read unseen by the user's modes: what they trace or count is the model.

    What is held is no tensor of inference mode either: a generation may go on outside of it.
    """
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch._C.DisableTorchFunction())  # noqa: SLF001
        if torch._C._len_torch_dispatch_stack():  # noqa: SLF001
            stack.enter_context(_disable_current_modes())
        yield


INSTALLATION = Installation()
