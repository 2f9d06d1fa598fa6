"""Streaming a run to a path while the model runs: a bounded queue, and a thread that writes.

What comes within a moment is written together, at once where somebody waits for it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

from visualizer.attention import reading
from visualizer.calls import Call
from visualizer.errors import StoreError, VisualizerError
from visualizer.store.finishing import finish
from visualizer.store.needs import check_needs
from visualizer.store.reader import Reader
from visualizer.store.saving import is_zip, tell_rest
from visualizer.store.side_streams import events, wait_for
from visualizer.store.stored import StoredCalls
from visualizer.store.writer import LONGEST, Writer, unwritable

Job = Callable[[Writer], None]


class Stream:
    """Writes what it is given, in order, on a thread of its own; a model that is faster waits.

    Parameters
    ----------
    path
        Where to.
    resume
        Whether to go on with what is there.
    limit
        How many bytes may wait.

    Raises
    ------
    StoreError
        If the path is taken, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, resume: bool, inputs: bool, limit: int) -> None:
        check_needs()
        if is_zip(path):
            raise StoreError(
                f"path={os.fspath(path)!r} was asked for, but a zip file is written whole: give a folder, "
                "and save what visualizer.load returns of it afterwards"
            )
        self.path, self._limit = path, limit
        self.failed: Exception | None = None  # why nothing is written any more
        self.refused: Exception | None = None  # the first call that cannot be stored
        self._writer = Writer(path, resume=resume, inputs=inputs)
        self._jobs: deque[tuple[int, Job, list[Any]]] = deque()
        self._waiting = self._taken = 0  # bytes that are not written, and those of them that the writer has
        self._working = False  # whether the writer has something
        self._awaited = 0  # how many threads wait for it to be written
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._over = self._left = self._ended = False
        threading.Thread(target=self._run, name="visualizer store", daemon=True).start()

    def put(self, call: Call) -> None:
        """Take a call; wait while as much as may wait does."""
        size = sum(call.storages().values())
        self._put(size, lambda writer: writer.write(call))

    def tell(self, job: Job) -> None:
        """Take something else to be written."""
        self._put(0, job)

    def flush(self) -> None:
        """Wait until all is written that was taken."""
        self._await(lambda: not (self._jobs or self._working))

    def close(self, run: Any, *, inputs: bool) -> StoredCalls | None:
        """Write what is known of the whole, join the files; return the calls, None where there are none.

        Where that is interrupted, what still waits is let go of.
        """
        if not self._is_forked:
            self._end(run, inputs=inputs)
        try:
            return StoredCalls(Reader(self.path))
        except VisualizerError as error:
            self.failed = self.failed or error
            return None

    def _end(self, run: Any, *, inputs: bool) -> None:
        try:
            self.flush()
            self._stop()
            if self.failed is None:
                self._guarded(lambda writer: _finish(writer, run, inputs=inputs))
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Write no more, and let others write."""
        with self._changed:
            self._left = True  # so that the thread lets go of the lock where nobody waits for it any more
            self._jobs.clear()
        self._stop()
        self._writer.close()

    def _stop(self) -> None:
        """End the thread, and wait for it: a `Thread.join` that is interrupted takes it for ended."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended)

    def calls(self) -> StoredCalls:
        """Return the calls so far."""
        self.flush()
        return StoredCalls(Reader(self.path))

    def problem(self) -> Exception | None:
        """Return what went wrong; it is told once."""
        found, self.failed, self.refused = self.failed or self.refused, None, None
        return found

    def _put(self, size: int, job: Job) -> None:
        if self._is_forked:
            self.failed = self.failed or StoreError("a forked process cannot write the run of another")
            return
        with self._changed:
            if not self._has_room(size):
                self._await(lambda: self._has_room(size))
            if self.failed is None and not self._over:
                self._jobs.append((size, job, events()))
                self._waiting += size
                self._changed.notify_all()

    @property
    def _is_forked(self) -> bool:
        """Whether this is a copy of the process that writes: its locks may be held, and by nobody."""
        return os.getpid() != self._process

    def _has_room(self, size: int) -> bool:
        return not self._waiting or self._waiting + size <= self._limit

    def _is_dead(self) -> bool:
        return self.failed is not None or self._ended

    def _await(self, happened: Callable[[], bool]) -> None:
        """Wait for what the writing of all that was taken brings about, and have it written at once."""
        if self._is_forked:
            return
        with self._changed:
            self._awaited += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: happened() or self._is_dead())
            finally:
                self._awaited -= 1

    def _run(self) -> None:
        try:
            self._write()
        finally:
            with self._changed:
                self._ended = True
                if self._left:
                    self._writer.close()
                self._changed.notify_all()

    def _write(self) -> None:
        with reading(), _without_gradients(), ExitStack() as streams:
            while (todo := self._next()) is not None:
                for size, job, marked in todo:
                    wait_for(marked, streams)
                    self._guarded(job)
                    self._taken += size
                if not todo or self._writer.is_due or self.failed is not None:
                    self._commit()

    def _next(self) -> list[tuple[int, Job, list[Any]]] | None:
        """Wait for a job, and return it; none where what was taken is to be written, None at the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._jobs or self._over or (self._working and self._awaited),
                LONGEST if self._working else None,
            )
            if self._over and not self._jobs and not self._working:
                return None
            todo = [self._jobs.popleft()] if self._jobs else []
            self._working = self._working or bool(todo)
            return todo

    def _commit(self) -> None:
        """Write what was taken; where that cannot be done, no more is."""
        self._guarded(Writer.commit)
        with self._changed:
            self._waiting, self._working, self._taken = self._waiting - self._taken, False, 0
            if self.failed is not None:
                self._jobs.clear()
                self._waiting = 0
            self._changed.notify_all()

    def _guarded(self, job: Job) -> None:
        """Do something, and remember the first error; what cannot be stored stops nothing else."""
        try:
            job(self._writer)
        except OSError as error:
            self.failed = self.failed or unwritable(self._writer.place, error)
        except StoreError as error:
            if isinstance(error.__cause__, OSError) or "written by another" in str(error):
                self.failed = self.failed or error
            else:
                self.refused = self.refused or error
        except Exception as error:  # noqa: BLE001 - the model must go on; it is raised at the end
            self.failed = self.failed or error


class Written(Sequence[Call]):
    """The calls that a stream has taken so far: whoever looks waits until they are written."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __len__(self) -> int:
        return len(self._stream.calls())

    def __getitem__(self, index: Any) -> Any:
        return self._stream.calls()[index]


def _finish(writer: Writer, run: Any, *, inputs: bool) -> None:
    tell_rest(writer, run, inputs=inputs)
    writer.commit()
    finish(writer.place)


def _without_gradients() -> AbstractContextManager[Any]:
    torch = sys.modules.get("torch")
    context: AbstractContextManager[Any] = nullcontext() if torch is None else torch.no_grad()
    return context
