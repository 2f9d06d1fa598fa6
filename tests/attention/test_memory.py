"""Nothing of the size of the map is ever formed unasked."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from visualizer.attention import AttentionMap, Band, Factors

READS = {
    "row": lambda a, n: a.row(-1),
    "apply": lambda a, n: a @ np.ones((n, 4)),
    "wide": lambda a, n: a[..., -512:, :] @ np.ones((n, 40)),
    "apply_t": lambda a, n: a.T @ np.ones((n, 4)),
    "entropy": lambda a, n: a.entropy(),
    "received": lambda a, n: a.received(how="mean"),
    "mass": lambda a, n: a.mass({"first": slice(0, 4), "rest": slice(4, None)}),
    "position": lambda a, n: a.expected_position(),
    "pool": lambda a, n: a.pool(64),
    "masked": lambda a, n: a.masked_rows,
    "topk": lambda a, n: a[:, : n // 8].topk(8),
    "max": lambda a, n: a[:, : n // 8].pool(32, how="max"),
    "quantile": lambda a, n: a[:, : n // 16].quantile(0.5),
    "logits": lambda a, n: a.logits[:, 5].numpy(),
    "product": lambda a, n: (a * a)[:, :512].pool(8),
    "heads": lambda a, n: a.heads("max")[:, :512].argmax(),
}


class Largest(TorchDispatchMode):
    """Notes the largest tensor that any operator makes, views aside."""

    size = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for tensor in found if isinstance(found, tuple | list) else [found]:
            if isinstance(tensor, torch.Tensor):
                self.size = max(self.size, tensor.untyped_storage().nbytes())
        return found


@pytest.mark.parametrize("read", READS)
def test_no_tensor_comes_near_the_size_of_the_map(read):
    n = 8192
    q, k = torch.randn(2, 1, n, 16, generator=torch.Generator().manual_seed(0))
    a = AttentionMap(Factors(q, k, 0.25, band=Band(0, 1000, 0) if read in {"received", "masked"} else None))
    with Largest() as largest:
        READS[read](a, n)
    assert 0 < largest.size <= a.nbytes_dense / 8


@pytest.mark.parametrize("read", READS)
def test_numpy_takes_no_more_than_blocks(read):
    n = 3072
    q, k = np.random.default_rng(0).normal(size=(2, 1, n, 16)).astype(np.float32)
    a = AttentionMap(Factors(q, k, 0.25))
    tracemalloc.start()
    READS[read](a, n)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 0.6 * a.nbytes_dense  # 8 MB of blocks and what they are made of


RESIDENT = """
import sys, threading
import psutil, torch
from visualizer.attention import AttentionMap, Band, Factors

torch.set_num_threads(1)
rows = int(sys.argv[2])
q, k = torch.randn(2, 1, rows, 32, generator=torch.Generator().manual_seed(0))
more = {
    "entropy": {"mask_mod": lambda b, h, i, j: i >= j},
    "received": {"slopes": torch.ones(1), "band": Band()},
}[sys.argv[1]]
a = AttentionMap(Factors(q, k, 0.2, **more))
a[:, :3].entropy()
resident, peak, ended = psutil.Process().memory_info, 0, threading.Event()

def watch():
    global peak
    while not ended.wait(0.002):
        peak = max(peak, resident().rss)

before, thread = resident().rss, threading.Thread(target=watch)
thread.start()
getattr(a, sys.argv[1])()
ended.set()
thread.join()
print(max(peak - before, 0))
"""


@pytest.mark.parametrize("read", ["entropy", "received"])
def test_memory_that_the_process_takes_is_that_of_blocks(read):
    taken = {
        rows: int(subprocess.check_output([sys.executable, "-c", RESIDENT, read, str(rows)]))
        for rows in (8192, 16384)
    }
    assert taken[16384] <= 2.5 * taken[8192]
    assert taken[16384] <= 16384**2 * 4 / 4


def test_a_window_costs_what_it_sees():
    n = 20_000
    q = torch.randn(1, n, 8, generator=torch.Generator().manual_seed(0))
    a = AttentionMap(Factors(q, q, 0.3, band=Band(0, 60, 0)))
    assert float((a @ np.ones(n)).sum()) == pytest.approx(n, rel=1e-5)
    assert float(a.received().sum()) == pytest.approx(n, rel=1e-5)
