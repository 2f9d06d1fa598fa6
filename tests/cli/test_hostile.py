"""A run from elsewhere whose names would command a terminal."""

import json
from pathlib import Path

import numpy as np
import pytest

import visualizer

NAME = "layer\x1b[31m\x1b]0;title\x07[red]\n\u202e\x9b2J\u200b"
ESCAPED = r"layer\x1b[31m\x1b]0;title\x07[red]\n\u202e\x9b2J\u200b"


@pytest.fixture
def hostile(tmp_path):
    maps = np.full((1, 2, 3, 3), 1 / 3)
    run = visualizer.from_arrays({NAME: maps, "b[bold]": maps}, tokens=["a\x1b[2J", "\u202eb", "[red]c"])
    run.provenance["model\x1b"] = "x\x1b[0m\u202e"
    run.told = lambda is_labelled: ["remark\x1b[1m"]
    run.save(tmp_path / "hostile.zarr", inputs=True)
    return "hostile.zarr"


def is_plain(text):
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "{}"],
        ["table", "{}"],
        ["table", "{}", "--on", "nowhere"],
        ["table", "{}", "--layer", "nowhere"],
        ["plot", "{}", "-o", "x\x1b[1m.png", "--layer", "0"],
        ["plot", "{}", "-o", "x.png", "--layer", "0", "--query", "1", "--head", "0"],
        ["export", "{}", "-o", "x\u202e.npz"],
    ],
)
def test_nothing_that_is_said_commands_a_terminal(run, hostile, arguments):
    code, output, said = run(*(argument.format(hostile) for argument in arguments))
    assert code == (2 if "nowhere" in arguments else 0)
    assert is_plain(output)
    assert is_plain(said)


def test_names_are_shown_escaped_and_brackets_as_they_are(run, hostile):
    lines = run("info", hostile)[1].splitlines()
    assert lines[1].startswith(f"{ESCAPED}  ")
    assert lines[2].startswith("b[bold]  ")
    assert r"model\x1b: x\x1b[0m\u202e" in lines
    assert r"remark\x1b[1m" in lines
    assert ESCAPED in run("table", hostile)[1]


@pytest.mark.parametrize("command", ["info", "table"])
def test_programs_read_the_names_themselves(run, hostile, command):
    output = run(command, hostile, "--json")[1]
    found = json.loads(output)
    rows = found["calls"] if command == "info" else found
    assert is_plain(output)
    assert rows[0]["path"] == NAME


def test_what_can_be_captured_is_shown_escaped(run, monkeypatch, tmp_path):
    code = (
        "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.add_module('a\\x1b[31m', torch.nn.MultiheadAttention(8, 2))\n"
        "    def forward(self, x):\n        return next(self.children())(x, x, x, need_weights=False)\n"
    )
    Path("evil_net.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    assert r"a\x1b[31m  (1, 2, 5, 5)" in run("find", "evil_net:Net", "--random", "5x8")[1]
