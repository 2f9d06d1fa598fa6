"""A store may be anybody's: what is wrong in it is an error that names it, and never more than that."""

import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import visualizer as viz
from visualizer.attention import AttentionMap, Band, Dense, Factors
from visualizer.calls import Call
from visualizer.errors import StoreError, VisualizerError
from visualizer.run import Run
from visualizer.store.journal import VERSION


def make(path):
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(2, 1, 2, 40, 32)).astype("f4")
    mask = rng.random((40, 40)) > 0.5
    one = Factors(q, k, 0.2, mask=mask, band=Band())
    calls = [
        Call("a", AttentionMap(one), 0, 0, "by hand", item="x"),
        Call("b", AttentionMap(Dense(rng.random((1, 2, 5, 5)))), 0, 1, "by hand", error=float("nan")),
        Call("c", {"x": [1, (2.5, rng.random(3))]}, 0, 2, "local `x` of f"),
    ]
    run = Run(calls)
    run.label(["t"] * 40)
    run.save(path, inputs=True)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "run.zarr"
    make(path)
    return path


@pytest.fixture
def store(good, tmp_path):
    return Path(shutil.copytree(good, tmp_path / "run.zarr"))


def read_all(path):
    """Read all that a reader may look at."""
    run = viz.load(path)
    repr(run)
    for call in run:
        content = call.content
        if isinstance(content, AttentionMap):
            np.asarray(content)
            content[0, 1].entropy()
            content.received()
        repr(call), call.v, call.output, call.levels, call.axes
    return len(run), run.tokens, run.provenance, run.inputs


def log_of(store):
    return next((store / "log").iterdir())


def change(store, kind, function):
    """Change the lines of one kind in the log."""
    lines = [json.loads(line) for line in log_of(store).read_text().splitlines()]
    for line in lines:
        if line["type"] == kind:
            function(line)
    log_of(store).write_text("".join(json.dumps(line) + "\n" for line in lines))


def shards(store):
    return sorted(path for path in store.rglob("c.*") if path.is_file())


def root(store, **about):
    attributes = {"visualizer": {"type": "run", "version": 1, "log": 0, "finished": True, **about}}
    (store / "zarr.json").write_text(
        json.dumps({"zarr_format": 3, "node_type": "group", "attributes": attributes})
    )


def test_a_good_store_is_read(store):
    assert read_all(store)[0] == 3


def test_a_newer_store_is_refused_by_name_and_number(store):
    root(store, version=VERSION + 1)
    with pytest.raises(
        StoreError, match=rf"{store} is of format {VERSION + 1}, and this release reads up to"
    ):
        viz.load(store)


@pytest.mark.parametrize("version", ["1", None, True, -1, 1.0, [1]], ids=str)
def test_a_version_that_is_none_is_refused(store, version):
    root(store, version=version)
    with pytest.raises(StoreError, match="has the version .*; wanted is a whole number"):
        viz.load(store)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(StoreError, match="There is no run .*absent: give a folder or file that was saved"):
        viz.load(tmp_path / "absent")
    wanted = (
        "is no saved run, as no zarr.json is in it: give a folder or file that was saved, such as run.zarr"
    )
    with pytest.raises(StoreError, match=f"^{re.escape(str(tmp_path))} {wanted}"):
        viz.load(tmp_path)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("readme", "")
    for place in (str(tmp_path / "other.zip"), "memory://nowhere"):
        with pytest.raises(StoreError, match=f"^{re.escape(place)} {wanted}"):
            viz.load(place)
    (tmp_path / "zarr.json").write_text("{}")
    with pytest.raises(StoreError, match="is of no run"):
        viz.load(tmp_path)


@pytest.mark.parametrize("left", [None, 1, 0.5, -1])
def test_the_log_of_a_finished_run_that_is_gone_or_cut_short_is_named(store, left):
    log = log_of(store)
    data = log.read_bytes()
    if left is None:
        log.unlink()
    else:
        log.write_bytes(data[: left if isinstance(left, int) else int(left * len(data))])
    why = "it is missing" if left is None else "it is cut short: its last line has no end"
    with pytest.raises(StoreError, match=rf"log/{log.name} was to be read, but {why}"):
        viz.load(store)
    with pytest.raises(StoreError, match=why), viz.capture(path=store, resume=True):
        pytest.fail("nothing goes on after what is lost")


def test_metadata_with_nan_is_refused(store):
    (store / "zarr.json").write_text('{"attributes": NaN}')
    with pytest.raises(StoreError, match="it holds NaN, which JSON has not"):
        viz.load(store)


@pytest.mark.parametrize("name", ["zarr.json", "log"])
def test_json_that_is_nested_too_deep_is_refused(store, name):
    path = store / name if name != "log" else log_of(store)
    path.write_text("[" * 200_000 + "\n")
    with pytest.raises(StoreError):
        viz.load(store)


def test_a_shard_that_is_missing_is_named(store):
    for path in shards(store):
        path.unlink()
    with pytest.raises(StoreError, match=r"arrays/\d+/c\.0\S* was to be read, but it is missing"):
        read_all(store)


@pytest.mark.parametrize("left", [0, 1, 10, 0.5, 0.99])
def test_a_shard_that_is_cut_short_is_named(store, left):
    for path in shards(store):
        data = path.read_bytes()
        path.write_bytes(data[: left if isinstance(left, int) else int(left * len(data))])
    with pytest.raises(StoreError, match=r"arrays/\d+/c\.0"):
        read_all(store)


def test_a_bit_that_flipped_is_seen(store):
    for path in shards(store):
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 1
        path.write_bytes(data)
    with pytest.raises(StoreError, match="checksum"):
        read_all(store)


@pytest.mark.parametrize("shape", [[2**39] * 2, [-1], [1.5], "abc", [[1]], [True], [1] * 99, [0]], ids=str)
def test_an_absurd_shape_is_refused(store, shape):
    change(store, "array", lambda line: line.update(shape=shape))
    with pytest.raises(StoreError):
        read_all(store)


def test_a_gzip_bomb_is_not_unpacked(store):
    from visualizer.store.shards import join_shards, pack, unpack, with_checksum

    bomb = pack(bytes(10**8))
    chunk = with_checksum(bomb)
    for path in shards(store):
        about = json.loads((path.parent / "zarr.json").read_text())["attributes"]["visualizer"]
        if about["packed"]:
            path.write_bytes(join_shards([(chunk, [len(chunk)])], about["per_shard"] - 1))
    with pytest.raises(StoreError, match=r"holds a chunk of more than \d+ bytes"):
        read_all(store)
    with pytest.raises(StoreError, match="more than 1000 bytes; wanted are 1000"):
        unpack(bomb, 1000, "x")


@pytest.mark.parametrize("what", ["file", "folder", "log"])
def test_a_link_out_of_the_store_is_not_followed(store, tmp_path, what):
    outside = tmp_path / "outside"
    target = {"file": shards(store)[0], "folder": store / "arrays", "log": log_of(store)}[what]
    target.rename(outside)
    target.symlink_to(outside)
    with pytest.raises(StoreError, match="not followed"):
        read_all(store)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(store):
    path = log_of(store)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StoreError, match="was to be read, but it is missing"):
        viz.load(store)


def test_a_compressed_zip_is_refused(store, tmp_path):
    with zipfile.ZipFile(tmp_path / "run.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("zarr.json", (store / "zarr.json").read_bytes() + b" " * 10**7)
    with pytest.raises(StoreError, match="compressed or larger"):
        viz.load(tmp_path / "run.zip")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"nonsense" * 100])
def test_a_file_that_is_no_zip_is_refused(tmp_path, data):
    (tmp_path / "run.zip").write_bytes(data)
    with pytest.raises(StoreError, match=r"run.zip was to be read"):
        viz.load(tmp_path / "run.zip")


def test_nothing_is_unpickled(store, monkeypatch):
    import pickle

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, None)
    read_all(store)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\x00b", "<script>", "ä" * 5000, "a/../../b", "\ud800"]
)
def test_hostile_names_are_names_and_no_more(tmp_path, name):
    run = Run([Call(name, AttentionMap(Dense(np.eye(3)[None, None])), 0, 0, name, note=name, item=name)])
    run.save(tmp_path / "run.zarr")
    found = viz.load(tmp_path / "run.zarr")
    assert (found[0].path, found[0].how, found[0].item) == (name, name, name)
    assert [path.name for path in tmp_path.iterdir()] == ["run.zarr"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def put_somewhere(data, found, value):
    """Replace one value, anywhere in nested lists and dictionaries."""
    place = data.draw(st.sampled_from(sorted(found) if isinstance(found, dict) else range(len(found))))
    inner = found[place]
    if isinstance(inner, dict | list) and inner and data.draw(st.integers(0, 3)):
        put_somewhere(data, inner, value)
    else:
        found[place] = value


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), value=JSON)
def test_a_log_with_any_one_thing_changed_is_read_or_refused(good, tmp_path, data, value):
    lines = [json.loads(line) for line in log_of(good).read_text().splitlines()]
    put_somewhere(data, lines, value)
    read_or_refused(good, tmp_path, "".join(json.dumps(line) + "\n" for line in lines).encode())


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_log_with_any_bytes_changed_is_read_or_refused(good, tmp_path, data):
    log = bytearray(log_of(good).read_bytes())
    begin = data.draw(st.integers(0, len(log)))
    log[begin : begin + data.draw(st.integers(0, 50))] = data.draw(st.binary(max_size=20))
    read_or_refused(good, tmp_path, bytes(log))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_shard_with_any_bytes_changed_is_read_or_refused(good, tmp_path, data):
    chosen = data.draw(st.sampled_from(shards(good)))
    shard = bytearray(chosen.read_bytes())
    begin = data.draw(st.integers(0, len(shard)))
    shard[begin : begin + data.draw(st.integers(0, 50))] = data.draw(st.binary(max_size=20))
    read_or_refused(good, tmp_path, bytes(shard), chosen.relative_to(good))


def read_or_refused(good, tmp_path, changed, name=None):
    store = tmp_path / "changed"
    shutil.rmtree(store, ignore_errors=True)
    shutil.copytree(good, store)
    (store / (name or log_of(good).relative_to(good))).write_bytes(changed)
    try:
        read_all(store)
    except VisualizerError as error:
        assert str(error)
