"""Sequences packed into one: which sequence each place belongs to, and where causal masks begin in each."""

from __future__ import annotations

from typing import NamedTuple

import torch

_NO_QUERY, _NO_KEY = -2, -1  # the sequence of places that belong to none: they meet nothing


class Packing(NamedTuple):
    """Queries and keys of sequences packed into one.

    Attributes
    ----------
    queries, keys
        The sequence of each place, integers (query,) and (key,); negative for none.
    surplus
        How many more keys than queries the sequence of each query has, integers (query,).
    """

    queries: torch.Tensor
    keys: torch.Tensor
    surplus: torch.Tensor


def unpack(
    starts_q: torch.Tensor,
    starts_k: torch.Tensor,
    queries: int,
    keys: int,
    used_k: torch.Tensor | None = None,
) -> Packing:
    """Return which sequences packed places belong to.

    Parameters
    ----------
    starts_q, starts_k
        Where each sequence starts, and last where the last one ends, integers (sequence + 1,).
    queries, keys
        How many places there are.
    used_k
        How many keys of each sequence count, integers (sequence,); all unless given.

    Examples
    --------
    >>> starts = torch.tensor([0, 2, 5])
    >>> unpack(starts[:2], starts[1:], 2, 6)[0].tolist(), unpack(starts, starts, 5, 6).keys.tolist()
    ([0, 0], [0, 0, 1, 1, 1, -1])
    """
    of_query, of_key = _owners(starts_q, queries), _owners(starts_k, keys)
    count = len(starts_k) - 1
    lengths_k = starts_k.diff() if used_k is None else used_k
    if used_k is not None:
        inside = torch.arange(keys, device=of_key.device) - starts_k[of_key.clamp(max=count)]
        of_key = torch.where(inside < lengths_k[of_key.clamp(max=count - 1)], of_key, count)
    surplus = (lengths_k - starts_q.diff())[of_query.clamp(max=count - 1)]
    known = torch.where(of_query < count, of_query, _NO_QUERY)
    return Packing(known, torch.where(of_key < count, of_key, _NO_KEY), surplus)


def _owners(starts: torch.Tensor, length: int) -> torch.Tensor:
    places = torch.arange(length, device=starts.device)
    return torch.bucketize(places, starts[1:].long(), right=True)
