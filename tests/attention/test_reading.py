"""A flag for recorders; torch is loaded by tensors alone."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from visualizer.attention import AttentionMap, Band, Factors, is_reading


class Flags(TorchDispatchMode):
    """Notes whether the flag was up at each operator that computes."""

    def __init__(self):
        super().__init__()
        self.seen = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.seen.setdefault(function.__name__, set()).add(is_reading())
        return function(*args, **(kwargs or {}))


def test_the_flag_is_up_in_every_computation():
    q = torch.randn(1, 40, 8, generator=torch.Generator().manual_seed(0))
    a = AttentionMap(Factors(q, q, 0.3, band=Band()))
    with Flags() as flags:
        for read in (a.tensor, a.entropy, a.received, lambda: a.pool(3), lambda: a @ q[0], lambda: a.topk(2)):
            read()
    for name in ("_scaled_dot_product_flash_attention_for_cpu.default", "bmm.default", "exp.default"):
        assert flags.seen[name] == {True}
    assert not is_reading()


def test_the_flag_comes_down_when_reading_fails():
    def fails(b, h, i, j):
        raise RuntimeError("no mask")

    a = AttentionMap(Factors(torch.zeros(1, 4, 2), torch.zeros(1, 4, 2), 1.0, mask_mod=fails))
    try:
        a.tensor()
    except RuntimeError:
        assert not is_reading()


def test_numpy_alone_needs_no_torch(python):
    program = """
import sys
sys.modules["torch"] = None
import numpy as np
from visualizer.attention import AttentionMap, Band, Factors
a = AttentionMap(Factors(np.ones((1, 3, 2)), np.ones((1, 3, 2)), 1.0, band=Band()))
print(a.received().round(3).tolist(), a.entropy().shape, (a @ np.ones(3)).tolist())
try:
    a.tensor()
except ImportError as error:
    print(error)
"""
    done = python("-c", program)
    assert done.stdout.splitlines()[0] == "[[1.833, 0.833, 0.333]] (1, 3) [[1.0, 1.0, 1.0]]", done.stderr
    assert "pip install" in done.stdout


def test_tensors_load_torch_and_arrays_do_not(python):
    program = "import visualizer.attention, sys; print('torch' in sys.modules)"
    assert python("-c", program).stdout.strip() == "False"
