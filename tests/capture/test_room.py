"""Memory on a device: a share of what is free there, then the host's."""

import pytest
import torch

import visualizer
from visualizer.attention import AttentionMap, Dense
from visualizer.calls import Call
from visualizer.errors import MemoryBudgetError
from visualizer.recorders.growing import GrowingKeys
from visualizer.recorders.holding import Holder
from visualizer.room import Room

DEVICE, HOST = torch.device("cuda", 1), torch.device("cpu")  # the first is a name alone
SIZE = 4 * 100


def call_of(number):
    return Call("layer", AttentionMap(Dense(torch.rand(1, 1, 10, 10))), number, number, "a test")


def test_a_device_is_full_when_half_of_its_free_memory_is_held():
    asked = []
    room = Room(10**9, free=lambda device: asked.append(device) or 2 * 3 * SIZE)
    calls = [call_of(number) for number in range(4)]
    full = []
    for call in calls[:3]:
        full.append(room.is_full(DEVICE))
        assert not room.missing(call, DEVICE)
    assert full == [False, False, False]
    assert room.is_full(DEVICE)
    assert not room.is_full(HOST)
    assert not room.missing(calls[3], HOST)
    assert room.held == 4 * SIZE
    assert asked == [DEVICE]


def test_the_budget_counts_device_and_host_together():
    room = Room(2 * SIZE, free=lambda device: 10**9)
    calls = [call_of(number) for number in range(3)]
    assert not room.missing(calls[0], DEVICE)
    assert not room.missing(calls[0], DEVICE)  # what is held already takes nothing more
    assert not room.missing(calls[1], HOST)
    assert room.missing(calls[2], HOST) == SIZE


def test_maps_that_are_copied_before_the_model_writes_over_them_are_counted():
    class WrittenOver(torch.nn.Module):
        def forward(self, x):
            for _ in range(12):
                attn = (x @ x.mT).softmax(-1)
                x = attn @ x
                attn.zero_()
            return x

    model, x = WrittenOver(), torch.rand(1, 1, 64, 8)
    with torch.no_grad(), visualizer.capture(model) as run:
        model(x)
    assert run.nbytes == 12 * 64 * 64 * 4
    with pytest.raises(MemoryBudgetError), torch.no_grad(), visualizer.capture(model, budget=run.nbytes - 1):
        model(x)


def test_keys_of_a_generation_go_on_after_the_move():
    holder = Holder()
    keys = torch.rand(1, 2, 8, 4)
    first, at, sequence = holder.hold_keys(keys[:, :, :6], "k", 6)
    holder.move_to_host()
    second, at_second, same = holder.hold_keys(keys[:, :, :7], "k", 1)
    third, at_third, _ = holder.hold_keys(keys, "k", 1)
    assert (at, at_second, at_third, sequence) == (0, 0, 0, same)
    for held, wanted in ((first, keys[:, :, :6]), (second, keys[:, :, :7]), (third, keys)):
        assert torch.equal(held, wanted)
    assert holder.device_of(keys) == HOST


def test_free_slots_of_a_static_cache_are_filled_after_the_move():
    growing, cache = GrowingKeys(), torch.zeros(1, 1, 4, 2)
    cache[:, :, :2] = 1.0
    seen = torch.tensor([True, True, False, False])
    first, _ = growing.hold(cache.clone(), 1, seen)
    growing.move(HOST)
    cache[:, :, 2] = 2.0
    second, start = growing.hold(cache.clone(), 1, torch.tensor([True, True, True, False]))
    assert start == 0
    assert torch.equal(second[:, :, :3], cache[:, :, :3])
    assert not first[:, :, 2:].any()
