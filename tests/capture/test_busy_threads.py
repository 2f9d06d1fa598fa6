"""Sessions that begin and end while other threads run models: torch's tables are not changed under them."""

import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
import torch
from torch import nn

import visualizer
from visualizer.recorders import dispatcher


class Attention(nn.Module):
    """Attention of one head, fused or written out."""

    def __init__(self, *, fused):
        super().__init__()
        self.qkv, self.fused = nn.Linear(16, 48), fused

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        if self.fused:
            return x + nn.functional.scaled_dot_product_attention(q, k, v)
        return x + (q @ k.mT / 4.0).softmax(-1) @ v


def make(seed):
    torch.manual_seed(seed)
    return nn.Sequential(*(Attention(fused=bool((seed + layer) % 2)) for layer in range(3))), torch.randn(
        2, 5, 16
    )


def settled(model, x):
    """The output once a thread has warmed up: its first products may be rounded otherwise."""
    return [model(x) for _ in range(3)][-1]


@contextmanager
def running(number):
    """Threads that run models of their own; what went wrong in them."""
    stop, problems = threading.Event(), []

    def run(seed):
        model, x = make(seed)
        with torch.no_grad():
            expected = settled(model, x)
            try:
                while not stop.is_set():
                    assert torch.equal(model(x), expected)
            except Exception as error:
                problems.append(error)

    threads = [threading.Thread(target=run, args=(10 + seed,)) for seed in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield problems
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def followed():
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    return [
        name
        for name in ("mm", "bmm", "_softmax", "add.Tensor")
        if has_kernel(f"aten::{name}", "BackendSelect")
    ]


def test_models_on_other_threads_run_on_while_sessions_come_and_go():
    model, x = make(0)
    with torch.no_grad(), running(2) as problems:
        expected = settled(model, x)
        for _ in range(60):
            with visualizer.capture(model) as run:
                assert torch.equal(model(x), expected)
            assert len(run) == 3
    assert problems == []


def test_sessions_of_several_threads_do_not_disturb_one_another():
    problems = []

    def record(seed):
        try:
            model, x = make(seed)
            with torch.no_grad():
                expected = settled(model, x)
                for _ in range(20):
                    with visualizer.capture(model) as run:
                        assert torch.equal(model(x), expected)
                    assert [call.path for call in run] == ["0", "1", "2"]
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=record, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


@pytest.mark.parametrize("ends", ["with the block", "afterwards"])
def test_operators_are_given_back_as_soon_as_a_thread_is_alone(monkeypatch, ends):
    never_busy = -1.0  # seconds: the other thread may call in the very moment of asking
    monkeypatch.setattr(dispatcher, "MOMENT", 60.0 if ends == "afterwards" else never_busy)
    model, x = make(0)
    with torch.no_grad(), running(1) as problems:
        with visualizer.capture(model):
            model(x)
        if ends == "with the block":
            assert followed() == []
        else:
            assert "mm" in followed()
    monkeypatch.setattr(dispatcher, "MOMENT", never_busy)
    torch.randn(3, 3) @ torch.randn(3, 3)
    assert followed() == []
    assert problems == []


LOOKING = """
import gc, threading
from visualizer.recorders.threads import frames_of_threads

class Cycle:
    def __init__(self):
        self.itself, self.local = self, threading.local()
        self.local.value = 1

def wait(begun, end):
    begun.release()
    end.acquire()

for more in range(30):  # so that in one round the collection begins while the frames are made
    begun, ends = threading.Lock(), [threading.Lock() for _ in range(4)]
    threads = [threading.Thread(target=wait, args=(begun, end)) for end in ends]
    for thread, end in zip(threads, ends):
        end.acquire(), begun.acquire()
        thread.start()
        begun.acquire(), begun.release()
    gc.collect(), gc.disable()
    for _ in range(100):
        Cycle()
    gc.set_threshold(gc.get_count()[0] + more)
    gc.enable()
    assert len(frames_of_threads()) == 5
    assert gc.isenabled()
    for thread, end in zip(threads, ends):
        end.release(), thread.join()
"""


def test_looking_at_other_threads_does_not_wait_for_itself_in_a_garbage_collection():
    subprocess.run([sys.executable, "-c", LOOKING], check=True, timeout=60)
