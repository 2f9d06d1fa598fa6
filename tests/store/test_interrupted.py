"""Ctrl-C while a stream closes: the path is free at once, the store is whole, and is gone on with."""

import signal
import sys
import threading
import time

import pytest
import torch
from tests.store.test_streaming import Model

import visualizer as viz
from visualizer.store import places, streaming, writer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send itself Ctrl-C")
FORWARDS = 30


def press():
    """Press Ctrl-C."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def press_until(event):
    """Press Ctrl-C until it was heard: a thread that is just about to wait does not."""
    press()
    while not event(1):
        press()


def left(stream):
    """Return what waits until a stream was left."""

    def wait(seconds):
        end = time.monotonic() + seconds
        while not stream._left and time.monotonic() < end:
            time.sleep(0.001)
        return stream._left

    return wait


def closing(path, monkeypatch):
    """Return a session that has recorded, and all of whose calls wait to be written."""
    monkeypatch.setattr(streaming, "LONGEST", 3600.0)
    monkeypatch.setattr(writer, "LONGEST", 3600.0)
    torch.manual_seed(0)
    model = Model()
    session = viz.capture(model, path=path)
    session.start()
    for number in range(FORWARDS):
        model(torch.full((1, 10, 32), number / FORWARDS))
    return model, session


def goes_on(model, path):
    """Go on at a path, and check each call with what the model computes; return how many were there."""
    with viz.capture(model, path=path, resume=True) as run:
        there = len(run)
        for number in range(there // 2, FORWARDS):
            model(torch.full((1, 10, 32), number / FORWARDS))
    for number in range(FORWARDS):
        with viz.capture(model) as held:
            model(torch.full((1, 10, 32), number / FORWARDS))
        for call, one in zip(run[2 * number : 2 * number + 2], held, strict=True):
            assert (call.path, call.number) == (one.path, number)
            assert torch.equal(call.map.array(), one.map.array())
    assert len(viz.load(path)) == 2 * FORWARDS
    return there


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (writer.Writer, "commit"),  # what is being written is written to its end
        (places.Folder, "settle"),  # while files are joined
        (places.Folder, "remove"),  # when they are joined
    ],
)
def test_a_stream_that_is_interrupted_while_it_closes_lets_go_of_its_path(tmp_path, monkeypatch, owner, name):
    path, real, pressed = tmp_path / "run.zarr", getattr(owner, name), []

    def method(*arguments):
        if not pressed:
            pressed.append(name)
            press()
        return real(*arguments)

    model, session = closing(path, monkeypatch)
    monkeypatch.setattr(owner, name, method)
    with pytest.raises(KeyboardInterrupt):
        session.stop()
    assert pressed
    monkeypatch.undo()
    with viz.capture(model) as run:  # all was put back
        model(torch.zeros(1, 10, 32))
    assert len(run) == 2
    assert goes_on(model, path) == 2 * FORWARDS


def test_what_still_waits_to_be_written_is_let_go_of(tmp_path, monkeypatch):
    path, real, streams, written = tmp_path / "run.zarr", writer.Writer.write, [], []

    def write(self, call):
        while not (streams and streams[0]._awaited):
            time.sleep(0.001)  # until it closes
        written.append(call)
        if len(written) == 2:
            press_until(left(streams[0]))
        real(self, call)

    monkeypatch.setattr(writer.Writer, "write", write)
    model, session = closing(path, monkeypatch)
    streams.append(session._listener._filling._stream)
    with pytest.raises(KeyboardInterrupt):
        session.stop()
    monkeypatch.undo()
    assert goes_on(model, path) == 2


def test_a_stream_that_is_interrupted_twice_lets_go_of_its_path_when_it_has_written(tmp_path, monkeypatch):
    real, path = writer.Writer.commit, tmp_path / "run.zarr"

    def commit(self):
        press_until(left(stream))
        press_until(interrupted.wait)
        real(self)

    model, session = closing(path, monkeypatch)
    stream, interrupted = session._listener._filling._stream, threading.Event()
    monkeypatch.setattr(writer.Writer, "commit", commit)
    with pytest.raises(KeyboardInterrupt):
        session.stop()
    interrupted.set()
    while not stream._ended:
        time.sleep(0.001)
    monkeypatch.undo()
    assert goes_on(model, path) == 2 * FORWARDS


def test_a_run_that_cannot_be_counted_on_from_is_not_locked(tmp_path, monkeypatch):
    path = tmp_path / "run.zarr"
    model, session = closing(path, monkeypatch)
    session.stop()
    monkeypatch.setattr(streaming.Stream, "calls", lambda _stream: press() or time.sleep(10))
    with pytest.raises(KeyboardInterrupt):
        viz.capture(model, path=path, resume=True).start()
    monkeypatch.undo()
    assert goes_on(model, path) == 2 * FORWARDS
