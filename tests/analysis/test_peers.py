"""Measures of heads are those of another tool, where one has them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
def test_heads_are_scored_as_transformer_lens_does():
    environment = os.environ | {"PYTHONPATH": str(Path(sys.prefix, "beside"))}
    script = Path(__file__).with_name("peers.py")
    result = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=False
    )
    assert result.stdout == "alike\n", result.stderr
