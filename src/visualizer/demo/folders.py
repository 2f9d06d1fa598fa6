"""Where files go: a folder that can be written into, gone if nothing came of it; files that are whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from visualizer.errors import VisualizerError


@contextmanager
def open_folder(folder: Path) -> Iterator[None]:
    """Make a folder, unless it is there; in the end remove what was made of it and is empty.

    Raises
    ------
    VisualizerError
        If it cannot be made, or not be written into.

    Examples
    --------
    >>> with open_folder(Path("pictures/of/today")):
    ...     Path("pictures/of/today").is_dir()
    True
    >>> Path("pictures").exists()
    False
    """
    with ExitStack() as stack:
        try:
            for path in (*reversed(folder.parents), folder):
                if not path.exists():
                    path.mkdir()
                    stack.callback(_remove_if_empty, path)
            with TemporaryFile(
                dir=folder
            ):  # says more than the folder's mode: disks can be full or read-only
                pass
        except OSError as error:
            message = f"The pictures cannot go into {folder}: {error.strerror or error}"
            raise VisualizerError(f"{message}. Name another folder with --out") from None
        yield


@contextmanager
def whole_file(path: Path, what: str) -> Iterator[Path]:
    """Give a path to write to, from which the file comes to its own place when it is whole, or not at all.

    Raises
    ------
    VisualizerError
        If it cannot be written; ``what`` begins the sentence.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        raise VisualizerError(f"{what} {path} cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # it holds pictures
        folder.rmdir()
