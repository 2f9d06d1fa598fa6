"""What a tokenizer read of a run's ids, in a store: enough to read the same ids again without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from visualizer.axes import Axis, Ids
from visualizer.families.written import Passage
from visualizer.tokens import read_axis, special_ids

if TYPE_CHECKING:
    from visualizer.run import Run


class StoredTokenizer:
    """Reads ids as another tokenizer read them, as far as that was written down.

    Parameters
    ----------
    special
        (id, token) of the special ids among them.
    decoded
        (ids, text) of what was decoded.

    Examples
    --------
    >>> StoredTokenizer([[0, "<s>"]], [[[5, 7], " a cat"]]).decode([5, 7])
    ' a cat'
    """

    clean_up_tokenization_spaces = False

    def __init__(self, special: Sequence[Any], decoded: Sequence[Any]) -> None:
        self._special = {int(one): str(token) for one, token in special}
        self._decoded = {tuple(map(int, ids)): str(text) for ids, text in decoded}

    @property
    def all_special_ids(self) -> list[int]:
        """The ids that stand for nothing in a text."""
        return list(self._special)

    def convert_ids_to_tokens(self, one: int) -> str:
        """Return a special token."""
        return self._special[one]

    def decode(self, ids: Sequence[int], **_: Any) -> str:
        """Return what ids read; what was never read together, one by one."""
        known = self._decoded.get(tuple(ids))
        return "".join(self._decoded.get((one,), "") for one in ids) if known is None else known


class _Noting:
    """A tokenizer that writes down what it reads."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.all_special_ids = special_ids(tokenizer)
        self.special: dict[int, str] = {}
        self.decoded: dict[tuple[int, ...], str] = {}
        if hasattr(tokenizer, "clean_up_tokenization_spaces"):
            self.clean_up_tokenization_spaces = tokenizer.clean_up_tokenization_spaces

    def convert_ids_to_tokens(self, one: int) -> str:
        token = self.special[one] = str(self._tokenizer.convert_ids_to_tokens(one))
        return token

    def decode(self, ids: Sequence[int], **options: Any) -> str:
        text = self.decoded[tuple(ids)] = str(self._tokenizer.decode(ids, **options))
        return text


def read_texts(run: Run) -> Mapping[str, Any] | None:
    """Return what a run's tokenizer reads of the ids, as `StoredTokenizer` takes it; None without one."""
    if run.labels.tokenizer is None:
        return None
    noting = _Noting(run.labels.tokenizer)
    for axis in dict.fromkeys(_longest(run)):
        read_axis(axis, noting)
        ids = {one for segment in axis.segments if isinstance(segment, Ids) for one in segment.ids}
        for one in ids - noting.all_special_ids:
            read_axis(Axis((Ids([one]),)), noting)
    decoded = [[list(ids), text] for ids, text in noting.decoded.items()]
    return {"special": [list(one) for one in noting.special.items()], "decoded": decoded}


def _longest(run: Run) -> Iterator[Axis]:
    """Yield the axes of the calls' tokens, but not of those that others begin with."""
    tokens = {id(one): one for call in run for one in call.axes.values()}
    whole = [one for one in tokens.values() if isinstance(one, Passage) and not one.begin]
    begun = {id(one.before) for one in whole}
    for one in tokens.values():
        if id(getattr(one, "text", one)) not in begun:
            yield from one.rows()
