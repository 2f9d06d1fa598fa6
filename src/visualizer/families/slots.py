"""Static caches of transformers: keys and values in slots, of which the first are filled."""

from __future__ import annotations

from typing import Any, NamedTuple

FREE = "slots of a static cache that were not written yet"


class Slots(NamedTuple):
    """A static cache as a forward begins.

    Attributes
    ----------
    filled
        How many slots hold tokens that were read before.
    lengths
        How many slots its layers have, of those that have room for the forward's tokens too: in order, the
        first slot is the first token's. A sliding window that is full moves on, and is none of them.
    """

    filled: int
    lengths: frozenset[int]


NONE = Slots(0, frozenset())


def slots_of(cache: Any, count: int) -> Slots:
    """Return the slots of a cache that a forward of so many tokens is given; none where it is not static."""
    cache = getattr(cache, "self_attention_cache", cache)  # of a decoder, beside that of what it looks at
    layers = [one for one in getattr(cache, "layers", ()) if hasattr(one, "max_cache_len")]
    filled = {int(one.get_seq_length()) for one in layers}
    if len(filled) != 1:
        return NONE
    number = filled.pop()
    room = {int(one.max_cache_len) for one in layers if number + count <= one.max_cache_len}
    return Slots(number, frozenset(room))
