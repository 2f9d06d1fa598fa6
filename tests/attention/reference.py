"""Attention as loops over single cells, in float64: what every map is compared with."""

import math

import numpy as np


def sees(case, i, j, queries, keys):
    """Whether band and segments let query i see key j, and ALiBi's distance."""
    here = range(len(queries))
    if queries[i] != keys[j]:
        return False, 0
    row = sum(queries[other] == queries[i] for other in range(i))
    column = sum(keys[other] == keys[j] for other in range(j))
    surplus = sum(key == keys[j] for key in keys) - sum(query == queries[i] for query in queries)
    diagonal, left, right = case.get("band") or (0, None, None)
    offset = column - row - diagonal
    return (left is None or offset >= -left) and (right is None or offset <= right), abs(
        row + surplus - column
    )


def loop(case):
    """Return the map and its logits (batch, head, query, key) of a case: a dict of numpy arrays."""
    q, k = case["q"].astype(np.float64), case["k"].astype(np.float64)
    B, H, N, M = *q.shape[:3], k.shape[2]
    logits, weights = np.full((B, H, N, M), -np.inf), np.zeros((B, H, N, M))
    full = {
        name: np.broadcast_to(case[name], (B, H, N, M)) for name in ("mask", "bias", "scale") if name in case
    }
    queries, keys = case.get("segments", (np.zeros(N, int), np.zeros(M, int)))
    for b, h, i in np.ndindex(B, H, N):
        for j in range(M):
            s = float(q[b, h, i] @ k[b, h // (H // k.shape[1]), j]) * full["scale"][b, h, i, j]
            s = case["soft_cap"] * math.tanh(s / case["soft_cap"]) if case.get("soft_cap") else s
            s += full["bias"][b, h, i, j] if "bias" in full else 0
            allowed, distance = sees(case, i, j, queries, keys)
            s -= np.broadcast_to(case["slopes"], (B, H))[b, h] * distance if "slopes" in case else 0
            if "mask" in full:
                extra = full["mask"][b, h, i, j]
                s, allowed = (
                    (s, allowed and bool(extra)) if extra.dtype == bool else (s + float(extra), allowed)
                )
            logits[b, h, i, j] = s if allowed else -np.inf
        row = logits[b, h, i]
        others = [case["sinks"][h]] if "sinks" in case else [0.0] if case.get("softmax_one") else []
        top = max([*row, *others])
        if top > -np.inf:
            weights[b, h, i] = np.exp(row - top) / (
                np.exp(row - top).sum() + np.exp(np.array(others) - top).sum()
            )
    return weights, logits
