"""A user's own program, run as Python itself would."""

from __future__ import annotations

import builtins
import importlib.util
import io
import runpy
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from visualizer.errors import VisualizerError

INTERRUPTED = 130


class Program:
    """A script, or a module as ``python -m`` takes it.

    What it does last is passed on: its exit code, its exception with its own traceback, an interrupt.

    Parameters
    ----------
    name
        Path of the script, or of a folder or archive with a ``__main__.py``; or a module's name.
    arguments
        What it finds in ``sys.argv[1:]``.
    """

    def __init__(self, name: str, arguments: Sequence[str], *, is_module: bool = False) -> None:
        self._name, self._arguments, self._is_module = name, list(arguments), is_module
        self.stopped_by = ""  # the exception that ended it, by class

    def prepare(self) -> None:
        """Have ``sys.argv`` and ``sys.path`` as Python has them when it runs the program.

        Raises
        ------
        VisualizerError
            If there is no such program.
        """
        sys.argv[:] = [self._name, *self._arguments]
        path = Path(self._name)
        if self._is_module:
            _search_first(Path.cwd())
            self._check_module()
        elif not path.exists():
            raise VisualizerError(f"The script {path} is not there")
        elif path.is_dir() and not any(path.glob("__main__.py*")):
            raise VisualizerError(f"The folder {path} has no __main__.py that could be run: give a script")
        elif _has_main(path):
            sys.path.pop(0)  # the program itself will stand there
        else:
            _search_first(path.resolve().parent)

    def run(self) -> Any:
        """Run it to its end, its threads' too, and return its exit code."""
        try:
            self._run()
        except SystemExit as stopped:
            return stopped.code
        except BaseException as error:  # noqa: BLE001  # whatever ends a program
            self.stopped_by = type(error).__name__
            _show(error)
            return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
        finally:
            _wait_for_threads()
        return 0

    def _run(self) -> None:
        if self._is_module:
            runpy.run_module(self._name, run_name="__main__", alter_sys=True)
        elif _has_main(Path(self._name)):
            runpy.run_path(self._name, run_name="__main__")
        else:
            self._run_file()

    def _run_file(self) -> None:
        """Run a script as the module ``__main__``, which stays: who unpickles or runs at exit looks there."""
        main = ModuleType("__main__")
        main.__dict__.update(__file__=self._name, __builtins__=builtins, __spec__=None)
        sys.modules["__main__"] = main
        with io.open_code(str(Path(self._name).resolve())) as file:
            code = compile(file.read(), self._name, "exec", dont_inherit=True)
        exec(code, main.__dict__)

    def _check_module(self) -> None:
        try:
            found = importlib.util.find_spec(self._name)
        except (ImportError, ValueError):
            found = None
        if found is None:
            raise VisualizerError(f"There is no module {self._name}, as python -m would look for it")


def _search_first(folder: Path) -> None:
    """Have imports look into a folder in the place of the one that this program was started from."""
    if not sys.flags.safe_path:
        sys.path[0] = str(folder)


def _has_main(path: Path) -> bool:
    return path.is_dir() or path.suffix in {".zip", ".pyz"}


def _wait_for_threads() -> None:
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()


def _show(error: BaseException) -> None:
    """Show an exception as Python does, without the frames before the program's own."""
    here = {__file__, runpy.__file__, "<frozen runpy>"}
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename in here:
        traceback = traceback.tb_next
    sys.excepthook(type(error), error.with_traceback(traceback), traceback)
