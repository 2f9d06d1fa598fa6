"""Each measure of a head is what a loop over the cells of its map says, of lazy maps and of arrays."""

import math

import numpy as np
import pytest
import torch

from visualizer import analysis
from visualizer.attention import AttentionMap, Band, Factors, blocks
from visualizer.axes import Grid, Special
from visualizer.errors import OptionError, ShapeError

close = np.testing.assert_allclose
PADDED = [[True] * 12, [True] * 9 + [False] * 3]  # (batch, token)


def made(library, kind):
    """A map of two texts, three heads and 12 tokens, lazy, and as numpy's array."""
    rng = np.random.default_rng(5)
    q, k = rng.normal(size=(2, 2, 3, 12, 8)).astype(np.float32) * 1.5
    options = {"band": Band()} if kind == "causal" else {}
    if kind == "padded":
        mask = np.array(PADDED)[:, None, None]
        options = {"mask": mask, "query_valid": np.array(PADDED)}
    if library == "torch":
        q, k = torch.from_numpy(q), torch.from_numpy(k)
        options = {n: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for n, v in options.items()}
    a = AttentionMap(Factors(q, k, scale=0.35, **options))
    return a, a.numpy().astype(np.float64)


@pytest.fixture(params=["numpy", "torch"])
def library(request):
    return request.param


@pytest.fixture(params=["plain", "causal", "padded"])
def maps(request, library):
    lazy, dense = made(library, request.param)
    return lazy, dense, request.param


def by_loop(dense, kind, of_row):
    """The mean over each head's queries of what a row gives; None: the query takes no part."""
    found = np.full(dense.shape[:2], np.nan)
    for b, h in np.ndindex(found.shape):
        rows = [of_row(dense[b, h, i], i, b) for i in range(12) if kind != "padded" or PADDED[b][i]]
        rows = [row for row in rows if row is not None]
        found[b, h] = sum(rows) / len(rows) if rows else np.nan
    return found


def seen_by(kind, i, b):
    return [j for j in range(12) if (kind != "causal" or j <= i) and (kind != "padded" or PADDED[b][j])]


def plogp(row):
    return -sum(p * math.log(p) for p in row if p > 0)


def test_entropy(maps):
    lazy, dense, kind = maps
    close(analysis.entropy(lazy), by_loop(dense, kind, lambda row, i, b: plogp(row)), atol=1e-5)
    close(analysis.entropy(lazy, unit="bits"), analysis.entropy(lazy) / math.log(2), atol=1e-6)

    def relative(row, i, b):
        most = math.log(len(seen_by(kind, i, b)))
        return plogp(row) / most if most else None

    close(analysis.entropy(lazy, unit="relative"), by_loop(dense, kind, relative), atol=1e-5)


def test_entropy_in_an_unknown_unit():
    with pytest.raises(OptionError, match="nats, bits, relative"):
        analysis.entropy(np.eye(3), unit="hartleys")


def test_distance_in_tokens(maps):
    lazy, dense, kind = maps
    expected = by_loop(dense, kind, lambda row, i, b: sum(p * abs(i - j) for j, p in enumerate(row)))
    close(analysis.distance(lazy), expected, atol=1e-5)


def test_distance_in_pixels_leaves_class_tokens_out(maps):
    lazy, dense, kind = maps
    axis = [Special("CLS"), Special("REG"), Grid(2, 5)]

    def centre(token):
        row, column = divmod(token - 2, 5)
        return 40 * (row + 0.5), 30 * (column + 0.5)

    def of_row(row, i, b):
        if i < 2:
            return None
        away = [p * math.dist(centre(i), centre(j)) for j, p in enumerate(row) if j >= 2]
        mass = sum(row[2:])
        return sum(away) / mass if mass else None

    expected = by_loop(dense, kind, of_row)
    close(analysis.distance(lazy, axis, size=(80, 150)), expected, atol=1e-3)
    close(analysis.distance(dense[:1, :, :, :], axis, size=(80, 150))[0], expected[0], atol=1e-3)


def test_distance_between_tokens_without_places():
    with pytest.raises(OptionError, match="no places"):
        analysis.distance(np.eye(2), [Special("A"), Special("B")])
    with pytest.raises(ShapeError, match="the map has 3 queries"):
        analysis.distance(np.eye(3), Grid(2, 2))


@pytest.mark.parametrize("by", [-3, -1, 0, 1, 13])
def test_offsets(maps, by):
    lazy, dense, kind = maps
    expected = by_loop(dense, kind, lambda row, i, b: row[i + by] if 0 <= i + by < 12 else None)
    close(analysis.offset(lazy, by), expected, atol=1e-6)


PARTS = [np.s_[..., -4:, :], np.s_[..., [1, 5, 5, 9], :], np.s_[1:2], np.s_[1], np.s_[:, 1]]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_lazy_map_is_measured_as_an_array_of_it_is(library, part):
    lazy, dense = made(library, "causal")
    ids = np.random.default_rng(0).integers(0, 3, (2, 12))
    ids = ids[part] if part in PARTS[2:4] else ids
    measures = [lambda a: analysis.offset(a, -1), analysis.distance, analysis.entropy]
    measures += [
        lambda a, of=of: of(a, ids)
        for of in (analysis.same_token, analysis.duplicate_token, analysis.induction)
    ]
    for measure in measures:
        close(measure(lazy[part]), measure(dense[part]), atol=1e-5)


def test_rows_without_their_axis_are_no_map(library):
    with pytest.raises(ShapeError, match="pick with slices"):
        analysis.entropy(made(library, "plain")[0][..., 3, :])


def test_offsets_by_name(maps):
    lazy, _, _ = maps
    for name, by in {"previous_token": -1, "diagonal": 0, "next_token": 1}.items():
        close(getattr(analysis, name)(lazy), analysis.offset(lazy, by))


def test_the_last_query_is_at_the_last_key_unless_said_otherwise(library):
    lazy, dense = made(library, "plain")
    last = lazy[..., -4:, :]
    close(
        analysis.offset(dense[..., -4:, :], -1),
        [[[d[8 + i, 7 + i] for i in range(4)] for d in h] for h in dense] @ np.full(4, 0.25),
        atol=1e-6,
    )
    assert last.shape == (2, 3, 4, 12)
    close(
        analysis.offset(dense[..., :4, :], 0, first=0),
        np.diagonal(dense, axis1=-2, axis2=-1)[..., :4].mean(-1),
    )


def test_mass_on_groups(maps):
    lazy, dense, kind = maps
    close(analysis.first_token(lazy), by_loop(dense, kind, lambda row, i, b: row[0]), atol=1e-5)
    close(
        analysis.group_mass(lazy, [1, 4]), by_loop(dense, kind, lambda row, i, b: row[1] + row[4]), atol=1e-5
    )


def test_the_first_token_of_a_text_that_is_padded_on_the_left(library):
    valid = np.array([[True] * 12, [False] * 4 + [True] * 8])
    q, k = np.random.default_rng(0).normal(size=(2, 2, 3, 12, 8)).astype(np.float32)
    if library == "torch":
        q, k, valid = map(torch.from_numpy, (q, k, valid))
    a = AttentionMap(Factors(q, k, scale=0.35, mask=valid[:, None, None], query_valid=valid))
    dense = a.numpy()
    close(analysis.first_token(a), [dense[0, :, :, 0].mean(-1), dense[1, :, 4:, 4].mean(-1)], atol=1e-6)
    close(analysis.first_token(a[1, 2]), dense[1, 2, 4:, 4].mean(), atol=1e-6)
    close(analysis.first_token(a[:, :, -3:]), dense[:, :, -3:, 0].mean(-1), atol=1e-6)  # as it says


def test_sinks(maps):
    lazy, dense, kind = maps

    def received(b, h, j):
        rows = [i for i in range(12) if j in seen_by(kind, i, b) and (kind != "padded" or PADDED[b][i])]
        return sum(dense[b, h, i, j] for i in rows) / len(rows) if len(rows) > 1 else 0

    def received_by_all(b, h, which):
        rows = [i for i in range(12) if kind != "padded" or PADDED[b][i]]
        return sum(dense[b, h, i, j] for i in rows for j in range(12) if which[j]) / len(rows)

    expected = [[[received(b, h, j) > 0.12 for j in range(12)] for h in range(3)] for b in range(2)]
    found = analysis.sinks(lazy, above=0.12)
    assert found.tolist() == expected
    assert found.any()
    mass = [[received_by_all(b, h, expected[b][h]) for h in range(3)] for b in range(2)]
    close(analysis.sink_mass(lazy, above=0.12), mass, atol=1e-5)


def same(ids, i, j):
    return ids[i] == ids[j]


def test_repeats(maps):
    lazy, dense, kind = maps
    ids = np.array([list("abcabcaabbcd"), list("aabbccddaabb")])

    def on(looked):
        def of_row(row, i, b):
            keys = [j for j in range(12) if looked(ids[b], i, j)]
            return sum(row[j] for j in keys) if keys else None

        return by_loop(dense, kind, of_row)

    close(analysis.same_token(lazy, ids), on(same), atol=1e-6)
    close(analysis.duplicate_token(lazy, ids), on(lambda x, i, j: x[i] == x[j] and j < i), atol=1e-6)
    close(analysis.induction(lazy, ids), on(lambda x, i, j: j and x[j - 1] == x[i] and j <= i), atol=1e-6)
    one = analysis.induction(lazy, torch.tensor([0, 1] * 6))
    ids = np.array([[0, 1] * 6] * 2)
    close(one, on(lambda x, i, j: j and x[j - 1] == x[i] and j <= i), atol=1e-6)


def test_ids_that_are_no_fit():
    with pytest.raises(ShapeError, match=r"\(4,\) were given for a map of 3 keys"):
        analysis.induction(np.eye(3), [1, 2, 3, 4])
    with pytest.raises(ShapeError, match=r"ids of 3 texts were given for a map of shape \(2, 4, 5, 5\)"):
        analysis.induction(np.ones((2, 4, 5, 5)), np.ones((3, 5)))


def test_repeated_tokens():
    ids = analysis.repeated_tokens(1000, 20, times=3, batch=2)
    assert ids.shape == (2, 60)
    assert (ids[:, :20] == ids[:, 40:]).all()
    assert len(np.unique(ids[0, :20])) > 10


def test_between_groups(maps):
    lazy, dense, kind = maps
    queries, keys = {"a": slice(0, 5), "b": [5, 7]}, {"x": 0, "y": slice(1, 12)}
    found = analysis.between_groups(lazy, queries, keys)
    assert found.shape == (2, 3, 2, 2)
    for g, members in enumerate([range(5), [5, 7]]):
        for h, columns in enumerate([[0], range(1, 12)]):
            expected = by_loop(
                dense,
                kind,
                lambda row, i, b, m=members, c=columns: sum(row[j] for j in c) if i in m else None,
            )
            close(found[..., g, h], expected, atol=1e-5)


def test_padding(maps):
    lazy, dense, kind = maps
    found = analysis.padding(lazy, PADDED)
    expected = [
        [
            sum(dense[b, h, i, j] for i in range(12) for j in range(12) if PADDED[b][i] and not PADDED[b][j])
            for h in range(3)
        ]
        for b in range(2)
    ] / np.sum(PADDED, 1)[:, None]
    close(found, expected, atol=1e-5)
    assert (found[1] > 0.05).all() == (kind != "padded" and kind != "causal")
    with pytest.raises(ShapeError, match=r"\(batch, key\)"):
        analysis.padding(lazy, [True] * 12)


def test_outliers():
    values = np.random.default_rng(0).normal(1, 0.1, (2, 50))
    values[1, [3, 17]] = 6
    assert np.argwhere(analysis.outliers(values)).tolist() == [[1, 3], [1, 17]]
    assert not analysis.outliers(np.ones(5)).any()


def test_similarity(maps, monkeypatch):
    lazy, dense, kind = maps
    if kind == "padded":
        dense = dense * np.array(PADDED)[:, None, :, None]
    flat = dense.reshape(2, 3, -1)
    flat = flat / np.linalg.norm(flat, axis=-1, keepdims=True)
    close(analysis.similarity(lazy), flat @ flat.swapaxes(1, 2), atol=1e-5)
    monkeypatch.setattr(blocks, "BLOCK", 1)  # many rows are formed at a time, and one is looked at
    close(analysis.similarity(lazy), flat @ flat.swapaxes(1, 2), atol=1e-5)


def test_a_head_without_weights_is_like_none():
    maps = np.stack([np.eye(3), np.zeros((3, 3))])
    assert np.isnan(analysis.similarity(maps)).tolist() == [[False, True], [True, True]]


@pytest.mark.parametrize(
    "similar", [[[1.0]], np.ones((2, 3)), np.ones((1, 3, 3)), [[1, np.nan], [np.nan, 1]]]
)
def test_what_cannot_be_put_into_clusters(similar):
    with pytest.raises(ShapeError, match="of two heads or more"):
        analysis.clusters(similar, 2)


def test_clusters():
    rng = np.random.default_rng(0)
    base = rng.dirichlet(np.ones(6), size=(2, 6))
    maps = np.stack([base[n] + 0.01 * rng.random((6, 6)) for n in (1, 0, 1, 0, 0)])
    assert analysis.clusters(analysis.similarity(maps), 2).tolist() == [0, 1, 0, 1, 1]


def test_queries_before_the_first_key_have_no_token():
    weights = np.random.default_rng(0).dirichlet(np.ones(3), size=9)
    for measure in (analysis.same_token, analysis.duplicate_token, analysis.induction):
        found = measure(weights, ["a", "a", "b"])
        assert found == pytest.approx(measure(weights[6:], ["a", "a", "b"]))
