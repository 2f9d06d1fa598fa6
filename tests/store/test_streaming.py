"""A run that is written while the model runs: nothing is held, nothing committed is lost."""

import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

import visualizer as viz
from visualizer.axes import Unknown
from visualizer.errors import OptionError, StoreError


class Model(torch.nn.Module):
    def __init__(self, layers=2):
        super().__init__()
        layer = torch.nn.TransformerEncoderLayer(32, 4, batch_first=True, dropout=0.0)
        self.encoder = torch.nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, x):
        return self.encoder(x)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Model()


@pytest.fixture
def x():
    return torch.randn(2, 10, 32)


def same(run, other):
    assert len(run) == len(other)
    for one, its in zip(run, other, strict=True):
        assert (one.path, one.number, one.step, one.item, one.rows) == (
            its.path,
            its.number,
            its.step,
            its.item,
            its.rows,
        )
        assert torch.equal(one.map.array(), its.map.array())


def test_a_streamed_run_is_the_one_that_is_held(model, x, tmp_path):
    with viz.capture(model) as held, held.item("a", rows=[1, 2]):
        out = model(x), model(x + 1)
    with viz.capture(model, path=tmp_path / "run.zarr") as run, run.item("a", rows=[1, 2]):
        streamed = model(x), model(x + 1)
    assert all(map(torch.equal, out, streamed))
    same(held, run)
    same(held, viz.load(tmp_path / "run.zarr"))
    assert run.nbytes == 0


def test_calls_are_there_within_the_block(model, x, tmp_path):
    with viz.capture(model, path=tmp_path / "run.zarr") as run:
        model(x)
        assert len(run) == 2
        assert run[-1].shape == (2, 4, 10, 10)


def test_calls_that_were_taken_within_the_block_are_read_after_it(model, x, tmp_path):
    with viz.capture(model, path=tmp_path / "run.zarr") as run:
        for _ in range(20):
            model(x)
        call, other = run[3], viz.load(tmp_path / "run.zarr")
        assert len(other) == 40
    assert torch.equal(call.map.array(), run[3].map.array())
    same(run, other)


def test_a_run_that_is_finished_while_it_is_opened_is_read_whole(model, x, tmp_path, monkeypatch):
    from visualizer.store import reader
    from visualizer.store.finishing import finish

    def log_of_then(place, first):
        monkeypatch.undo()
        finish(place)
        return read_log(place, first)

    with viz.capture(model, path=tmp_path / "run.zarr") as run:
        model(x)
        assert len(run) == 2
        shutil.copytree(tmp_path / "run.zarr", tmp_path / "copy.zarr")
    read_log = reader.read_log
    monkeypatch.setattr(reader, "read_log", log_of_then)
    same(run, viz.load(tmp_path / "copy.zarr"))


def test_a_finished_run_has_few_files(model, x, tmp_path):
    with viz.capture(model, path=tmp_path / "run.zarr"):
        for _ in range(20):
            model(x)
    files = [path for path in (tmp_path / "run.zarr").rglob("*") if path.is_file()]
    assert len(files) <= 4 + 2 * 4


def test_calls_that_wait_are_written_together(model, x, tmp_path, monkeypatch):
    from visualizer.store import places, writer

    written, write = [], places.Folder.write
    monkeypatch.setattr(places.Folder, "write", lambda *about: written.append(about[1]) or write(*about))
    monkeypatch.setattr(writer, "LONGEST", 3600.0)
    with viz.capture(model) as run:
        for _ in range(40):
            model(x)
    run.save(tmp_path / "run.zarr")
    arrays = 2 * 2  # queries and keys of two modules
    assert (
        len(written) == 2 + 3 * arrays + 2
    )  # the roots; a file of each array, what it is, twice; the log, the root
    same(run, viz.load(tmp_path / "run.zarr"))


def test_a_run_goes_on_where_it_stopped(model, x, tmp_path):
    with viz.capture(model) as held:
        model(x), model(x), model(x)
    for resume in (False, True, True):
        with viz.capture(model, path=tmp_path / "run.zarr", resume=resume):
            model(x)
    same(held, viz.load(tmp_path / "run.zarr"))


def test_a_session_that_is_started_again_goes_on(model, x, tmp_path):
    session = viz.capture(model, path=tmp_path / "run.zarr")
    for _ in range(2):
        session.start()
        model(x)
        session.stop()
    assert [call.number for call in viz.load(tmp_path / "run.zarr")] == [0, 0, 1, 1]


def test_a_path_that_is_taken_is_refused_before_anything_runs(model, x, tmp_path):
    with viz.capture(model, path=tmp_path / "run.zarr"):
        model(x)
    with (
        pytest.raises(StoreError, match="resume=True to go on"),
        viz.capture(model, path=tmp_path / "run.zarr"),
    ):
        raise AssertionError("not reached")
    assert len(viz.load(tmp_path / "run.zarr")) == 2
    with viz.capture(model) as run:  # all was put back
        model(x)
    assert len(run) == 2


def test_a_zip_file_is_not_streamed_to_but_made_of_what_was_streamed(model, x, tmp_path):
    with pytest.raises(StoreError, match=r"run\.zip' was asked for, but a zip file is written whole: give a"):
        viz.capture(model, path=tmp_path / "run.zip").start()
    assert not list(tmp_path.iterdir())
    with viz.capture(model, path=tmp_path / "run.zarr") as run:
        model(x)
    viz.load(tmp_path / "run.zarr").save(tmp_path / "run.zip")
    same(run, viz.load(tmp_path / "run.zip"))


def test_two_writers_are_refused(model, x, tmp_path):
    with viz.capture(model, path=tmp_path / "run.zarr"):
        model(x)
        other = viz.capture(model, path=tmp_path / "run.zarr", resume=True)
        who = f"being written by another run, process {os.getpid()} on {platform.node()}: wait"
        with pytest.raises(StoreError, match=re.escape(who)):
            other.start()
    assert len(viz.load(tmp_path / "run.zarr")) == 2


def test_a_writer_that_was_killed_holds_nothing(model, x, tmp_path):
    code = CHILD_THAT_HANGS.format(folder=str(Path(__file__).parent), path=str(tmp_path / "run.zarr"))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"2\n"
        session = viz.capture(model, path=tmp_path / "run.zarr", resume=True)
        with pytest.raises(StoreError, match=f"another run, process {process.pid} on "):
            session.start()
        process.kill()
    with viz.capture(model, path=tmp_path / "run.zarr", resume=True) as run:
        model(x)
    assert len(run) == 4


forking = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
threaded = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@forking
@threaded
def test_a_forked_process_that_leaves_the_block_finishes_nothing(model, x, tmp_path):
    child = -1
    try:
        with viz.capture(model, path=tmp_path / "run.zarr") as run:
            model(x)
            child = os.fork()
            if child:
                os.waitpid(child, 0)
                model(x)
    finally:
        if not child:
            os._exit(0)
    assert len(run) == 4
    assert [call.number for call in viz.load(tmp_path / "run.zarr")] == [0, 0, 1, 1]


@forking
@threaded
def test_a_forked_process_that_lives_on_does_not_keep_the_lock(model, x, tmp_path):
    read, write = os.pipe()
    with viz.capture(model, path=tmp_path / "run.zarr"):
        model(x)
        if not (child := os.fork()):
            os.close(write)
            os.read(read, 1)  # until the other end is closed
            os._exit(0)
    with viz.capture(model, path=tmp_path / "run.zarr", resume=True) as run:
        model(x)
    os.close(write)
    os.waitpid(child, 0)
    os.close(read)
    assert len(run) == 4


def test_a_store_that_cannot_be_gone_on_with_is_not_locked(model, x, tmp_path):
    path = tmp_path / "run.zarr"
    with viz.capture(model, path=path):
        model(x)
    root = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(root.replace('"version": 1', '"version": 99'))
    with pytest.raises(StoreError, match="is of format 99"), viz.capture(model, path=path, resume=True):
        pass
    (path / "zarr.json").write_text(root)
    with viz.capture(model, path=path, resume=True) as run:
        model(x)
    assert len(run) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="Windows always has locks")
def test_a_file_system_without_locks_is_written_to(model, x, tmp_path, monkeypatch):
    import errno
    import fcntl

    def flock(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    with viz.capture(model, path=tmp_path / "run.zarr") as run:
        model(x)
    assert len(run) == 2


CHILD_THAT_HANGS = """
import sys, threading, torch, visualizer as viz
sys.path.insert(0, {folder!r})
from test_streaming import Model
model = Model()
with viz.capture(model, path={path!r}) as run:
    model(torch.randn(2, 10, 32))
    print(len(run), flush=True)
    threading.Event().wait()
"""


def test_a_run_is_read_while_it_is_written(model, x, tmp_path):
    with viz.capture(model, path=tmp_path / "run.zarr") as run:
        model(x)
        len(run)  # waits for the writer
        assert len(viz.load(tmp_path / "run.zarr")) == 2
        model(x)
    assert len(viz.load(tmp_path / "run.zarr")) == 4


FULL = """
import resource, signal, sys, torch, visualizer as viz
sys.path.insert(0, {folder!r})
from test_streaming import Model
torch.manual_seed(0)
model, x = Model(), torch.randn(2, 10, 32)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
plain = model(x)
session = viz.capture(model, path={path!r})
session.start()
model(x)
print(len(session.run))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
print(all(torch.equal(model(x), plain) for _ in range(5)))
try:
    session.stop()
except viz.errors.StoreError as error:
    print(error)
"""


def child(source, **about):
    code = source.format(folder=str(Path(__file__).parent), **about)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr
    return result.stdout.splitlines()


def test_a_full_disk_stops_the_recording_and_not_the_model(tmp_path, model, x):
    path = str(tmp_path / "run.zarr")
    there, equal, error = child(FULL, path=path)
    assert (there, equal) == ("2", "True")
    assert error.startswith(f"{path} could not be written: File too large; what was written before is whole")
    assert len(viz.load(path)) == 2
    with viz.capture(model, path=path, resume=True):
        model(x)
    assert [call.number for call in viz.load(path)] == [0, 0, 1, 1]


def test_a_path_below_a_file_cannot_be_written(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        viz.capture(model, path=tmp_path / "file" / "run.zarr").start()


def test_a_folder_that_becomes_read_only_stops_the_recording(model, x, tmp_path):
    path = tmp_path / "run.zarr"
    session = viz.capture(model, path=path)
    session.start()
    model(x)
    len(session.run)
    (path / "arrays").rename(path / "moved")
    (path / "arrays").write_text("in the way")
    model(x)
    with pytest.raises(StoreError, match="could not be written"):
        session.stop()


def test_what_cannot_be_stored_is_told_and_stops_nothing_else(x, tmp_path):
    class Odd(torch.nn.Module):
        def forward(self, x, odd):
            value = iter(()) if odd else x
            return x

    model = Odd()
    session = viz.capture(model, locals="value", path=tmp_path / "run.zarr")
    session.start()
    model(x, False), model(x, True), model(x, False)
    with pytest.raises(StoreError, match="a tuple_iterator was to be stored"):
        session.stop()
    assert [call.number for call in viz.load(tmp_path / "run.zarr")] == [0, 2]


def test_a_model_that_writes_into_what_is_held_does_not_change_the_run(tmp_path):
    class Writes(torch.nn.Module):
        def forward(self, q, k):
            out = torch.nn.functional.scaled_dot_product_attention(q, k, k)
            q.zero_()
            return out

    model = Writes()
    with viz.capture(model, path=tmp_path / "run.zarr") as run:
        calls = [torch.randn(2, 1, 2, 64, 64) for _ in range(30)]
        kept = [pair[0].clone() for pair in calls]
        for q, k in calls:
            model(q, k)
    for call, q in zip(run, kept, strict=True):
        assert torch.equal(call.map._source.whole().factors.q, q)


def test_as_much_waits_as_the_budget_says(model, tmp_path, monkeypatch):
    from visualizer.store import writer

    gate, most = threading.Event(), []
    write = writer.Writer.write

    def slow(self, call):
        gate.wait(0.01)
        most.append(session._listener._filling._stream._waiting)
        write(self, call)

    monkeypatch.setattr(writer.Writer, "write", slow)
    session = viz.capture(model, path=tmp_path / "run.zarr", budget="50 kB")
    session.start()
    for _ in range(20):
        model(torch.randn(2, 10, 32))
    session.stop()
    assert max(most) <= 50_000
    assert len(viz.load(tmp_path / "run.zarr")) == 40


def test_what_made_a_run_is_in_it(model, x, tmp_path):
    with viz.capture(model, path=tmp_path / "one.zarr"):
        model(x)
    with viz.capture(model) as run:
        model(x)
    run.save(tmp_path / "two.zarr")
    one, two = (viz.load(tmp_path / f"{name}.zarr").provenance for name in ("one", "two"))
    assert one["model"].endswith("test_streaming.Model") or one["model"].endswith("Model")
    assert one["weights"] == two["weights"]
    assert {"torch", "dtype", "seed", "tf32", "visualizer", "packages", "python"} <= one.keys()
    (forward,) = one["inputs"]
    with torch.no_grad():
        next(model.parameters()).flatten()[0] += 1
    with viz.capture(model, path=tmp_path / "three.zarr"):
        model(x)
    three = viz.load(tmp_path / "three.zarr").provenance
    assert three["weights"] != one["weights"]
    assert three["inputs"] == [forward]


def test_weights_that_differ_have_another_hash():
    from visualizer.making import hash_weights

    torch.manual_seed(0)
    model = Model(1)
    model.wide = torch.nn.Linear(128, 128)  # more numbers than are looked at
    first = hash_weights(model)
    assert first.startswith("sampled:")
    assert hash_weights(model) == first
    seen = {first}
    optimizer = torch.optim.SGD(model.encoder.parameters(), lr=1e-4)
    for _ in range(5):  # a step of training each
        optimizer.zero_grad()
        model(torch.randn(2, 10, 32)).square().mean().backward()
        optimizer.step()
        seen.add(hash_weights(model))
    with torch.no_grad():
        for column in range(128):
            model.wide.weight[:, column] += 1e-3
            seen.add(hash_weights(model))
        for row in range(128):
            model.wide.weight[row] += 1e-3
            seen.add(hash_weights(model))
        model.wide.weight += 1e-2 * torch.outer(torch.randn(128), torch.randn(128))  # as LoRA merges
        seen.add(hash_weights(model))
    assert len(seen) == 1 + 5 + 128 + 128 + 1


def test_inputs_are_stored_only_where_they_are_asked_for(model, x, tmp_path):
    with viz.capture(model, path=tmp_path / "with.zarr", inputs=True), torch.no_grad():
        model(x)
        model(x + 1)
    with viz.capture(model, path=tmp_path / "without.zarr"):
        model(x)
    found = viz.load(tmp_path / "with.zarr").inputs
    assert [list(values) for values in found] == [["x"], ["x"]]
    assert torch.equal(found[1]["x"], x + 1)
    assert viz.load(tmp_path / "without.zarr").inputs[0] == {}


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"resume": True}, "give path= too"),
        ({"inputs": True}, "give path= too"),
        ({"path": 3}, "path=3 was asked for"),
        ({"path": "x", "gradients": True}, "what they need of the graph cannot be stored"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(model, options, what):
    with pytest.raises(OptionError, match=what):
        viz.capture(model, **options)


def test_ids_of_a_text_model_are_kept_with_inputs_and_counted_without(tmp_path):
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    model, ids = BertModel(config).eval(), torch.tensor([[1, 7, 9, 3]])
    for inputs in (True, False):
        with torch.no_grad(), viz.capture(model, path=tmp_path / f"{inputs}.zarr", inputs=inputs) as run:
            model(ids)
    kept, counted = (viz.load(tmp_path / f"{inputs}.zarr").axis(run.paths[0]) for inputs in (True, False))
    assert tuple(kept.segments[0].ids) == (1, 7, 9, 3)
    assert [type(one) for one in counted.segments] == [Unknown]
    assert counted.length == 4


def test_a_url_takes_a_stream(model, x, tmp_path):
    with viz.capture(model, path="memory://streams/run.zarr"):
        model(x)
    with viz.capture(model, path="memory://streams/run.zarr", resume=True) as run:
        model(x)
    assert [call.number for call in run] == [0, 0, 1, 1]
