"""The Pythons that nox looks for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
OTHER = "3.13" if sys.version_info < (3, 13) else "3.12"


@pytest.fixture
def machine(tmp_path):
    """A machine whose only other Python on PATH is a version manager's command that fails."""
    shim = tmp_path / "bin" / f"python{OTHER}"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name not in {"PYENV_ROOT", "PATH", "HOME"}}
    return kept | {"PATH": str(shim.parent), "HOME": str(tmp_path), "CI": "true", "NOXFORCEPYTHON": ""}


def run(machine, *arguments):
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=machine, capture_output=True, text=True, check=False)


def test_an_absent_python_is_reported_and_fails_nothing(machine, tmp_path):
    result = run(machine, "-m", "nox", "--session", f"engine-{OTHER}", "--envdir", str(tmp_path / "nox"))
    assert result.returncode == 0
    assert f"engine-{OTHER} skipped: Python interpreter {OTHER} not found" in result.stderr


def test_the_interpreters_behind_a_version_managers_commands_are_looked_at_last(machine, tmp_path):
    behind = tmp_path / ".pyenv" / "versions" / OTHER / "bin"
    behind.mkdir(parents=True)
    result = run(machine, "-c", "import noxfile, os; print(os.environ['PATH'])")
    assert result.stdout.strip().split(os.pathsep) == [machine["PATH"], str(behind)]
