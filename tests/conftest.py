"""For all tests: the same every time, and no network."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "agg"
if "PYTEST_XDIST_WORKER" in os.environ:  # one core each, or their threads wait for one another
    os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items):
    """Leave the torture out, and say so, where Python was packed without its own tests, as Debian does."""
    if find_spec("test") and find_spec("test.test_argparse"):
        return
    reason = "this Python came without CPython's own tests (on Debian: libpython3-testsuite)"
    for item in items:
        if item.path.parent.name == "torture":
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def python(tmp_path):
    """Run a fresh interpreter in an empty folder, warnings being errors, and return what came of it."""

    def run(*arguments):
        command = [sys.executable, "-W", "error", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run
