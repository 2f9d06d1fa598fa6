"""Text as a segment: tokens, and where in the text each is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import index

from visualizer.axes.segments import Segment
from visualizer.errors import OptionError, ShapeError


@dataclass(frozen=True)
class Text(Segment):
    """Tokens of a text, with the characters that each stands for.

    Parameters
    ----------
    tokens
        The text of each token.
    spans
        (begin, end) of each token in the text, as tokenizers give them (``offset_mapping``). Several tokens
        may share a character; those that stand for none have an empty span. Left out, tokens follow one
        another.
    text
        The text that spans count in; left out, that of all tokens.

    Raises
    ------
    OptionError
        If tokens are one string, or do not join to the text and have no spans.
    ShapeError
        If there are more or fewer spans than tokens, or one lies outside of the text.

    Examples
    --------
    >>> text = Text(["un", "##believ", "##able", "!"], [(0, 2), (2, 8), (8, 12), (12, 13)], "unbelievable!")
    >>> text.find("believable"), text.place(1)
    ([slice(1, 3, None)], (2, 8))
    """

    tokens: Sequence[str]
    spans: Sequence[tuple[int, int]] = ()
    text: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.tokens, str):
            raise OptionError(f"the text {self.tokens!r} was given as tokens; give a list of tokens")
        tokens = tuple(str(token) for token in self.tokens)
        spans = _pairs(self.spans) if len(self.spans) else _in_a_row(tokens)
        text = str(self.text) or "".join(tokens)
        if not len(self.spans) and text != "".join(tokens):
            raise OptionError(f"tokens of the text {text!r:.80} do not join to it: give spans=")
        _check_spans(tokens, spans, text)
        for name, value in {"tokens": tokens, "spans": spans, "text": text}.items():
            object.__setattr__(self, name, value)

    @property
    def length(self) -> int:
        """Number of tokens."""
        return len(self.tokens)

    @property
    def counted(self) -> str:
        """As "12 of text"."""
        return f"{self.length} of text"

    def name(self, token: int) -> str:
        """Return a token's text."""
        return self.tokens[token]

    def place(self, token: int, size: Sequence[float] = (), batch: int = 0) -> tuple[int, int]:  # noqa: ARG002  # as all
        """Return where in the text a token begins and ends, in characters."""
        return self.spans[token]

    def find(self, text: str) -> list[slice]:
        """Return which tokens each place of a piece of text lies in, in order; places may overlap."""
        found = [self._tokens_between(begin, begin + len(text)) for begin in self._places(text)]
        return [tokens for tokens in found if tokens.stop]  # spaces may belong to no token

    def _places(self, text: str) -> Iterator[int]:
        place = self.text.find(text) if text else -1
        while place >= 0:
            yield place
            place = self.text.find(text, place + 1)

    def _tokens_between(self, begin: int, end: int) -> slice:
        inside = [token for token, (first, last) in enumerate(self.spans) if first < end and last > begin]
        return slice(inside[0], inside[-1] + 1) if inside else slice(0, 0)


def _in_a_row(tokens: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    ends = list(accumulate(map(len, tokens)))
    return tuple(zip([0, *ends[:-1]], ends, strict=False))


def _pairs(spans: Sequence[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    try:
        return tuple((index(begin), index(end)) for begin, end in spans)
    except (TypeError, ValueError):
        raise ShapeError(f"spans={spans!r:.80} were given; give (begin, end) of each token") from None


def _check_spans(tokens: tuple[str, ...], spans: tuple[tuple[int, int], ...], text: str) -> None:
    if len(spans) != len(tokens):
        raise ShapeError(f"{len(spans)} spans were given for {len(tokens)} tokens: give one for each")
    for begin, end in spans:
        if not 0 <= begin <= end <= len(text):
            found = f"a token was said to be at {begin} to {end}"
            raise ShapeError(f"{found} of {len(text)} characters: give text=, the text that spans count in")
