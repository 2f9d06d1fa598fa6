"""Options: what is none of their choices is told before anything runs, in one sentence."""

import numpy as np
import pytest
import torch
from tests.capture.test_empty import Attention, X, record
from torch import nn
from torch.nn.attention.flex_attention import flex_attention

import visualizer
from visualizer.errors import OptionError, TargetError, VisualizerError


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"keep": "fctors"}, "did you mean 'factors'"),
        ({"keep": np.zeros(2)}, "did you mean"),
        ({"keep": "readouts"}, "they go together"),
        ({"every": 0}, "give a whole number from 1 on"),
        ({"queries": "first"}, "give 'last', a slice or a function"),
        ({"queries": slice(None, None, -1)}, "give a slice of whole numbers that steps forward"),
        ({"compiled": "keep"}, "compiled graphs cannot be recorded from"),
        ({"budget": "much"}, "A memory budget of 'much' was asked for"),
        ({"modules": 3}, "modules=3 was asked for; give a pattern, several, or a function"),
        ({"locals": 3}, "locals=3 was asked for; give the name of a local, or several"),
        ({"values": "yes"}, "values='yes' was asked for; give True or False"),
        ({"check": "all"}, "check='all' was asked for; give True or False"),
        ({"device": "cudda"}, "device='cudda' was asked for; this torch holds nothing there"),
        ({"device": 3.5}, "device=3.5 was asked for; give a name such as 'cpu'"),
        ({"dtype": "float16"}, "dtype='float16' was asked for; give a torch.dtype"),
        ({"dtype": np.float16}, "give a torch.dtype, such as torch.float16"),
        ({"dtype": torch.int32}, "dtype=torch.int32 was asked for; give a floating one"),
        ({"dtype": torch.float8_e5m2}, "give a floating one that can be computed with"),
    ],
)
def test_wrong_options_are_told_in_a_sentence(options, told):
    with pytest.raises(OptionError, match=told):
        visualizer.capture(Attention(), **options)


@pytest.mark.parametrize(
    ("readouts", "told"),
    [
        (["entrop"], "'entrop' was asked for; did you mean 'entropy'?"),
        (["mass"], "missing a required argument: 'groups'"),
        ({"a": 1}, "give functions of a map by name"),
        ([], "give names of read-outs"),
    ],
)
def test_wrong_read_outs_are_told_before_anything_runs(readouts, told):
    with pytest.raises(OptionError, match=told):
        visualizer.capture(Attention(), keep="readouts", readouts=readouts)


@pytest.mark.parametrize("readouts", ["entropy", "rest"])
def test_one_name_is_one_read_out_and_may_be_a_property(readouts):
    assert record(Attention(), keep="readouts", readouts=readouts)[0].content[readouts].shape == (2, 4, 5)


def test_whole_numbers_may_be_numpys():
    run = record(Attention(), every=np.int64(1), queries=slice(np.int64(3), None))
    assert run[0].shape == (2, 4, 2, 5)


def test_queries_that_no_call_has_are_told():
    nothing = record(Attention(), queries=slice(10, 20))
    assert nothing.why_empty() == "everything was left out: 1 by queries=, which names none of their queries"
    with visualizer.capture(model := Attention(), queries=slice(5, None)) as run:
        model(X)
        model(torch.randn(1, 6, 32))
    assert len(run) == 1
    said = "1 call was left out by queries=, which names none of their queries"
    assert said in repr(run).splitlines()


def test_an_empty_run_says_what_could_not_be_recorded():
    session = visualizer.capture(model := Attention(), keep="readouts", readouts={"a": lambda a: a[9]})
    run = session.start()
    model(X)
    with pytest.raises(VisualizerError, match="the model ran, but a call could not be recorded"):
        session.stop()
    assert run.why_empty().startswith("a call could not be recorded: ")


@pytest.mark.parametrize(("dtype", "smallest"), [(torch.float16, 1e-5), (torch.bfloat16, 1e-4)])
def test_the_self_check_is_of_what_is_held(dtype, smallest):
    torch.manual_seed(0)
    assert smallest < record(Attention(), dtype=dtype).checks.largest < 300 * smallest


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_the_self_check_of_a_flexible_call_is_of_what_is_held():
    class Flexible(Attention):
        def forward(self, x):
            return flex_attention(*self.qkv(x).unflatten(-1, (3, 4, 8)).transpose(1, 3).unbind(2))

    torch.manual_seed(0)
    model = Flexible().requires_grad_(False)
    assert record(model).checks.largest < 1e-6
    assert record(model, dtype=torch.bfloat16).checks.largest > 1e-4


@pytest.mark.parametrize(
    "options",
    [
        {"queries": "last"},
        {"keep": "dense"},
        {"keep": "readouts", "readouts": ["entropy"]},
        {"values": True},
        {"gradients": True},
    ],
)
def test_what_is_about_maps_is_refused_beside_locals(options):
    with pytest.raises(OptionError, match=rf"{next(iter(options))}=.* beside locals='q', but it is about"):
        visualizer.capture(Attention(), locals="q", **options)


@pytest.mark.parametrize(("options", "numbers"), [({"first": 1}, [0, 0]), ({"every": 2}, [0, 0, 2, 2])])
def test_calls_are_counted_for_each_local(options, numbers):
    with visualizer.capture(model := Attention(), locals=["q", "k", "q"], **options) as run:
        for _ in range(3):
            model(X)
    assert [call.number for call in run] == numbers
    assert sorted({call.how for call in run}) == [f"local `{name}` of Attention.forward" for name in "kq"]


def test_a_lazy_model_has_to_run_once_before():
    model = nn.Sequential(nn.LazyLinear(32), Attention())
    with pytest.raises(TargetError, match=r"whose LazyLinear has no parameters yet: run the model once"):
        visualizer.capture(model)
    model(X)
    assert record(model).paths == ["1"]
