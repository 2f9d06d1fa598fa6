"""What a run cannot answer, and how it says so."""

import pytest
import torch
from tests.capture.test_empty import Attention, X, record

import visualizer
from visualizer.errors import CallsError, OptionError, TargetError


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"queries": "last", "values": True}, "outputs are not kept with queries="),
        ({"keep": "readouts", "readouts": "entropy"}, "the run holds read-outs or locals"),
        ({"modules": lambda _path, _module: False}, "the run is empty: everything was left out"),
    ],
)
def test_where_no_row_can_be_checked_the_reason_is_told(options, told):
    with pytest.raises(CallsError, match=f"all rows were to be compared, but {told}"):
        record(Attention(), **options).check(all=True)


def test_maps_that_the_model_formed_have_nothing_to_be_compared_with():
    class Formed(Attention):
        def forward(self, x):
            q, k, v = self.qkv(x).unflatten(-1, (3, 4, 8)).transpose(1, 3).unbind(2)
            return (q @ k.mT).softmax(-1) @ v

    run = record(Formed(), values=True)
    assert run[0].formed
    with pytest.raises(CallsError, match="the maps were there as arrays, formed by the model"):
        run.check(all=True)


def test_every_row_is_compared_in_the_precision_of_the_call():
    torch.manual_seed(0)
    exact = Attention().double()
    with visualizer.capture(exact, values=True) as run:
        exact(X.double())
    assert 0 < run.check(all=True)[0]["error"] < 1e-14


def test_an_output_of_zeros_has_no_error():
    silent = Attention()
    silent.qkv.requires_grad_(False)
    silent.qkv.weight[64:], silent.qkv.bias[64:] = 0, 0
    run = record(silent, values=True)
    assert not run[0].output.any()
    assert run.check(all=True)[0]["error"] == 0


def test_gradients_are_not_compared_with_outputs():
    model = Attention()
    with visualizer.capture(model, gradients=True, values=True) as run:
        output = model(X).sum()
    with pytest.raises(CallsError, match="the run holds gradients, or products with them, and no maps"):
        run.gradients(output).check(all=True)


def test_a_table_of_a_property():
    assert all(abs(row["rest"]) < 1e-6 for row in record(Attention()).table("rest"))


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ("shape", r"it gives \(2, 4, 5, 5\): give a read-out with the axes"),
        (lambda a: float(a.entropy().max()), r"a table of value was asked for, but it gives 1\."),
        (lambda a: a.topk(2), r"it gives \(tensor[^\n]*: give a read-out with the axes"),
        ("entrop", "did you mean 'entropy'"),
        ("mass", "missing a required argument: 'groups'"),
        ("rest", "got an unexpected keyword argument 'groups'"),
    ],
)
def test_what_is_no_column_of_a_table_is_told(read, told):
    options = {"groups": [0]} if read == "rest" else {}
    with pytest.raises(OptionError, match=told):
        record(Attention()).table(read, **options)


def test_a_call_of_an_empty_run_says_why_it_is_empty():
    with pytest.raises(CallsError, match="call 0 was asked for, but the run is empty: everything"):
        record(Attention(), modules=lambda _path, _module: False)[0]
    with pytest.raises(IndexError):
        record(Attention())[3]


def test_several_modules_are_not_stitched():
    model = torch.nn.Sequential(Attention(), Attention())
    with visualizer.capture(model) as run:
        model(X)
    assert run.stitched("*1").shape == run["1"].shape
    with pytest.raises(CallsError, match=r"'\*' was to be stitched, but it names 2 modules: give"):
        run.stitched("*")


def test_paths_and_tokens_of_the_wrong_kind_are_told():
    with pytest.raises(TargetError, match="maps by path, but 1 is none: give a str"):
        visualizer.from_arrays({1: torch.eye(3)})
    with pytest.raises(OptionError, match=r"labelled with '0\*'; give a list of texts, or, beside a path"):
        visualizer.from_arrays({"0.a": torch.eye(3)}).label("0*")
