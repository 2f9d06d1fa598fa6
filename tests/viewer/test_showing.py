"""`run.show()` where there is a screen, where there is none, and in a session."""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from tests.cli.viewing import interrupted, showing

import visualizer
from visualizer.viewer import show

RUN = "import numpy, visualizer; run = visualizer.from_arrays({'layer.0': numpy.eye(4)[None]}); "
WAY_OUT = 'To keep the page, or hand it on: run.to_html("run.html")'


@pytest.fixture
def browser(tmp_path):
    """What `webbrowser` opens: the environment that names it, and the file it writes the address into."""
    script, told = tmp_path / "browser", tmp_path / "told"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > {told}\n')
    script.chmod(0o755)
    return {"BROWSER": f"{script} %s", "SSH_CONNECTION": ""}, told


def test_a_script_serves_the_page_to_a_browser_until_ctrl_c(built, browser, tmp_path):
    screen, told = browser
    with showing(tmp_path, "-c", RUN + "run.show()", DISPLAY=":0", **screen) as (child, url):
        assert urlopen(f"{url}manifest.json").status == 200
        code, said, errors = interrupted(child)
    assert (code, said, errors) == (0, "", "")
    assert told.read_text() == url


def test_a_session_goes_on_and_stops_the_server(built, browser, tmp_path):
    session = "import sys; sys.ps1 = '> '; server = run.show(); print(server); server.stop(); print(server)"
    with showing(tmp_path, "-c", RUN + session, DISPLAY=":0", **browser[0]) as (child, url):
        said = child.stdout.read().splitlines()
    assert said == [f"<Server at {url}, serving>", f"<Server at {url}, stopped>"]


@pytest.mark.parametrize(
    "why", [{}, {"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"}]
)
def test_without_a_screen_a_file_is_written_and_nothing_opened(built, browser, tmp_path, why):
    screen, told = browser
    own = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    for given in ("", "'mine.html', max_mb=2"):
        result = subprocess.run(
            [sys.executable, "-W", "error", "-c", RUN + f"run.show({given})"],
            cwd=tmp_path, env=own | screen | why, capture_output=True, text=True, check=True,
        )  # fmt: skip
        first, whole, tunnel, last = result.stdout.splitlines()
        file = Path(re.fullmatch(r".*; the page is one file: (.*)", first)[1])
        assert 'id="visualizer-manifest"' in file.read_text("utf-8")
        assert (
            whole == 'All of it: run.save("run.zarr"), here `visualizer view run.zarr --port 8787`, and there'
        )
        assert re.fullmatch(r"ssh -N -L 8787:127\.0\.0\.1:8787 \S+", tunnel)
        assert last == WAY_OUT
        assert not told.exists()
    assert file == tmp_path / "mine.html"


def test_without_a_screen_a_run_that_was_loaded_is_served_from_where_it_lies(
    built, tmp_path, monkeypatch, capsys
):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("run ü.zarr", "after.zarr"):
        visualizer.from_arrays({"layer.0": np.eye(4)[None]}).save(tmp_path / name)
    first, second = (visualizer.load(tmp_path / name) for name in ("run ü.zarr", "after.zarr"))
    first.show()
    assert (
        f"All of it: here `visualizer view '{tmp_path}/run ü.zarr' --port 8787`, and there\n"
        in capsys.readouterr().out
    )
    show([second, first])
    said = f"view {tmp_path}/after.zarr '{tmp_path}/run ü.zarr' --port"
    assert said in capsys.readouterr().out
    show([first, visualizer.from_arrays({"layer.0": np.eye(4)[None]})])
    said = f"""other.save("other.zarr"), here `visualizer view '{tmp_path}/run ü.zarr' other.zarr --port"""
    assert said in capsys.readouterr().out
