"""Beside other tools that wrap a model, or edit what it computes: the recorded map is the edited one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import visualizer

from .formulas import HEADS, LENGTH, compare, inputs, logits, softmax

SCRIPT = Path(__file__).with_name("beside.py")
CACHED = torch.rand(2, HEADS, LENGTH, LENGTH, generator=torch.Generator().manual_seed(6)).softmax(-1)
KEPT = torch.tensor([1.0, 0.0, 1.0, 1.0]).view(1, 4, 1, 1)


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        "offloaded",
        "device_map",
        "adapters",
        "nnsight_trace",
        "transformer_lens_heads",
        "transformer_lens_queries",
        "transformer_lens_patterns",
        "torchlens_trace",
        "captum_attribution",
    ],
)
def test_what_is_recorded_beside_another_tool(name):
    environment = os.environ | {"PYTHONPATH": str(Path(sys.prefix, "beside"))}
    command = [sys.executable, SCRIPT, name]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr


class Hooked(nn.Module):
    """Attention whose queries and maps pass through modules, for hooks, as in TransformerLens."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(32, 96)
        self.queries, self.pattern = nn.Identity(), nn.Identity()

    def split(self, x):
        return self.qkv(x).unflatten(-1, (3, 4, 8)).transpose(1, 3).unbind(2)

    def forward(self, x):
        q, k, v = self.split(x)
        return self.pattern(logits(self.queries(q), k).softmax(-1)) @ v


class Mixing(Hooked):
    """The same, whose heads are mixed after the hook."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(4, 4)

    def forward(self, x):
        q, k, v = self.split(x)
        a = self.pattern(logits(q, k).softmax(-1))
        return (self.mix(a.movedim(1, -1)).movedim(-1, 1) + 1.0) @ v


def recorded(place, edit, kind=Hooked):
    """Return the run of a model with a hook, and its q and k."""
    torch.manual_seed(0)
    model = kind()
    with (
        torch.no_grad(),
        model.get_submodule(place).register_forward_hook(lambda _, given, output: edit(output)),
    ):
        alone = model(inputs())
        with visualizer.capture(model) as run:
            assert torch.equal(model(inputs()), alone)
        return run, model.split(inputs())[:2]


def assigned(pattern):
    pattern[:, 1] = 0
    return pattern


def assigned_in_a_copy(pattern):
    pattern = pattern.clone()
    pattern[:, 1] = 0
    return pattern


def test_edited_queries_give_the_edited_map():
    run, (q, k) = recorded("queries", lambda q: q.flip(2))
    compare(run, [softmax(q.flip(2), k)])


def multiplied(pattern):
    return pattern * KEPT


def put_together(pattern):
    return torch.cat([pattern[:, :1], torch.zeros_like(pattern[:, :1]), pattern[:, 2:]], 1)


@pytest.mark.parametrize("edit", [assigned, assigned_in_a_copy, multiplied, put_together])
def test_heads_that_a_hook_takes_out_are_out(edit):
    run, (q, k) = recorded("pattern", edit)
    compare(run, [softmax(q, k) * KEPT])


def replaced(pattern):
    return CACHED


def written_over(pattern):
    return pattern.copy_(CACHED)


@pytest.mark.parametrize("edit", [replaced, written_over])
def test_a_map_from_elsewhere_is_the_recorded_one(edit):
    run, _ = recorded("pattern", edit)
    compare(run, [CACHED])


@pytest.mark.parametrize("other", [CACHED * KEPT, torch.zeros_like(CACHED), (CACHED > 0.2).float()])
def test_what_stands_for_a_map_need_not_sum_to_one(other):
    run, _ = recorded("pattern", lambda _: other)
    compare(run, [other])


def negated(pattern):
    return pattern * (2 * KEPT - 1)


def of_other_heads(pattern):
    return pattern[:, [1, 0, 2, 3]]


def of_other_heads_folded(pattern):
    return pattern.flatten(0, 1)[[1, 0, 2, 3, 5, 4, 6, 7]].unflatten(0, (2, 4))


def of_earlier_keys(pattern):
    return nn.functional.pad(pattern[..., 1:], (0, 1))


@pytest.mark.parametrize(
    "edit", [negated, of_other_heads, of_other_heads_folded, of_earlier_keys, torch.tril]
)
def test_numbers_of_other_signs_and_in_other_places_are_recorded_so(edit):
    run, (q, k) = recorded("pattern", edit)
    compare(run, [edit(softmax(q, k))])


def test_an_edit_is_recorded_without_the_mixing_of_heads_after_it():
    run, (q, k) = recorded("pattern", multiplied, Mixing)
    compare(run, [softmax(q, k) * KEPT])
