"""A page's other half holds little of a run, reads what it is asked for, and makes what fits."""

import gc
import tracemalloc

import numpy as np
import pytest

import visualizer
from visualizer.attention import AttentionMap, Band, Factors
from visualizer.calls import Call
from visualizer.kept import Kept
from visualizer.run import Run
from visualizer.store.places import Folder
from visualizer.viewer import choosing, rows
from visualizer.viewer.answering import answers
from visualizer.viewer.arrays import refs_of
from visualizer.viewer.payload import Payload

RANDOM = np.random.default_rng(3)


def run_of(layers, heads, tokens, width):
    """A run whose later layers look at fewer keys."""
    q, k = RANDOM.normal(size=(2, layers, 1, heads, tokens, width)).astype(np.float32)
    maps = [AttentionMap(Factors((1 + n) * q[n], k[n], width**-0.5, band=Band())) for n in range(layers)]
    return Run([Call(f"layer.{n}", one, 0, n, "made") for n, one in enumerate(maps)])


def stored(tmp_path, *shape):
    run_of(*shape).save(tmp_path / "run.zarr")
    return visualizer.load(tmp_path / "run.zarr")


@pytest.fixture
def reads(monkeypatch):
    """Names of the files of which something was read."""
    names, read = [], Folder.read

    def note(self, name, *more):
        names.append(name)
        return read(self, name, *more)

    monkeypatch.setattr(Folder, "read", note)
    return names


def test_no_array_is_read_for_what_a_page_is_told_first(tmp_path, reads):
    payload = Payload(stored(tmp_path, 2, 2, 300, 8), served=True)
    reads.clear()
    told = payload.manifest.to_json()
    assert [one["rows"] for one in told["maps"]] == [{"kind": "later"}] * 2
    assert not [name for name in reads if name.startswith("arrays/")]
    answers(payload, {"kind": "details", "map": 0})
    assert [name for name in reads if name.startswith("arrays/")]


def test_that_a_map_is_too_large_is_known_by_its_shape(tmp_path, reads, monkeypatch):
    monkeypatch.setattr(rows, "HELD", 2**16)
    payload = Payload(stored(tmp_path, 1, 2, 4200, 8), served=True)
    reads.clear()
    assert payload.details(0).to_json() == {"rows": {"kind": "served"}, "padding": None}
    assert not [name for name in reads if name.startswith("arrays/")]


def test_of_one_head_no_other_is_read(tmp_path):
    payload = Payload(stored(tmp_path, 1, 256, 600, 32), served=True)  # heads lie in chunks of their own
    tile = {"kind": "tile", "map": 0, "batch": 0, "head": 5, "level": 0, "row": 0, "column": 0, "how": "mean"}
    tracemalloc.start()
    answers(payload, tile)
    answers(payload, {"kind": "column", "map": 0, "batch": 0, "head": 5, "key": 3})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 256 * 600 * 32 * 4  # the queries of all heads


@pytest.mark.parametrize("is_stored", [True, False])
def test_what_was_sent_is_let_go_of(tmp_path, is_stored):
    shape = (16, 8, 1024, 32)
    run = stored(tmp_path, *shape) if is_stored else run_of(*shape)
    if is_stored:
        run[0]._reader.kept = Kept(2**21)  # a map
    payload = Payload(run, served=True)
    payload.kept = Kept(2**20)
    told = payload.manifest
    tracemalloc.start()
    for one in told.maps:
        for ref in list(refs_of(payload.rows(one.id))):
            assert answers(payload, {"kind": "blob", "name": ref.name}).nbytes == ref.nbytes
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2**23 < 2 * 16 * 8 * 1024 * 32 * 2  # factors of all, rounded


def test_a_file_has_the_most_telling_heads_and_no_others_are_packed(tmp_path, monkeypatch):
    packed, factored = [], []
    written, factors_of = choosing.written, rows.factors_of
    monkeypatch.setattr(choosing, "written", lambda *one: packed.append(one[1].shape) or written(*one))
    monkeypatch.setattr(rows, "factors_of", lambda map_: factored.append(map_) or factors_of(map_))
    told, choice = choosing.chosen(Payload(run_of(7, 4, 512, 64)), 2_000_000, None)
    kept = [(one.path, [head is not None for head in getattr(one.rows, "heads", [])]) for one in told.maps]
    assert kept[-1] == ("layer.6", [True] * 4)
    heads = [shape for shape in packed if shape == (512, 64)]
    taken = [name for name in choice.arrays if name.endswith((".q", ".k"))]
    assert len(taken) <= len(heads) <= len(taken) + 2
    assert len(factored) < 7
    assert choice.taken <= 2_000_000


def test_a_small_map_is_formed_once_for_all_that_is_told_of_it(monkeypatch):
    payload, made, dense = Payload(run_of(2, 2, 100, 8)), [], AttentionMap.dense
    monkeypatch.setattr(AttentionMap, "dense", lambda self: made.append(self) or dense(self))
    for number in range(2):
        for name in ("mean", "max", "metrics"):
            payload.blob(f"{number}.{name}")
    assert len(made) == 2
