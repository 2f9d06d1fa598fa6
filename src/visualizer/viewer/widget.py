"""The page in a notebook: an anywidget, with a picture for readers whose notebook runs nothing."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import anywidget
import traitlets

from visualizer.attention import Unwanted, while_wanted
from visualizer.errors import VisualizerError
from visualizer.run import Run
from visualizer.viewer.answering import answers
from visualizer.viewer.html import page_file
from visualizer.viewer.notebooks import in_kernel
from visualizer.viewer.payload import served

DPI = 80
"""Of the picture, so that a notebook that is stored stays small."""


class Widget(anywidget.AnyWidget):
    """Runs as a widget of a notebook: what a cell shows that ends with it.

    The page computes rows itself and asks the kernel for what is too large; the kernel answers from a thread
    of its own, one question after another, so that cells can run meanwhile.

    Parameters
    ----------
    runs
        One run, or two to compare.

    Raises
    ------
    OptionError
        If there are more than two runs, or they hold no map.

    Examples
    --------
    >>> import json, numpy, visualizer
    >>> widget = Widget(visualizer.from_arrays({"layer.0": numpy.eye(4)[None]}))
    >>> json.loads(widget.manifest)["maps"][0]["path"]
    'layer.0'
    """

    _esm = page_file("viewer.js")
    _css = page_file("viewer.css")
    manifest = traitlets.Unicode().tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)  # for a notebook that is opened without its kernel

    def __init__(self, runs: Run | Sequence[Run]) -> None:
        self._thread = ThreadPoolExecutor(1, "visualizer-widget")
        self._waited_for: set[str] = set()  # before what may fail: a widget that is none is closed too
        self._payload = payload = served(runs)
        super().__init__(manifest=json.dumps(payload.manifest.to_json(), allow_nan=False))
        self.on_msg(self._hear)

    def close(self) -> None:
        """Take the page away, and answer nothing more."""
        self._waited_for.clear()
        self._thread.shutdown(wait=False, cancel_futures=True)
        super().close()

    def _hear(self, _: Any, asked: Mapping[str, Any], __: Any) -> None:
        """Answer a question, or give up one that nobody waits for any more."""
        name = str(asked.get("id"))
        if asked.get("kind") == "hello":
            self.send({"id": name})  # at once: the kernel is there, whatever else it computes
            return
        if asked.get("kind") == "cancel":
            self._waited_for.discard(name)
            return
        self._waited_for.add(name)
        if in_kernel():
            self._thread.submit(self._answer, name, asked)
        else:  # others, such as marimo, hear only the thread that runs cells
            self._answer(name, asked)

    def _answer(self, name: str, asked: Mapping[str, Any]) -> None:
        if name not in self._waited_for:
            return
        try:
            with while_wanted(lambda: name in self._waited_for):
                found = answers(self._payload, asked)
            told = {"dtype": found.dtype, "shape": found.shape, "sampled": found.sampled}
            self.send({"id": name, **told}, [found.data])
        except Unwanted:
            pass
        except VisualizerError as error:
            self.send({"id": name, "error": str(error)})
        except Exception as error:  # noqa: BLE001  # whatever it is, the page must not wait for ever
            self.send({"id": name, "error": f"the kernel could not answer: {type(error).__name__}: {error}"})
        finally:
            self._waited_for.discard(name)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget, and a picture and a sentence for readers without it."""
        data, *rest = super()._repr_mimebundle_(**options) or ({}, {})
        text = f"<{self._payload.manifest.title}: attention maps, shown where this notebook runs>"
        still = {"image/png": self._still} if self._still else {}
        if still:
            self.picture = f"data:image/png;base64,{b64encode(self._still).decode()}"
        return ({**data, **still, "text/plain": text}, *rest)

    @cached_property
    def _still(self) -> bytes:
        """All heads as PNG; empty without matplotlib, and of maps that no atlas has: it is a courtesy."""
        try:
            return atlas_of(self._payload.runs[0])
        except VisualizerError:
            return b""


def atlas_of(run: Run) -> bytes:
    """Return the atlas of a run as PNG.

    Raises
    ------
    VisualizerError
        If matplotlib is not installed, or an atlas cannot be made of the run.
    """
    from visualizer.plots import atlas

    file = io.BytesIO()
    atlas(run).savefig(file, format="png", dpi=DPI)
    return file.getvalue()
