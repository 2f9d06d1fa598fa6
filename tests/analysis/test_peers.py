"""Measures are those of another tool, where one has them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
@pytest.mark.parametrize("peer", ["transformer_lens", "captum"])
def test_measures_are_those_of(peer):
    environment = os.environ | {"PYTHONPATH": str(Path(sys.prefix, "beside"))}
    script = Path(__file__).with_name(f"beside_{peer}.py")
    result = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=False
    )
    assert result.stdout == "alike\n", result.stderr
