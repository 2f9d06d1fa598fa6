"""The site is made without a warning: no page without a way to it, no name that is not there."""

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_site_is_made_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", DOCS, tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr
    pages = {path.name for path in tmp_path.glob("*.html")}
    assert pages >= {f"{path.stem}.html" for path in DOCS.glob("*.md")}
