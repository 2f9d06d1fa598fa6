"""Runs as one of two processes: a model spread over both in several ways, next to the whole one."""

import sys

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.nn import functional

import visualizer
from visualizer.errors import CallsError

X = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(1))


class Attention(nn.Module):
    def __init__(self, *, fused):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(32, 32) for _ in range(4))
        self.fused = fused

    def forward(self, x):
        q, k, v = (layer(x).unflatten(-1, (-1, 8)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        attend = functional.scaled_dot_product_attention if self.fused else by_hand
        return self.o(attend(q, k, v).transpose(1, 2).flatten(2))


def by_hand(q, k, v):
    return (q @ k.mT / 8**0.5).softmax(-1) @ v


def new_model():
    torch.manual_seed(0)
    return nn.Sequential(Attention(fused=True), Attention(fused=False))


def recorded(model, *, train=False):
    with visualizer.capture(model) as run:
        output = model(X)
        if train:
            output.sum().backward()
    return run, output


def compare(run, output, *, heads=slice(None)):
    whole, expected = recorded(new_model())
    torch.testing.assert_close(output, expected)
    assert run.paths == whole.paths == ["0", "1"]
    for call, wanted in zip(run, whole, strict=True):
        torch.testing.assert_close(call.map.tensor(), wanted.map.tensor()[:, heads], atol=1e-6, rtol=0)


def data_parallel(rank):
    model = nn.parallel.DistributedDataParallel(new_model())
    compare(*recorded(model, train=True))
    compare(*recorded(model))


def fully_sharded(rank):
    model = new_model()
    for part in (*model, model):
        fully_shard(part)
    compare(*recorded(model, train=True))
    compare(*recorded(model))


def tensor_parallel(rank):
    model = new_model()
    inner = {f"{layer}.{name}": ColwiseParallel() for layer in "01" for name in "qkv"}
    outer = {f"{layer}.o": RowwiseParallel() for layer in "01"}
    parallelize_module(model, init_device_mesh("cpu", (2,)), inner | outer)
    run, output = recorded(model)
    compare(run, output, heads=slice(2 * rank, 2 * rank + 2))
    together = run.gather()
    compare(together, output)
    assert 0 < together[0].error < 1e-6
    assert together[0].map.nbytes == 2 * run[0].map.nbytes  # factors, not the map


def different_calls(rank):
    run, _ = recorded(new_model())
    try:
        run[: rank + 1].gather()
    except CallsError as error:
        assert "the ranks hold different calls (1, 2)" in str(error)
    else:
        raise AssertionError


def main(name, rank, meeting):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    globals()[name](rank)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
