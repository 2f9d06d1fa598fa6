"""Models that are spread over two processes: each records what it computes, and heads are gathered."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import visualizer
from visualizer.errors import VisualizerError

from .formulas import inputs, layer

SCRIPT = Path(__file__).with_name("ranks.py")


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        "data_parallel",
        "fully_sharded",
        "fully_sharded_of_old",
        "tensor_parallel",
        "sequence_parallel",
        "distributed_tensors",
        "different_calls",
    ],
)
def test_each_rank_records_what_it_computes(name, tmp_path):
    commands = [[sys.executable, SCRIPT, name, str(rank), tmp_path / "meeting"] for rank in range(2)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    said = [process.communicate(timeout=300)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said


def test_without_processes_there_is_nothing_to_gather():
    model = layer(torch.nn.functional.scaled_dot_product_attention)
    with visualizer.capture(model) as run:
        model(inputs())
    with pytest.raises(VisualizerError, match="no process group"):
        run.gather()
