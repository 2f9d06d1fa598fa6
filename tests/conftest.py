"""For all tests: the same every time, and no network."""

import os
import subprocess
import sys

import pytest
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "agg"
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture
def python(tmp_path):
    """Run a fresh interpreter in an empty folder, warnings being errors, and return what came of it."""

    def run(*arguments):
        command = [sys.executable, "-W", "error", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run
