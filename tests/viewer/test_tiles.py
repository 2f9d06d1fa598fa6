"""A tile of any level is what pooling the map's own weights gives."""

import re
import warnings

import numpy as np
import pytest
import torch
from tests.viewer.test_payload import FACTORS, run_of

from visualizer.attention import AttentionMap, Band, Dense, Factors, Stitched, Unwanted, while_wanted
from visualizer.errors import OptionError
from visualizer.viewer import tiles
from visualizer.viewer.answering import answers
from visualizer.viewer.payload import Payload

RANDOM = np.random.default_rng(1)
LONG_Q, LONG_K = RANDOM.normal(size=(2, 1, 4, 1100, 16)).astype(np.float32)
VALID = np.arange(1100) < 700


def stitched():
    steps = [(slice(0, 600), 600), (slice(600, 601), 601), (slice(601, 1100), 1100)]
    blocks = [
        (
            AttentionMap(
                Factors(LONG_Q[:, :, rows], LONG_K[:, :, :keys], 0.5, band=Band(diagonal=rows.start))
            ),
            range(keys),
        )
        for rows, keys in steps
    ]
    return Stitched(blocks)


LONG = {
    "plain": Factors(LONG_Q, LONG_K, 0.5),
    "torch": Factors(torch.tensor(LONG_Q), torch.tensor(LONG_K), 0.5),
    "torch, grouped and causal": Factors(torch.tensor(LONG_Q), torch.tensor(LONG_K[:, :2]), 0.5, band=Band()),
    "window": Factors(LONG_Q, LONG_K[:, :1], 0.5, band=Band(left=300)),
    "padded": Factors(LONG_Q, LONG_K, 0.5, mask=VALID, query_valid=VALID),
    "hidden by a finite minimum": Factors(
        LONG_Q, LONG_K, 0.5, mask=np.where(np.tri(1100) > 0, 0, np.finfo(np.float32).min).astype(np.float32)
    ),
    "no key is seen": Factors(LONG_Q, LONG_K, 0.5, mask=np.arange(1100)[:, None] > np.full(1100, 500)),
    "sharp": Factors(torch.tensor(20 * LONG_Q), torch.tensor(20 * LONG_K), 1.0),
    "sinks": Factors(LONG_Q, LONG_K, 0.5, sinks=np.arange(4.0)),
    "dense": Dense(RANDOM.dirichlet(np.ones(900), size=(1, 2, 600)).astype(np.float32)),
    "signed": Dense(RANDOM.normal(size=(1, 2, 600, 900)), signed=True),
    "stitched": stitched(),
}


def pooled(weights, valid, level, row, column, how):
    """The tile by its definition; what is no query, no key or padding is NaN, and takes no part."""
    size, side = 2**level, 256 * 2**level
    part = np.where(valid[:, None], weights, np.nan)
    part = part[row * side : (row + 1) * side, column * side : (column + 1) * side]
    part = np.pad(part, [(0, -length % size) for length in part.shape], constant_values=np.nan)
    cells = part.reshape(part.shape[0] // size, size, part.shape[1] // size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells of NaN alone
        return {"mean": np.nanmean, "max": np.nanmax}[how](cells.swapaxes(1, 2), (2, 3))


def ask(payload, **request):
    return answers(payload, {"kind": "tile", "map": 0, "batch": 0, "head": 1, "how": "mean"} | request)


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("how", ["mean", "max"])
@pytest.mark.parametrize(("level", "row", "column"), [(0, 2, 0), (0, 1, 3), (1, 0, 1), (1, 1, 0), (2, 0, 0)])
def test_a_tile_is_pooled_weights(name, how, level, row, column):
    a = AttentionMap(LONG[name])
    blob = ask(Payload(run_of(a)), level=level, row=row, column=column, how=how)
    expected = pooled(a[0, 1].numpy(), a.valid[0, 1], level, row, column, how)
    assert blob.sampled is None
    assert blob.shape == expected.shape
    assert np.allclose(blob.array(), expected, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("name", [*(f"long, {name}" for name in LONG), *FACTORS])
def test_a_column_is_the_map_s(name):
    a = AttentionMap(FACTORS[name] if name in FACTORS else LONG[name.removeprefix("long, ")])
    payload = Payload(run_of(a))
    for key in (0, a.shape[-1] - 1):
        blob = answers(payload, {"kind": "column", "map": 0, "batch": 0, "head": 1, "key": key})
        assert np.allclose(blob.array(), a[0, 1, :, key].numpy(), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in FACTORS if name != "late"])
def test_a_tile_of_factors_of_every_kind_is_the_map(name, monkeypatch):
    monkeypatch.setattr(tiles, "SIDE", 16)  # so that few of the keys are a tile's
    a = AttentionMap(FACTORS[name])
    found = ask(Payload(run_of(a)), level=1, row=1, column=0, batch=1, head=2)
    expected = pooled(a[1, 2].numpy()[32:64, :32], np.ones(32, bool), 1, 0, 0, "mean")
    assert np.allclose(found.array(), expected, atol=1e-5)


@pytest.mark.parametrize("how", ["mean", "max"])
def test_where_cells_are_alike_a_tile_is_what_pool_gives(how):
    a = AttentionMap(
        Factors(torch.tensor(LONG_Q[:, :, :1024]), torch.tensor(LONG_K[:, :2, :1024]), 0.5, band=Band())
    )
    expected = a.pool(256, how=how)[0, 1].numpy()
    assert np.allclose(
        ask(Payload(run_of(a)), level=2, row=0, column=0, how=how).array(), expected, atol=1e-5
    )


def test_tiles_of_one_row_share_denominators_and_are_computed_once(monkeypatch):
    payload = Payload(run_of(AttentionMap(LONG["plain"])))
    asked = [ask(payload, level=0, row=1, column=column) for column in (0, 1, 0)]
    assert asked[0] is asked[2]
    assert len(payload.kept.names) == 3  # two tiles, and the logarithms of 256 denominators
    monkeypatch.setattr(Factors, "check_unchanged", lambda self: pytest.fail("it was read again"))
    assert ask(payload, level=0, row=1, column=1) is asked[1]


def test_of_a_tile_that_takes_too_long_some_rows_are_read_and_it_is_said(monkeypatch):
    monkeypatch.setattr(tiles, "MOST", 1100 * tiles.WIDTH * 600)
    a = AttentionMap(LONG["plain"])
    blob = ask(Payload(run_of(a)), level=2, row=0, column=0, how="max")
    assert (blob.sampled, blob.shape) == (2, (256, 256))
    rows = a[0, 1].numpy()[:1024].reshape(256, 4, 1100)[:, [1, 3], :1024].reshape(256, 2, 256, 4)
    assert np.allclose(blob.array(), rows.max((1, 3)), atol=1e-6)
    assert ask(Payload(run_of(a)), level=1, row=0, column=0).sampled is None


def test_a_map_of_64k_tokens_has_tiles_of_all_levels():
    q, k = (torch.from_numpy(RANDOM.normal(size=(1, 1, 2**16, 16)).astype(np.float32)) for _ in "qk")
    payload = Payload(run_of(AttentionMap(Factors(q, k, 0.25, band=Band()))), served=True)
    whole = ask(payload, level=8, row=0, column=0, head=0)
    assert whole.shape == (256, 256)
    assert whole.sampled == 2
    part = ask(payload, level=0, row=255, column=0, head=0)
    assert part.sampled is None
    expected = torch.softmax(q[0, 0, -1] @ k[0, 0].T * 0.25, -1)[:256]
    assert np.allclose(part.array()[-1], expected, atol=1e-7)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"level": 4}, "level 4 was asked for; there are 4, counted from 0"),
        ({"level": -1}, "level -1 was asked for"),
        ({"level": "1e3"}, "level '1e3' was asked for"),
        ({"level": 1, "row": 3}, "row 3 was asked for; there are 3"),
        ({"column": None}, "column None was asked for"),
        ({"how": "min"}, "a tile of how='min' was asked for"),
        ({"how": ["mean"]}, "was asked for; it is"),
        ({"head": 4}, "head 4 was asked for"),
    ],
)
def test_a_tile_that_is_not_there_is_one_sentence(wrong, sentence):
    with pytest.raises(OptionError, match=re.escape(sentence)):
        ask(Payload(run_of(AttentionMap(LONG["plain"]))), **{"level": 0, "row": 0, "column": 0} | wrong)


def test_what_nobody_waits_for_stops_before_the_next_block():
    asked = iter([True, True, False])
    payload = Payload(run_of(AttentionMap(LONG["plain"])))
    with pytest.raises(Unwanted), while_wanted(lambda: next(asked)):
        ask(payload, level=2, row=0, column=0)
    assert next(asked, None) is None
    assert payload.kept.names == set()
    assert ask(payload, level=2, row=0, column=0).shape == (256, 256)
