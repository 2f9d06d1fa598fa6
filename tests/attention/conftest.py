"""Random calls of attention, and their maps by loops over single cells in float64: the reference."""

import math

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from visualizer.attention import AttentionMap, Band, Factors

LOWEST = float(np.finfo(np.float32).min)


def places_of(names):
    """How many of the same name come before each, and how many there are."""
    return [sum(names[:i] == names[i]) for i in range(len(names))], [sum(names == name) for name in names]


def may_see(case, queries, keys):
    """Whether band and segments let query i see key j, and ALiBi's distance, as (query, key) arrays."""
    rows, row_counts = places_of(queries)
    columns, column_counts = places_of(keys)
    diagonal, left, right = case.get("band", (0, None, None))
    seen, distance = np.zeros((2, len(queries), len(keys)), int)
    for i, j in np.ndindex(seen.shape):
        offset = columns[j] - rows[i] - diagonal
        inside = (left is None or offset >= -left) and (right is None or offset <= right)
        seen[i, j] = inside and queries[i] == keys[j]
        distance[i, j] = abs(rows[i] + column_counts[j] - row_counts[i] - columns[j])
    return seen, distance


def logits_of(case):
    q, k = case["q"].astype(np.float64), case["k"].astype(np.float64)
    *batch, heads, rows, _ = q.shape
    shape = (*batch, heads, rows, k.shape[-2])
    scale, mask, bias = (np.broadcast_to(case.get(name, 0), shape) for name in ("scale", "mask", "bias"))
    slopes = np.broadcast_to(case.get("slopes", 0), (*batch, heads))
    queries, keys = case.get("segments", (np.zeros(rows, int), np.zeros(shape[-1], int)))
    seen, distance = may_see(case, queries, keys)
    logits = np.full(shape, -np.inf)
    for *b, h, i, j in np.ndindex(shape):
        cell, group = (*b, h, i, j), heads // k.shape[-3]
        s = float(q[(*b, h, i)] @ k[(*b, h // group, j)]) * scale[cell]
        if "soft_cap" in case:
            s = case["soft_cap"] * math.tanh(s / case["soft_cap"])
        s += float(bias[cell]) - float(slopes[(*b, h)]) * distance[i, j]
        inside = seen[i, j]
        if "mask" in case:
            inside, s = (inside and mask[cell], s) if mask.dtype == bool else (inside, s + float(mask[cell]))
        logits[cell] = s if inside else -np.inf
    return logits


def weights_of(case, logits):
    weights = np.zeros(logits.shape)
    for *b, h, i in np.ndindex(logits.shape[:-1]):
        row = logits[(*b, h, i)]
        others = [case["sinks"][h]] if "sinks" in case else [0.0] * case.get("softmax_one", 0)
        top = max([*row, *others])
        if top > -np.inf:
            powers = np.exp(row - top)
            weights[(*b, h, i)] = powers / (powers.sum() + np.exp(np.array(others) - top).sum())
    return weights


@st.composite
def masks(draw, rng, shape):
    own = tuple(length if draw(st.booleans()) else 1 for length in shape)[
        draw(st.integers(0, len(shape) - 1)) :
    ]
    seen = rng.random(own) < draw(st.sampled_from([0.3, 0.8]))
    hidden = draw(st.sampled_from([None, -np.inf, LOWEST, -1e4]))
    return seen if hidden is None else np.where(seen, 0, hidden).astype(np.float32)


@st.composite
def cases(draw, kinds=("mask", "bias", "slopes", "band", "soft_cap", "sinks", "softmax_one", "segments")):
    """Draw one call: a dict of numpy arrays and numbers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    batch = draw(st.sampled_from([(), (1,), (2,), (2, 2)]))
    heads, group, d = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from([1, 2])), draw(st.integers(1, 9))
    rows, keys = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    group = min(group, heads)
    spread = draw(st.sampled_from([0.5, 2.0, 6.0]))
    shape = (*batch, heads, rows, keys)
    scale = draw(st.sampled_from([1.0, d**-0.5, rng.random((heads, 1, 1)) + 0.5]))
    case = {
        "q": rng.normal(size=(*shape[:-1], d)) * spread,
        "k": rng.normal(size=(*batch, heads // group, keys, d)),
    }
    case = {name: array.astype(np.float32) for name, array in case.items()} | {"scale": scale}
    diagonal, left, right = (st.integers(-3, 6), st.none() | st.integers(0, 4), st.none() | st.integers(0, 4))
    made = {
        "mask": lambda: draw(masks(rng, shape)),
        "bias": lambda: rng.normal(size=(heads, rows, keys)).astype(np.float32),
        "slopes": lambda: rng.random(heads),
        "band": lambda: draw(
            st.tuples(diagonal, left, right) | st.just((0, None, 0)) | st.just((keys - rows, None, 0))
        ),
        "soft_cap": lambda: 3.0,
        "sinks": lambda: rng.normal(size=heads),
        "softmax_one": lambda: True,
        "segments": lambda: tuple(np.sort(rng.integers(0, 3, size)) for size in (rows, keys)),
    }
    chosen = draw(st.lists(st.sampled_from(kinds), unique=True, max_size=3)) if kinds else []
    chosen = [name for name in chosen if name != "softmax_one" or "sinks" not in chosen]
    return case | {name: made[name]() for name in chosen}


def factors_of(case, library, dtype=None):
    """Return the case's factors as numpy arrays or torch tensors."""

    def convert(value):
        return (
            torch.from_numpy(np.array(value))
            if library == "torch" and isinstance(value, np.ndarray)
            else value
        )

    made = {name: convert(value) for name, value in case.items()}
    if "band" in case:
        made["band"] = Band(*case["band"])
    if "segments" in case:
        made["segments"] = tuple(map(convert, case["segments"]))
    if dtype is not None:
        made |= {name: made[name].to(dtype) for name in ("q", "k")}
    return Factors(**made)


@pytest.fixture(scope="session")
def draw_case():
    """Draw a case with hypothesis' ``data``; ``kinds`` says what it may have besides q, k and scale."""
    return lambda data, *kinds: data.draw(cases(kinds) if kinds else cases())


@pytest.fixture(scope="session")
def loop():
    """Return (weights, logits) of a case, cell by cell."""

    def loop(case):
        logits = logits_of(case)
        return weights_of(case, logits), logits

    return loop


@pytest.fixture(scope="session")
def factors():
    """Make factors of a case."""
    return factors_of


@pytest.fixture(scope="session", params=["numpy", "torch"])
def library(request):
    """The two libraries that hold factors."""
    return request.param


@pytest.fixture
def calls(library):
    """One call of 2 x 4 heads of 12 queries and 10 keys, causal: the lazy map, and the same by numpy."""
    rng = np.random.default_rng(7)
    case = {
        "q": rng.normal(size=(2, 4, 12, 8)).astype(np.float32),
        "k": rng.normal(size=(2, 2, 10, 8)).astype(np.float32),
        "scale": 0.6,
        "band": (0, None, 0),
    }
    return AttentionMap(factors_of(case, library)), weights_of(case, logits_of(case))


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Many small operations wait for one another where other programs use the cores too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
