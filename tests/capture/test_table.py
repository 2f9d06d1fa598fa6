"""Tables of read-outs: their columns, their order, their means, and what goes on with them."""

import functools

import numpy as np
import pytest

import visualizer
from visualizer.errors import OptionError
from visualizer.readout_table import Table


def looks_back(a):
    return a.numpy()[..., 0]


@pytest.fixture
def run():
    rng = np.random.default_rng(0)
    return visualizer.from_arrays({f"layer.{n}": rng.dirichlet(np.ones(4), (2, 3, 5)) for n in range(2)})


def test_a_function_s_column_has_its_name_and_a_lambda_s_is_the_value(run):
    assert run.table(looks_back).columns[-1] == "looks_back"
    assert run.table(lambda a: a.numpy()).columns[-1] == "value"
    assert run.table(functools.partial(looks_back)).columns[-1] == "value"


def test_several_read_outs_stand_side_by_side(run):
    table = run.table({"first": lambda a: a.numpy()[..., 0], "spread": "entropy"})
    assert table.columns == ["path", "call", "item", "batch", "head", "first", "spread"]
    assert [row["first"] for row in table] == [row["looks_back"] for row in run.table(looks_back)]
    assert [row["spread"] for row in table] == [row["entropy"] for row in run.table("entropy")]
    assert run.table(["entropy", looks_back]).columns[-2:] == ["entropy", "looks_back"]


@pytest.mark.parametrize(
    ("read", "options", "told"),
    [
        ({"head": "entropy"}, {}, "a column 'head' was asked for, which tells where a head is: name it"),
        ("mass", {"groups": {"path": [0]}}, "a column 'path' was asked for"),
        (["entropy", "mass"], {"groups": [[0]]}, "groups was given beside 2 read-outs: give a function"),
        ([lambda a: a.numpy(), lambda a: 1 - a.numpy()], {}, "would both be the column 'value': give a dict"),
        (["entropy", "entropi"], {}, "did you mean 'entropy'"),
    ],
)
def test_what_would_be_no_table_is_told(run, read, options, told):
    with pytest.raises(OptionError, match=told):
        run.table(read, **options)


def test_means_are_taken_over_all_that_is_alike(run):
    table = run.table("entropy")
    means = table.mean("head")
    assert means.columns == ["head", "entropy"]
    for row in means:
        expected = np.mean([one["entropy"] for one in table if one["head"] == row["head"]])
        assert row["entropy"] == pytest.approx(expected, rel=1e-12)
    assert [(row["path"], row["head"]) for row in table.mean(["path", "head"])] == [
        (f"layer.{n}", head) for n in range(2) for head in range(3)
    ]
    with pytest.raises(OptionError, match="column 'layer' was asked for; there are path, call, item"):
        table.mean("layer")


def test_a_table_is_a_data_frame_of_pandas(run):
    import pandas as pd

    frame = pd.DataFrame(run.table("entropy"))
    assert list(frame.columns) == ["path", "call", "item", "batch", "head", "entropy"]
    expected = {row["head"]: row["entropy"] for row in run.table("entropy").mean("head")}
    assert frame.groupby("head")["entropy"].mean().to_dict() == pytest.approx(expected)


def test_what_has_no_number_is_sorted_last():
    rows = [{"item": item} for item in (None, 2, float("nan"), "a", 1.5)]
    assert [row["item"] for row in Table(rows).sort("item")][:3] == [1.5, 2, "a"]
    assert [row["item"] for row in Table(rows).sort("item", descending=True)][:3] == ["a", 2, 1.5]
    assert Table(rows).sort("item")[3]["item"] is None


def test_names_do_not_command_a_terminal():
    table = Table([{"path\x1b[2J": "layer\n\u202e0", "entropy": 1.0}])
    assert "\x1b" not in repr(table)
    assert "\u202e" not in repr(table)
    assert repr(table).splitlines()[1].split() == ["layer\\n\\u202e0", "1"]
