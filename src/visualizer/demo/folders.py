"""The folder that pictures go into: there and writable before work is done, gone if nothing came of it."""

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


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # it holds pictures
        folder.rmdir()
