"""The page paints with matplotlib's colours."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

TABLES = Path(__file__).parents[2] / "web" / "src" / "draw" / "tables.ts"


@pytest.mark.parametrize("name", ["cividis", "viridis", "inferno", "RdBu_r"])
def test_a_table_of_the_page_is_that_of_matplotlib(name):
    (digits,) = re.findall(rf'{name}:\s*"([0-9a-f]+)"', TABLES.read_text(encoding="utf-8"))
    wanted = mpl.colormaps[name](range(256), bytes=True)[:, :3]
    assert bytes.fromhex(digits) == wanted.tobytes()
