"""Runs as one of two processes: a model spread over both in several ways, next to the whole one."""

import sys

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    PrepareModuleInput,
    RowwiseParallel,
    parallelize_module,
)
from torch.nn import functional

import visualizer
from visualizer.errors import CallsError

CPU = torch.device("cpu")
X = torch.randn(2, 6, 32, generator=torch.Generator().manual_seed(1))


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


def recorded(model, *, train=False, **options):
    with visualizer.capture(model, **options) as run:
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


def compare_gradients(model, *, together=False):
    run, output = recorded(model, gradients=True)
    whole, expected = recorded(new_model(), gradients=True)
    found = run.gradients(output.square().sum())
    found = found.gather() if together else found
    for call, wanted in zip(found, whole.gradients(expected.square().sum()), strict=True):
        torch.testing.assert_close(call.map.tensor(), wanted.map.tensor(), atol=1e-5, rtol=1e-5)


def data_parallel(rank):
    half = new_model()
    half[0].requires_grad_(False)
    for inner, options in (
        (new_model(), {}),
        (new_model(), {"find_unused_parameters": True}),
        (half, {}),
    ):
        model = nn.parallel.DistributedDataParallel(inner, **options)
        compare(*recorded(model, train=True))
        compare(*recorded(model))
        compare_gradients(model)
    compare(recorded(model)[0].gather(), model(X))  # each rank holds all heads


def fully_sharded(rank):
    for frozen in (False, True):
        model = new_model().requires_grad_(not frozen)
        for part in (*model, model):
            fully_shard(part)
        compare(*recorded(model, train=not frozen))
        compare(*recorded(model))
        compare_gradients(model)


def fully_sharded_of_old(rank):
    model = nn.Sequential(*(FullyShardedDataParallel(part, device_id=CPU) for part in new_model()))
    model = FullyShardedDataParallel(model, device_id=CPU)
    compare(*recorded(model, train=True))
    compare_gradients(model)


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
    compare_gradients(model, together=True)


def sequence_parallel(rank):
    """Each rank is given, and gives, its part of the sequence; heads are split in between."""
    model, mesh = new_model(), init_device_mesh("cpu", (2,))
    for layer in model:
        plan = {name: ColwiseParallel() for name in "qkv"} | {"o": RowwiseParallel(output_layouts=Shard(1))}
        parallelize_module(layer, mesh, plan)
        whole = PrepareModuleInput(input_layouts=(Shard(1),), desired_input_layouts=(Replicate(),))
        parallelize_module(layer, mesh, whole)
    wanted, expected = recorded(new_model())
    with visualizer.capture(model) as run:
        output = model(X.chunk(2, 1)[rank])
    torch.testing.assert_close(output, expected.chunk(2, 1)[rank])
    for call, one in zip(run.gather(), wanted, strict=True):
        torch.testing.assert_close(call.map.tensor(), one.map.tensor(), atol=1e-6, rtol=0)


class Distributed(nn.Module):
    """Attention on tensors that are spread over the ranks."""

    def __init__(self, attend):
        super().__init__()
        self.attend = attend

    def forward(self, q, k, v):
        return self.attend(q, k, v)


def distributed_tensors(rank):
    mesh, whole = init_device_mesh("cpu", (2,)), torch.randn(2, 4, 6, 8, generator=torch.manual_seed(0))
    model = Distributed(by_hand)
    with visualizer.capture(model) as wanted:
        model(whole, whole, whole)
    for attend, queries, keys in (
        (by_hand, Shard(1), Shard(1)),
        (by_hand, Replicate(), Replicate()),
        (functional.scaled_dot_product_attention, Shard(0), Shard(0)),
        (functional.scaled_dot_product_attention, Shard(2), Replicate()),
        (functional.scaled_dot_product_attention, Replicate(), Replicate()),
        (functional.scaled_dot_product_attention, Shard(1), Shard(1)),
    ):
        model = Distributed(attend)
        q, k = (distribute_tensor(whole, mesh, [place]) for place in (queries, keys))
        alone = model(q, k, k)
        with visualizer.capture(model, gradients=True) as run:
            during = model(q, k, k)
        assert torch.equal(alone.to_local(), during.to_local())
        assert "seen but not recorded" not in repr(run)
        (call,) = run.gather()
        torch.testing.assert_close(call.map.tensor(), wanted[0].map.tensor(), atol=1e-6, rtol=0)


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
