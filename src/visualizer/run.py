"""A run: what was recorded of a model, call by call, in the order of execution."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from visualizer.axes import Axis
from visualizer.calls import Call, join_steps
from visualizer.comparing import largest_errors
from visualizer.errors import CallsError, OptionError, VisualizerError
from visualizer.escaping import visible
from visualizer.images import Looked, numbered_image, opened, pixels_in, seen_images
from visualizer.items import Item, Items
from visualizer.labels import Labels, noted, paths_of, stated_axes
from visualizer.readout_table import Read, Table, readout_table
from visualizer.recorded import Recorded
from visualizer.tables import calls_table

if TYPE_CHECKING:
    from visualizer.attention import AttentionMap


class Run(Recorded):
    """The calls that were recorded, in the order of execution.

    `run["blocks.3.attn"]` is the one map of a module; a pattern (``*``, ``?``, ``[…]``) gives a smaller run;
    an int gives a `Call`. `calls(path)` gives all calls of a module.

    Raises
    ------
    CallsError
        From `run[path]` where nothing, or more than one call, was recorded under the path.
    """

    def __init__(self, calls: Sequence[Call] = (), *, empty: Callable[[], str] | None = None) -> None:
        super().__init__(calls, empty=empty)
        self.modules: Mapping[int, Any] = {}  # of the model, by identity, where gradients need them
        self.told: Callable[[Callable[[str, str], bool]], Sequence[str]] = lambda is_stated: ()  # noqa: ARG005
        self.labels = Labels()  # what its tokens are
        self._image: Any = None
        self.seen: Looked | None = None  # how it is shown, and which part of it was looked at
        self.provenance: dict[str, Any] = {}  # what made it, by name
        self.stored_at: str | None = None  # what it was loaded from
        self.weights: Callable[[], str | None] = lambda: None  # a hash of the model's, while it lives
        self.inputs: Sequence[Any] = ()  # of each forward, where they were stored
        self._is_copy = False
        self.items = Items()  # that are running

    @property
    def image(self) -> Any:
        """What was looked at, where it was given; a list of several or of frames, of several videos lists."""
        return self._image

    @image.setter
    def image(self, image: Any) -> None:
        self._image, self.seen = opened(image), None

    def look_at(self, seen: Looked) -> None:
        """Take what was looked at, and which part of it."""
        self.image = pixels_in(seen)
        self.seen = seen

    @contextmanager
    def item(self, id: Any, rows: Iterable[Any] = ()) -> Iterator[None]:  # noqa: A002  # the word for what it is
        """Give the calls made in a block an id, and each row of their batch one of its own.

        Blocks nest: after an inner one the steps of the outer one go on. Each thread has its own.

        Raises
        ------
        OptionError
            If ``rows`` is no list, or, on leaving the block, if no call in it has a batch of as many rows.

        Examples
        --------
        >>> run = Run()
        >>> with run.item("picture-7", rows=["left", "right"]):
        ...     print(run.items.current.id, run.items.current.rows)
        picture-7 ('left', 'right')
        """
        if isinstance(rows, str) or not isinstance(rows, Iterable):
            raise OptionError(f"rows={rows!r} was asked for; give a list with an id for each row of a batch")
        with self.items.within(item := Item(id, tuple(rows))):
            yield
            _check_rows(item)

    def table(self, read: Read | Sequence[str] | Mapping[str, Read], **options: Any) -> Table:
        """Return one row for each call, batch row and head: a read-out's mean over its queries or keys.

        `run.table("mass", groups={"answer": slice(3, 5)})` has a column for each group; a list of names, or a
        dictionary of them and of functions of a map, a column for each. `sort` orders by one,
        `mean(by="head")` averages, and `pandas.DataFrame(run.table("entropy"))` goes on from there.

        Raises
        ------
        OptionError
            If there is no such read-out, its options are wrong, or a column would have the name of another.

        Examples
        --------
        >>> import numpy, visualizer
        >>> run = visualizer.from_arrays({"layer.0": numpy.full((1, 2, 4, 4), 0.25)})
        >>> run.table({"entropy": "entropy", "on the first": lambda a: a.numpy()[..., 0]})
           path  call  item  batch  head  entropy  on the first
        layer.0     0  None      0     0    1.386          0.25
        layer.0     0  None      0     1    1.386          0.25
        """
        return readout_table(self._calls, read, **options)

    def metrics(self, measures: Sequence[str] | None = None, *, path: str = "*") -> Table:
        """Return what every head does: one row for each call, batch row and head, a column for each measure.

        Entropy, distance, the weight on the token itself, the one before, the first, special tokens and more:
        `visualizer.analysis.metrics` lists them with their units. NaN where a measure has no meaning.

        Parameters
        ----------
        measures
            Only these columns; all unless given.
        path
            Only modules that this path or pattern names.

        Raises
        ------
        OptionError
            If there is no such measure.
        CallsError
            If no call was recorded under the path, or read-outs were kept in the place of maps.

        Examples
        --------
        >>> import numpy, visualizer
        >>> run = visualizer.from_arrays({"layer.0": numpy.eye(4)[None]})
        >>> run.metrics(["entropy", "diagonal"])
           path  call  item  batch  head  entropy  diagonal
        layer.0     0  None      0     0        0         1
        """
        from visualizer.analysis import metrics

        calls = self.some_calls(path) if self._calls else []
        return metrics(self, calls, measures)

    def label(  # noqa: PLR0913  # each thing that can be said is a keyword
        self,
        tokens: Sequence[str] | None = None,
        *,
        tokenizer: Any = None,
        processor: Any = None,
        input_ids: Any = None,
        axis: Any = None,
        queries: Any = None,
        keys: Any = None,
        windows: Any = None,
        grid: Any = None,
        image: Any = None,
        mean: Any = None,
        std: Any = None,
        crop: Any = None,
    ) -> Run:
        """Say what the tokens are, or which image was looked at; return the run.

        Either their texts, or a tokenizer and the ids of one text; or, for all maps or for the modules that a
        path or pattern in the place of ``tokens`` names, which axes they have, checked at once.

        Parameters
        ----------
        tokens
            The text of each token; the path or pattern.
        tokenizer, processor, input_ids
            What reads the ids that were recorded, or that are given; a processor has a tokenizer.
        axis, queries, keys
            What both sides of the maps, or one, are: an `Axis`, a segment, or a list of segments or of texts.
        windows, grid
            For windowed attention ``windows=dict(size=7, shift="alternate"), grid=(56, 56)``, the grid of the
            first call's feature map; that of later stages is told by their maps.
        image, mean, std, crop
            The image, from then on `Run.image` as uint8: a PIL image, a file's name, an array, or the tensor
            that the model was given, which ``mean`` and ``std`` normalised; ``crop=(left, top, width,
            height)`` where the model was given a part of it alone; or a list of images; or a video (frame,
            height, width, channel) or volume (slice, height, width, 1), kept as the list of its pictures; or
            several of these, one for each row of the batch.
            `Run.place` says where a token lies.

        Raises
        ------
        ShapeError
            If an axis has another length than a map; the message shows the arithmetic.
        CallsError
            If no call was recorded under the path.
        OptionError
            If nothing is stated, or things that exclude one another.

        Examples
        --------
        >>> import numpy, visualizer
        >>> from visualizer.axes import Grid, Special
        >>> run = visualizer.from_arrays({"layer.0": numpy.full((5, 5), 0.2)})
        >>> run.label(axis=[Special("CLS"), Grid(2, 2)]).where(cell=(1, 0))
        slice(3, 4, None)
        """
        tokenizer = processor if tokenizer is None else tokenizer
        axes = {"axis": axis, "queries": queries, "keys": keys, "windows": windows, "grid": grid}
        if image is not None:
            self.look_at(seen_images(image, mean, std, crop))
        elif any(one is not None for one in (mean, std, crop)):
            raise OptionError("mean=, std= or crop= were given without image=")
        says_nothing = all(one is None for one in axes.values())
        if image is not None and says_nothing and tokens is None and tokenizer is None:
            return self
        if says_nothing:
            self.labels = self.labels.with_text(self._calls, tokens, tokenizer, input_ids)
            return self
        if not isinstance(tokens, str | None) or tokenizer is not None:
            raise OptionError("tokens were given beside axes; give one of them")
        calls = self._calls if tokens is None else self.some_calls(tokens, "to be labelled")
        self.labels = self.labels.with_axes(calls, stated_axes(calls, tokens, axes))
        return self

    def axis(self, path: str | Call | None = None, of: str = "keys", row: int | None = None) -> Axis:
        """Return what the ``"keys"`` or ``"queries"`` of a module's maps are; without a path, of all maps.

        As it was stated by `label`, or as it was inferred while recording. Where calls continue one sequence,
        it is that of all of them, as `stitched` has it; a call in the place of the path has its own. Where
        the rows of a batch have axes of their own, such as texts, ``row`` says which.

        Raises
        ------
        CallsError
            If no call was recorded under the path, or its maps have no axis, or several.
        ShapeError
            If the batch has no such row.
        """
        if isinstance(path, Call):
            return self.labels.shared([path], of, row)
        if path is not None:
            return self.labels.shared(self.some_calls(path), of, row)
        whole = self.labels.of(None, of)
        return whole or self.labels.shared(
            [one for one in self if self.labels.knows(one, of)] or list(self), of, row
        )

    def where(
        self,
        text: str | None = None,
        nth: Any = None,
        *,
        path: str | Call | None = None,
        of: str = "keys",
        row: int | None = None,
        **other: Any,
    ) -> Any:
        """Return which tokens a piece of text lies in; taken wherever queries, keys or groups are.

        `where(special="CLS")`, `where(cell=(row, column))` and `where(segment="grid")` look for other things,
        `path=`, `of=` and `row=` in the axis of some maps, as `axis` takes them. ``nth="all"`` gives a
        list of all.

        Raises
        ------
        CallsError
            If the run has no tokens, or what is looked for is nowhere or at several places.
        """
        if path is None and not any(self.labels.knows(call, of) for call in self) and not self.tokens:
            looked = text if text is not None else other
            raise CallsError(
                f"{looked!r} was looked for, but the run has no tokens: run.label(tokens=[...]) first"
                f"{noted(self)}"
            )
        return self.axis(path, of, row).where(text, nth, **other)

    def place(self, token: int, path: str | Call | None = None, of: str = "keys", **other: Any) -> Any:
        """Return where a token lies in the input: of patches the box (left, top, width, height).

        It is in pixels of the image that was labelled, of the whole one where the model saw a part of it;
        without one in shares. ``path``, ``of`` and ``row`` say whose token, as `axis` takes them; of windows,
        ``batch`` says which row of the batch.

        Examples
        --------
        >>> import numpy, visualizer
        >>> from visualizer.axes import Grid
        >>> run = visualizer.from_arrays({"layer.0": numpy.full((4, 4), 0.25)}).label(axis=Grid(2, 2))
        >>> run.label(image=numpy.zeros((40, 60), numpy.uint8), crop=(20, 0, 40, 40)).place(3)
        (40.0, 20.0, 20.0, 20.0)
        """
        axis = self.axis(path, of, other.get("row"))
        batch = other.get("batch", other.get("row") or 0)
        found = axis.place(token, batch=batch)
        if self.seen is None or found is None or len(found) != 4:
            return found
        number = getattr(axis.segment_of(token)[0], "image", 0)
        return numbered_image(self.seen, number, axis.item(batch), axis.images).place(found)

    def check(self, *, all: bool = False) -> Table:  # noqa: A002  # the word for what it is
        """Return how each call's map, times v, compares with its own output, relative to the largest number.

        By default the few rows that were compared while recording. That they agree is necessary, not
        sufficient: different maps can give the same output.

        Parameters
        ----------
        all
            Compare every row now; needs ``capture(model, values=True)``.

        Raises
        ------
        CallsError
            If all rows are to be compared, but of no call they can be.
        """
        if all and not self._calls:
            raise CallsError(f"all rows were to be compared, but the run is empty: {self.why_empty()}")
        errors = largest_errors(self._calls) if all else [call.error for call in self._calls]
        return Table(
            {"path": call.path, "call": call.number, "error": float(error)}
            for call, error in zip(self._calls, errors, strict=True)
            if error is not None
        )

    def gradients(self, scalar: Any) -> Run:
        """Return the gradients of a scalar with respect to every map, lazy, under the calls' own paths.

        Needs ``capture(model, gradients=True)``. Works with frozen weights and with checkpointing, touches no
        ``.grad`` and keeps the graph. For a fused call dL/dA = dL/dO vᵀ (O = A v), held as its two factors.

        Raises
        ------
        VisualizerError
            If the run was recorded without gradients, without a graph or with dropout, if it is empty or a
            copy, or if the scalar does not depend on its calls, or has lost its graph.
        """
        from visualizer.differentiating import gradients_of

        if not self._calls:
            raise CallsError(f"gradients were asked for, but the run is empty: {self.why_empty()}")
        if self._is_copy:
            raise VisualizerError("gradients were asked for of a copy, which has no graph: ask the run")
        return self._part(gradients_of(self._calls, scalar, self.modules))

    def gather(self, group: Any = None) -> Run:
        """Return the run of a tensor-parallel model with the heads of all ranks, in the order of the ranks.

        A collective: every rank of the process group calls it, and each gets all heads.

        Raises
        ------
        VisualizerError
            If no processes have been joined.
        CallsError
            If the ranks hold different calls, or read-outs in the place of maps.
        """
        from visualizer.parallel import gathered

        return self._part(gathered(self._calls, group))

    def stitched(self, path: str, sequence: int | None = None) -> AttentionMap:
        """Return the calls of a module that continue one sequence as one map over the whole of it.

        Rows are the steps' queries in order, columns the positions of the sequence; keys that a step did not
        have, still to come or evicted, have weight 0. Beams are not joined.

        Parameters
        ----------
        path
            The module's path.
        sequence
            Which of several sequences, as `Call.sequence` numbers them; left out where there is one.

        Raises
        ------
        CallsError
            If no call was recorded under the path, calls of several modules, of several sequences, or none of
            this one.
        """
        calls = self.some_calls(path, "to be stitched")
        if len(paths := paths_of(calls)) > 1:
            raise CallsError(
                f"{path!r} was to be stitched, but it names {len(paths)} modules: give the path of one, such "
                f"as {paths[0]!r}"
            )
        numbers = sorted({call.sequence for call in calls})
        if sequence is None and len(numbers) > 1:
            raise CallsError(
                f"{path!r} was to be stitched, but its calls belong to {len(numbers)} sequences: "
                f"give sequence= one of {numbers}"
            )
        if sequence is not None and sequence not in numbers:
            raise CallsError(
                f"sequence {sequence!r} of {path!r} was to be stitched, but its calls belong to {numbers}"
            )
        wanted = numbers[0] if sequence is None else sequence
        return join_steps([call for call in calls if call.sequence == wanted])

    def save(self, path: str | os.PathLike[str], *, inputs: bool = False) -> None:
        """Write the run to a path that is free, as Zarr: `viz.load` reads it, without torch too.

        Maps are stored as what they are held as, each number bit for bit, what calls share once.

        Parameters
        ----------
        path
            A folder, a URL of fsspec, or a name that ends with ``.zip`` for one file.
        inputs
            Store the input too: the image and the texts of the axes. What tokens are is stored in any case.

        Raises
        ------
        StoreError
            If the path is taken or cannot be written, or something recorded cannot be stored.
        MissingExtraError
            If zarr is not installed, or this is Python 3.10.
        """
        from visualizer.store import save_run

        save_run(self, path, inputs=inputs)

    def show(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Any:
        """Show the run: in a notebook as a widget, else from a server in a browser, until Ctrl-C.

        On a machine without a screen nothing is opened: a file is written, to ``path`` or among temporary
        ones, and what is printed says where it is, and how to look at the run from elsewhere. ``options`` are
        those of `to_html`. In a session of Python the server goes on, and is returned.

        Raises
        ------
        MissingExtraError
            If the extra ``viewer`` is not installed, which a file does without.
        OptionError
            If the run holds no map, or an option is not as it is to be.
        """
        from visualizer.viewer.showing import show

        return show(self, path, **options)

    def to_html(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Write one HTML file that shows the run in any browser, without a network.

        It holds factors, not maps: the page computes rows to 1e-3. ``max_mb=25`` is what it may take;
        ``modules=``, a path or pattern or a list of them, and ``heads=``, a list, choose what goes in, and
        so does ``queries=``, an int, a slice or what `where` finds: of a long text few rows are enough.

        Raises
        ------
        CallsError
            If no call was recorded under a path.
        OptionError
            If the run holds no map, no map has such a query, or an option is not as it is to be.
        """
        from visualizer.viewer.html import to_html

        to_html(self, path, **options)

    def to_xarray(self) -> Any:
        """Return the maps as an `xarray.Dataset`, a variable for each module; all of them are formed.

        Axes are "<path>.batch", "<path>.head", "<path>.query", "<path>.key", and "<path>.call" before them
        where there are several; coordinates are places, and what the tokens are where axes say so.

        Raises
        ------
        CallsError
            If a module's maps differ in shape, or read-outs were kept.
        MissingExtraError
            If xarray is not installed.
        """
        from visualizer.store import run_to_xarray

        return run_to_xarray(self)

    def remarks(self) -> list[str]:
        """Return what the repr says below the table: what was seen, and of which tokens nothing is known."""
        return list(self.told(self.labels.states))

    @property
    def tokens(self) -> list[str]:
        """What each token of an axis that was stated for all maps is, in words: of text, its text."""
        whole = self.labels.of(None, "keys")
        return [] if whole is None else list(whole.names)

    def _part(self, calls: Sequence[Call]) -> Run:
        part = Run(calls, empty=lambda: "no call matches")
        part.labels, part.image, part.seen = self.labels, self.image, self.seen
        part.provenance, part.stored_at = self.provenance, self.stored_at
        part.modules, part._is_copy = self.modules, self._is_copy
        return part

    def __deepcopy__(self, memo: dict[int, Any]) -> Run:
        copied = Run(copy.deepcopy(self._calls, memo), empty=self._why_empty)
        copied.labels, copied.provenance, copied._is_copy = self.labels, self.provenance, True
        copied.image, copied.seen = copy.deepcopy(self.image, memo), self.seen
        return copied

    def __repr__(self) -> str:
        if not self._calls:
            return f"<an empty run: {visible(self.why_empty())}>"
        return "\n".join([calls_table(self._calls, self.nbytes, self.checks), *map(visible, self.remarks())])


def _check_rows(item: Item) -> None:
    named = len(item.rows)
    if named and item.batches and named not in item.batches:
        found = ", ".join(map(str, sorted(item.batches)))
        raise OptionError(
            f"rows= named {named} rows of a batch, but the calls within the item have batches of {found}: "
            "give an id for each row"
        )
