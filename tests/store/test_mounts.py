"""Real places that take no more: a full file system, a read-only one, folders that are forbidden."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("mounted.py")
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
NAMESPACE = ["unshare", "--mount", *([] if IS_ROOT else ["--map-root-user"])]
# As root, who may write into what is forbidden, without that right.
FORBIDDEN = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if IS_ROOT else []


def outcome(folder, name, before):
    """Run the child, behind what makes such a place possible; return what it tells."""
    command = [*before, sys.executable, str(CHILD), str(folder), name]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr
    return json.loads(result.stdout)


def check_possible(folder, before, *command):
    """Skip, saying why, where the system has no such place to give."""
    if shutil.which((*before, "true")[0]) is None:
        pytest.skip(f"this system has no {before[0]}, which makes such a place")
    result = subprocess.run([*before, *command], cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"this system refuses {' '.join((*before, *command))}: {result.stderr.strip()}")


def check(found, because):
    """The forwards are what they were, what was written is whole, one error says why; then all goes on."""
    assert found["forwards"]
    assert because in found["error"]
    assert "what was written before is whole, and goes on with resume=True" in found["error"]
    assert found["there"] <= found["read"] < 100
    assert found["resumed"] == 100


@pytest.mark.long
def test_a_file_system_that_is_full_stops_the_recording_alone(tmp_path):
    check_possible(tmp_path, NAMESPACE, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", ".")
    found = outcome(tmp_path, "full", NAMESPACE)
    check(found, "No space left on device")
    assert found["there"] == 20


@pytest.mark.long
def test_a_file_system_that_becomes_read_only_stops_the_recording_alone(tmp_path):
    check_possible(tmp_path, NAMESPACE, "mount", "--bind", ".", ".")
    found = outcome(tmp_path, "read-only", NAMESPACE)
    check(found, "Read-only file system")
    assert found["there"] == found["read"] == 20
    assert found["refused"].endswith("other' cannot be written: Read-only file system")


@pytest.mark.long
def test_folders_that_are_forbidden_stop_the_recording_alone(tmp_path):
    check_possible(tmp_path, FORBIDDEN, "true")
    found = outcome(tmp_path, "forbidden", FORBIDDEN)
    check(found, "Permission denied")
    assert found["there"] == found["read"] == 20
