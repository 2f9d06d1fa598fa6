"""A recording of a program: it begins once the program has imported torch."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from visualizer.errors import VisualizerError
from visualizer.recorders.late import AfterImport


class Recording:
    """Records whatever models run within a block, and says at its end what was recorded.

    Parameters
    ----------
    report
        Told at the end what was recorded; None where there is no torch to record.
    options
        As `visualizer.capture` takes them.

    Raises
    ------
    VisualizerError
        On leaving the block: if the options are wrong, or recording stopped before the program did.
    """

    def __init__(self, report: Callable[[Any], None], **options: Any) -> None:
        self._report = report
        self.stopped_by = ""  # the exception that ended the program, by class
        self._options = options
        self._session: Any = None
        self._problem: VisualizerError | None = None
        self._torch = AfterImport("torch", self._begin)

    def __enter__(self) -> None:
        self._torch.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._torch.close()
        if self._problem is not None:
            raise self._problem
        if self._session is None:
            self._report(None)
            return
        self._session.seen.stopped_by = self.stopped_by
        try:
            self._session.stop()
        finally:
            self._report(self._session.run)

    def _begin(self) -> None:
        import visualizer

        try:
            self._session = visualizer.capture(**self._options)
            self._session.start()
        except VisualizerError as problem:
            self._problem = problem
            raise SystemExit(2) from problem
