"""The benchmarks of capture run, on small models and short texts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("name", "models", "row"),
    [
        ("capture_cost", ["gpt2", "own-softmax"], "| capture | × "),
        ("attention_by_length", [], "| 256 | 1"),
    ],
)
def test_a_benchmark_prints_its_table(name, models, row):
    script = BENCHMARKS / f"{name}.py"
    result = subprocess.run(
        [sys.executable, script, "--quick", *models], capture_output=True, text=True, check=False
    )
    assert not result.returncode, result.stderr
    assert result.stdout.count(row) >= 2


def test_what_a_run_on_disk_costs_is_printed():
    script = BENCHMARKS / "store_cost.py"
    result = subprocess.run([sys.executable, script, "--quick"], capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr
    assert result.stdout.count("| streamed, and the files joined | × ") == 2
    assert result.stdout.count("| `run.save`, a folder | × ") == 2
    assert len(re.findall(r"\| 300 calls, .* \| \d+\.\d+ s \|", result.stdout)) == 4


def test_measures_by_length_and_what_points_at_the_card():
    lengths = printed("analysis_by_length", "--quick")
    assert len(re.findall(r"^\| [a-z_, 0-9%]+ \| \d+\.\d \| \d+ MB \|$", lengths, re.MULTILINE)) == 22
    shares = printed("faithfulness", "--scenes", "8")
    rows = dict(re.findall(r"^\| ([^|]+) \| (0\.\d+) \|", shares, re.MULTILINE))
    assert float(rows["random"]) < 0.2 < float(rows["relevance"])


def test_what_the_viewer_s_server_takes_is_printed():
    rows = re.findall(r"^\| ([a-z, 0-9:]+) \| \d+\.\d+", printed("viewer_server", "--quick"), re.MULTILINE)
    assert rows[:4] == ["server ready", "atlas, first", "atlas, again", "pointer moved, median"]
    assert [row.partition(":")[0] for row in rows[4:]] == [f"tile of level {level}" for level in range(3)]


def printed(name, *options):
    script = BENCHMARKS / f"{name}.py"
    result = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr
    return result.stdout
