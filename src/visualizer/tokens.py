"""The text of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visualizer.errors import OptionError


def token_texts(
    tokens: Sequence[str] | None = None, *, tokenizer: Any = None, input_ids: Any = None
) -> list[str]:
    """Return the text of each token, as given or from a tokenizer and its ids (of one text).

    Raises
    ------
    OptionError
        If tokens are one text, neither tokens nor a tokenizer with ids are given, or ids of several texts.
    """
    if isinstance(tokens, str):
        raise OptionError(
            f"a run was to be labelled with {tokens!r}; give a list of texts, or, beside a path, what its "
            "axes are: axis=, queries= or keys="
        )
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
