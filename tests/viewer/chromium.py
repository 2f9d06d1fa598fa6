"""The browser of the tests: one that is here, or one that is installed now."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COMMANDS = ["chromium", "chromium-browser", "google-chrome"]
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


def chromium(own: str) -> str:
    """Return the path of a Chromium; ``own`` is where Playwright puts its own.

    Raises
    ------
    RuntimeError
        If there is none and none could be installed.
    """
    with Path(tempfile.gettempdir(), f"visualizer-chromium-{os.getuid()}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes of tests may look at once
        found = found_on_path() or installed_by_playwright(own) or installed_by_apt()
    if not found:
        raise RuntimeError(
            f"the viewer is tested in a browser, but none of {', '.join(COMMANDS)} is on PATH and none could "
            "be installed: install Chromium, or run `python -m playwright install --with-deps chromium`"
        )
    return found


def found_on_path() -> str | None:
    """Return the first of the usual commands that is there."""
    return next(filter(None, map(shutil.which, COMMANDS)), None)


def installed_by_playwright(own: str) -> str | None:
    """Return Playwright's own Chromium, which is downloaded if it is not here."""
    if not Path(own).exists():
        run(sys.executable, "-m", "playwright", "install", "chromium")
    return own if Path(own).exists() else None


def installed_by_apt() -> str | None:
    """Return Debian's Chromium, which only root can install."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        run("apt-get", "update")
        run("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
    return found_on_path()


def run(*command: str) -> None:
    """Run a command, whose output is shown if tests fail."""
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, check=False, timeout=600)
