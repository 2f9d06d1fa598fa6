"""What ids read: the texts and spans of tokens, by a tokenizer; and some tokens of an axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import Any

from visualizer.axes import Axis, Ids, Segment, Special, Text, Unknown
from visualizer.errors import OptionError

UNFINISHED = "\ufffd"  # what bytes decode to that are not a whole character yet
LONGEST = 4  # bytes of a character


def read_axis(axis: Axis, tokenizer: Any) -> Axis:
    """Return an axis with the ids in it as text; without a tokenizer, the axis itself."""
    if tokenizer is None or not any(isinstance(one, Ids) for one in axis.segments):
        return axis
    read = [text_of(one.ids, tokenizer) if isinstance(one, Ids) else [one] for one in axis.segments]
    return Axis(tuple(segment for segments in read for segment in segments))


def given_ids(input_ids: Any) -> list[int]:
    """Return the ids of one text as a list.

    Raises
    ------
    OptionError
        If they are those of several texts.
    """
    ids = input_ids.tolist() if hasattr(input_ids, "tolist") else list(input_ids)
    if ids and isinstance(ids[0], list):
        if len(ids) != 1:
            raise OptionError(f"a run was to be labelled with {len(ids)} texts; give the ids of one of them")
        ids = ids[0]
    return ids


def text_of(ids: Sequence[int], tokenizer: Any) -> list[Segment]:
    """Return ids as texts, and as a `Special` each that a tokenizer calls special, padding too."""
    special = special_ids(tokenizer)
    found: list[Segment] = []
    for is_special, group in groupby(ids, special.__contains__):
        if is_special:
            found += [Special(str(tokenizer.convert_ids_to_tokens(one))) for one in group]
        else:
            found.append(_text(list(group), tokenizer))
    return found


def special_ids(tokenizer: Any) -> set[int]:
    """Return the ids of what stands for nothing in a text, such as padding and the marks of a chat."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    marked = {number for number, token in added.items() if getattr(token, "special", False)}
    return marked.union(getattr(tokenizer, "all_special_ids", ()))


def _text(ids: list[int], tokenizer: Any) -> Text:
    """Return the text of ids; tokens that share a character all have it, and its span."""
    pieces = list(_pieces(ids, tokenizer))
    whole = "".join(new for new, _ in pieces)
    ends = list(accumulate(len(new) for new, _ in pieces))
    begins = [0, *ends[:-1]]
    spans = [
        (begin, end + unfinished) for begin, end, (_, unfinished) in zip(begins, ends, pieces, strict=True)
    ]
    return Text([whole[begin:end] for begin, end in spans], spans, whole)


def _pieces(ids: list[int], tokenizer: Any) -> Iterator[tuple[str, bool]]:
    """Yield of each token the characters that it ends, and whether it begins one that later ones end.

    They are decoded with what is before them, as the first token of a text may lose its space, and a piece of
    a word its place.
    """
    before = read = shown = 0
    for end in range(1, len(ids) + 1):
        known = len(_decoded(ids[before:read], tokenizer))
        text = _decoded(ids[before:end], tokenizer)[known:]
        unfinished = text.endswith(UNFINISHED) and end < len(ids) and end - read < LONGEST
        whole = text.rstrip(UNFINISHED) if unfinished else text
        yield whole[shown:], unfinished
        before, read, shown = (before, read, len(whole)) if unfinished else (read, end, 0)


def _decoded(ids: list[int], tokenizer: Any) -> str:
    if not ids:
        return ""
    as_is = hasattr(tokenizer, "clean_up_tokenization_spaces")  # else spaces vanish with what comes after
    text: str = tokenizer.decode(ids, **({"clean_up_tokenization_spaces": False} if as_is else {}))
    return text


def part_of(axis: Axis, tokens: Sequence[int]) -> Axis:
    """Return some tokens of an axis; of a picture that is cut only their number is left.

    Examples
    --------
    >>> from visualizer.axes import Special
    >>> part_of(Axis((Special("BOS"), Text(["a", " cat"]), Ids([5, 6]))), [1, 2, 4]).names
    ('a', ' cat', 'id 6')
    """
    return Axis(tuple(_parts(axis, frozenset(tokens))))


def _parts(axis: Axis, tokens: frozenset[int]) -> Iterator[Segment]:
    begin = 0
    for segment in axis.segments:
        kept = [token for token in range(segment.length) if begin + token in tokens]
        if kept:
            yield segment if len(kept) == segment.length else _picked(segment, kept)
        begin += segment.length


def _picked(segment: Segment, kept: Sequence[int]) -> Segment:
    if isinstance(segment, Text):
        spans = [segment.spans[token] for token in kept]
        return Text([segment.tokens[token] for token in kept], spans, segment.text)
    return Ids([segment.ids[token] for token in kept]) if isinstance(segment, Ids) else Unknown(len(kept))
