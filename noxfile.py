"""What runs on more than one Python; `nox --list` names it. One that is not found is reported, no error."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"

# pyenv's commands fail for a version that is not switched on; the interpreters behind them lie here.
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *sorted(map(str, PYENV.glob("versions/*/bin")))])

nox.options.default_venv_backend = "virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"


def install(session: nox.Session, *steps: list[str]) -> None:
    """Run pip for each step, unless all that it reads is older than the last time."""
    stamp = Path(session.virtualenv.location, "installed")
    read = [Path(name).stat().st_mtime for name in ("pyproject.toml", "constraints.txt", "noxfile.py")]
    if not stamp.exists() or stamp.stat().st_mtime < max(read):
        for step in steps:
            session.install(*step)
        stamp.touch()


@nox.session(python=[python for python in PYTHONS if python != OWN])
def engine(session: nox.Session) -> None:
    """Test what needs no framework; on the Python that runs nox, the whole suite does."""
    install(session, ["--constraint", "constraints.txt", "--editable", ".", "--group", "engine"])
    session.run(
        "python", "-m", "pytest", "tests/instrument", "tests/classic", "tests/torture", *session.posargs
    )


# torch's floor, 2.6, is not tested here: its Linux builds bring gigabytes of CUDA. By hand: it and what it
# imports in an environment of its own, all else without dependencies; then tests/attention and tests/capture.
@nox.session(python=["3.10", "3.11"])
def floor(session: nox.Session) -> None:
    """Install core and [plots] beside the oldest numpy, see that it stays, and test what works with it."""
    install(session, ["numpy==1.26.4"], ["--editable", ".[plots]", "--group", "engine"])
    session.run("python", "-c", "import numpy; assert numpy.__version__ == '1.26.4', numpy.__version__")
    session.run("python", "-m", "pytest", "tests/classic", "tests/plots", *session.posargs)


@nox.session(python=[python for python in PYTHONS if python != OWN])
def reading(session: nox.Session) -> None:
    """Read runs on disk where there is no torch, and on 3.10 no zarr either."""
    install(session, ["--constraint", "constraints.txt", "--editable", ".[store]", "--group", "engine"])
    session.run("python", "-c", "import importlib.util as i; assert i.find_spec('torch') is None")
    session.run(
        "python",
        "-m",
        "pytest",
        "tests/store/test_archives.py",
        "tests/store/test_arrays.py",
        *session.posargs,
    )
