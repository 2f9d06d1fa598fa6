"""The notebook runs from top to bottom in a real kernel, and gives the pictures that are stored in it."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "examples" / "get_local.ipynb"


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory):
    """The notebook as it is stored, and as it runs now, with no file of its own beside it."""
    stored, now = (nbformat.read(NOTEBOOK, as_version=4) for _ in range(2))
    folder = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    NotebookClient(now, timeout=600, resources=folder).execute()  # raises what a cell raises
    return stored, now


def shown(notebook):
    """What each cell of code shows: the kinds of its results, and what it prints."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            results = [sorted(one.data) for one in cell.outputs if one.output_type == "execute_result"]
            yield results, [one.text for one in cell.outputs if one.get("name") == "stdout"]


def test_the_notebook_shows_what_is_stored_in_it(notebooks):
    stored, now = notebooks
    assert list(shown(now)) == list(shown(stored))
    assert sum("image/png" in kinds for results, _ in shown(now) for kinds in results) == 6


def test_what_is_stored_is_of_no_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert "stderr" not in text
    assert str(Path.home()) not in text
