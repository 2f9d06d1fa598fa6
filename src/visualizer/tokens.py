"""The text of tokens, and where in them a piece of text is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visualizer.errors import CallsError, OptionError


def token_texts(
    tokens: Sequence[str] | None = None, *, tokenizer: Any = None, input_ids: Any = None
) -> list[str]:
    """Return the text of each token, as given or from a tokenizer and its ids (of one text).

    Raises
    ------
    OptionError
        If neither tokens nor a tokenizer with ids are given, or ids of several texts.
    """
    if tokens is not None:
        return [str(token) for token in tokens]
    if tokenizer is None or input_ids is None:
        raise OptionError("a run was to be labelled; give tokens=[...], or tokenizer= and input_ids=")
    ids = input_ids.tolist() if hasattr(input_ids, "tolist") else list(input_ids)
    if ids and isinstance(ids[0], list):
        if len(ids) != 1:
            raise OptionError(f"a run was to be labelled with {len(ids)} texts; give the ids of one of them")
        ids = ids[0]
    return _joinable([tokenizer.decode([token]) for token in ids])


def _joinable(texts: list[str]) -> list[str]:
    """Return the texts of word pieces so that they join to words: pieces bear ``##``, words no space."""
    if not any(text.startswith("##") for text in texts):
        return texts
    return [text[2:] if text.startswith("##") else f" {text}" for text in texts]


def find_text(tokens: Sequence[str], text: str, nth: int | None = None) -> slice:
    """Return which tokens a piece of text lies in.

    Parameters
    ----------
    nth
        Which of several places, from 0.

    Raises
    ------
    CallsError
        If the text is nowhere, or at several places and ``nth`` is not given.

    Examples
    --------
    >>> find_text(["The", " code", " is", " 74", "21", "."], "7421")
    slice(3, 5, None)
    """
    whole, starts = "".join(tokens), []
    place = whole.find(text) if text else -1
    while place >= 0:
        starts.append(place)
        place = whole.find(text, place + 1)
    if not starts:
        raise CallsError(f"{text!r} was looked for in the tokens, but they read {whole[:80]!r}")
    if len(starts) > 1 and nth is None:
        raise CallsError(
            f"{text!r} was looked for in the tokens and is there {len(starts)} times: give nth= from 0"
        )
    if nth is not None and not 0 <= nth < len(starts):
        raise CallsError(f"place {nth} of {text!r} was asked for, but it is there {len(starts)} times")
    begin = starts[nth or 0]
    return _tokens_between(tokens, begin, begin + len(text))


def _tokens_between(tokens: Sequence[str], begin: int, end: int) -> slice:
    ends, at = [], 0
    for token in tokens:
        at += len(token)
        ends.append(at)
    first = next(number for number, stop in enumerate(ends) if stop > begin)
    last = next(number for number, stop in enumerate(ends) if stop >= end)
    return slice(first, last + 1)
