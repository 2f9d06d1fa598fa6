"""What panels share is told once, below; what a row or column shares, beside it; what is left, above each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from visualizer.plots.paths import layer_names
from visualizer.plots.telling import Facts, layer_name, shared


@dataclass(frozen=True)
class Told:
    """What stands above each panel, beside each row where there are several, and below all."""

    above: Sequence[str]
    rows: Sequence[str]
    below: Sequence[str]


def told_where(facts: Sequence[Facts | None], columns: int, names: Collection[str] = ()) -> Told:
    """Return where what is known of several panels is told, the panels in the order of reading.

    What a column shares is told above the first of it. Images without weights are None; ``names`` are those
    that columns and rows bear already.

    Examples
    --------
    >>> told = told_where([None, *(Facts({"head": f"head {n}", "query": "token 3"}) for n in range(2))], 3)
    >>> told.above, told.rows, told.below
    (['', 'head 0', 'head 1'], [''], ['Query (row): token 3.'])
    """
    common, writing = _shared(facts), _Writing.of(facts, names)
    lines = [facts[at : at + columns] for at in range(0, len(facts), columns)]
    rows = [_shared(line) if len(lines) > 1 else common for line in lines]
    across = [_shared(facts[at::columns]) for at in range(columns)]
    above = []
    for number, one in enumerate(facts):
        row, column = rows[number // columns], across[number % columns]
        first = next((n for n in range(number % columns, len(facts), columns) if facts[n] is not None), None)
        told = [writing.of_column(column, common)] if number == first else []
        told.append(writing.left(one, common, row, column))
        above.append(", ".join(filter(None, told)))
    sums = [f"The weights of each panel have the {common.said['sum']}."] if "sum" in common.said else []
    below = [*common.whence, *common.whose, *writing.layers, *sums, *common.checked]
    return Told(above, [writing.of_column(row, common) for row in rows], below)


@dataclass(frozen=True)
class _Writing:
    """How facts are written in few words, and which are not as names tell them."""

    short: dict[str, str]
    names: Collection[str]
    layers: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, facts: Sequence[Facts | None], names: Collection[str]) -> _Writing:
        paths = list(dict.fromkeys(one.calls[0].path for one in facts if one is not None and one.calls))
        if len(paths) < 2:
            return cls({}, names)
        shown, sentence = layer_names(paths)
        shown = [f"layer {name}" if sentence else name for name in shown]
        return cls({layer_name(path): name for path, name in zip(paths, shown, strict=True)}, names, sentence)

    def of_column(self, one: Facts, common: Facts) -> str:
        """Return what a column or row shares; sums stay where they are, above each panel."""
        return self._written({name: text for name, text in one.said.items() if name != "sum"}, common)

    def left(self, one: Facts | None, common: Facts, row: Facts, column: Facts) -> str:
        """Return what is to be told above a panel alone."""
        said = {} if one is None else one.said
        told = {name for other in (row, column) for name in other.said if name != "sum"}
        return self._written({name: text for name, text in said.items() if name not in told}, common)

    def _written(self, said: dict[str, str], common: Facts) -> str:
        texts = [(text, self.short.get(text, text)) for name, text in said.items() if name not in common.said]
        named = {*self.names, *map(layer_name, self.names)}
        return ", ".join(short for text, short in texts if not {text, short} & named)


def _shared(facts: Sequence[Facts | None]) -> Facts:
    known = [one for one in facts if one is not None]
    return shared(known) if known else Facts()
