"""The page in a notebook of marimo: a real one shows it."""

import os
import subprocess
import sys

import numpy as np
import pytest
from tests.cli.viewing import free_port
from tests.viewer.lab import wait_for
from tests.viewer.test_widget import HOSTILE, MAP, PAPERS, PATIENCE, RUN, paper

NOTEBOOK = """
import marimo

app = marimo.App()


@app.cell
def _():
{run}
    return Widget, run


@app.cell
def _({names}):
    {last}
    return
"""
SETTINGS = """
[tool.marimo.runtime]
auto_instantiate = true  # all cells run when it is opened
[tool.marimo.display]
theme = "{theme}"
"""
OPTIONS = ["--headless", "--no-token", "--skip-update-check"]


@pytest.fixture
def shown_in(built, open_page, tmp_path):
    """A page of marimo after it has run a notebook that makes a run, and then a cell."""
    port, processes = free_port(), []

    def show(names, last, theme="system", **options):
        run = "\n".join(f"    {line}" for line in RUN.splitlines())
        file, log = tmp_path / "notebook.py", tmp_path / "log"
        file.write_text(NOTEBOOK.format(run=run, names=names, last=last))
        (tmp_path / "pyproject.toml").write_text(SETTINGS.format(theme=theme))
        own = os.environ | {name: str(tmp_path / name) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
        command = [sys.executable, "-m", "marimo", "-y", "edit", str(file), f"--port={port}", *OPTIONS]
        with log.open("w") as said:
            processes.append(subprocess.Popen(command, cwd=tmp_path, env=own, stdout=said, stderr=said))
        wait_for(f"http://127.0.0.1:{port}/health", processes[0], log)
        options = {"viewport": {"width": 1280, "height": 1600}, **options}
        page = open_page(f"http://127.0.0.1:{port}", **options)
        page.locator(".visualizer .page").wait_for(timeout=PATIENCE)
        return page

    yield show
    for process in processes:
        process.terminate()
        process.wait(60)


@pytest.mark.long
def test_a_notebook_of_marimo_shows_the_weights_of_the_token_under_the_pointer(shown_in):
    page = shown_in("Widget, run", "Widget(run)")
    page.get_by_role("tab", name="Head", exact=True).click()
    page.locator("[data-token='7']").hover()
    page.get_by_text("query: token 7").wait_for()
    shown = [float(cell) for cell in page.locator("table.top td").all_inner_texts()]
    assert np.abs(shown - np.sort(MAP[0, 0, 7].numpy())[:-9:-1]).max() < 1e-3
    assert HOSTILE in page.locator("[data-strip]").inner_text()
    page.keyboard.press("x")
    page.get_by_text("sinks removed").wait_for()


@pytest.mark.long
def test_show_displays_the_page_below_a_cell_of_marimo(shown_in):
    page = shown_in("run", "run.show()")
    assert page.get_by_text("To keep the page, or hand it on").is_visible()


@pytest.mark.long
@pytest.mark.parametrize(("system", "notebook"), [("light", "dark"), ("dark", "light")])
def test_the_page_has_the_theme_of_the_notebook_of_marimo_and_not_the_systems(shown_in, system, notebook):
    page = shown_in("Widget, run", "Widget(run)", notebook, color_scheme=system)
    assert paper(page) == PAPERS[notebook]
