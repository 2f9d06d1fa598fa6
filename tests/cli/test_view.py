"""`visualizer view` serves saved runs until Ctrl-C, and leaves nothing."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from tests.cli.viewing import free_port, interrupted, viewing
from tests.viewer.asking import ask, connect

import visualizer
from visualizer.attention import AttentionMap, Factors
from visualizer.calls import Call
from visualizer.run import Run

Q, K = np.random.default_rng(0).normal(size=(2, 1, 1, 8192, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view")
    visualizer.from_arrays({"layer.0": np.full((1, 2, 4, 4), 0.25)}).save(folder / "run ü.zarr")
    visualizer.from_arrays({"layer.0": np.full((1, 2, 4, 4), 0.25)}).save(folder / "after.zarr")
    Run([Call("layer.0", AttentionMap(Factors(Q, K, 1.0)), 0, 0, "given")]).save(folder / "long.zarr")
    return folder


def assert_gone(url):
    with pytest.raises(OSError, match="refused"):
        ask(url)


def test_without_a_screen_it_says_how_to_come_here_and_ctrl_c_ends_it(folder):
    before = sorted(folder.rglob("*"))
    with viewing(folder, "run ü.zarr") as (child, url):
        assert json.loads(ask(url, "manifest.json").body)["maps"][0]["shape"] == [1, 2, 4, 4]
        port = urlsplit(url).port
        code, output, said = interrupted(child)
    assert code == 0
    assert f"ssh -N -L {port}:127.0.0.1:{port} " in output
    assert "visualizer export 'run ü.zarr' page.html" in output
    assert "Traceback" not in said
    assert_gone(url)
    assert sorted(folder.rglob("*")) == before


def test_two_runs_are_served_and_the_line_of_the_file_names_both(folder):
    with viewing(folder, "run ü.zarr", "after.zarr") as (child, url):
        assert len(json.loads(ask(url, "manifest.json").body)["runs"]) == 2
        _, output, _ = interrupted(child)
    assert "Or as one file: visualizer export 'run ü.zarr' after.zarr page.html" in output


def test_behind_a_proxy_no_tunnel_is_named(folder):
    with viewing(folder, "run ü.zarr", "--base-url", "/user/me/proxy/8787") as (child, url):
        assert url.startswith("/user/me/proxy/8787/")
        _, output, _ = interrupted(child)
    assert "ssh" not in output


def test_ctrl_c_ends_it_while_it_computes_and_a_page_is_open(folder):
    with viewing(folder, "long.zarr") as (child, url):
        idle = connect(url, "manifest.json")
        idle.getresponse().read()
        path = "tile?map=0&batch=0&head=0&level={}&row=0&column=0&how=mean"
        asked = [connect(url, path.format(level)) for level in (5, 4, 3, 2)]
        code, output, said = interrupted(child)
        for connection in (idle, *asked):
            connection.close()
    assert code == 0
    assert "Traceback" not in said
    assert_gone(url)


@pytest.mark.parametrize(("options", "opened"), [([], True), (["--no-browser"], False)])
def test_where_there_is_a_screen_a_browser_is_opened(folder, tmp_path, options, opened):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path / "told"}\n')
    browser.chmod(0o755)
    screen = {"DISPLAY": ":0", "BROWSER": f"{browser} %s", "SSH_CONNECTION": ""}
    with viewing(folder, "run ü.zarr", *options, **screen) as (child, url):
        assert ask(url).status == 200
        said = list(iter(child.stdout.readline, "Or as one file: visualizer export 'run ü.zarr' page.html\n"))
        assert interrupted(child)[0] == 0
    assert "ssh" not in "".join(said)
    assert (tmp_path / "told").exists() == opened
    if opened:
        assert (tmp_path / "told").read_text() == url


def test_programs_read_the_address_of_two_runs_behind_a_proxy(folder):
    port = free_port()
    options = ["--json", "--port", str(port), "--base-url", "/hub/x", "--allow-host", "hub.example.org"]
    with viewing(folder, "run ü.zarr", "long.zarr", *options) as (child, url):
        here = f"http://127.0.0.1:{port}"
        told = json.loads(ask(here, f"{url}manifest.json", Host="hub.example.org").body)
        assert [one["run"] for one in told["maps"]] == [0, 1]
        assert url.startswith("/hub/x/")
        code, output, _ = interrupted(child)
    assert code == 0
    assert "Serving" not in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.zarr"], "There is no run nowhere.zarr"),
        (["."], ". is no saved run, as no zarr.json is in it: give a folder or file that was saved"),
        (["{0}", "{0}", "{0}"], "3 runs were to be shown: give one, or two to compare"),
        (["{0}", "--base-url", "hub"], "base_url='hub' was asked for; give a path from / on"),
        (["{0}", "--allow-host", "a@b"], "a@b was to be allowed; give names"),
        (["{0}", "--host", "nowhere.invalid"], "nowhere.invalid was to be listened at, but: "),
    ],
)
def test_a_mistake_is_one_sentence(run, folder, arguments, sentence):
    code, output, said = run("view", *(one.format(folder / "run ü.zarr") for one in arguments))
    assert (code, output) == (2, "")
    assert said.splitlines()[-1].startswith(f"visualizer: {sentence}")


def test_without_its_packages_it_says_the_pip_line(folder, python):
    path = str(folder / "run ü.zarr")
    code = f"import sys; sys.modules['uvicorn'] = None; sys.argv = ['visualizer', 'view', {path!r}]; "
    result = python("-c", f"{code}from visualizer.cli import main; main()")
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].endswith(
        "uvicorn, which is not installed: pip install 'attention-visualizer[viewer]'"
    )


def test_a_page_is_exported(run, folder):
    path = str(folder / "run ü.zarr")
    assert run("export", path, "page ü.html") == (0, "Written: page ü.html\n", "")
    assert json.loads(
        run("export", path, "-o", "small.HTML", "--heads", "1", "--layer", "0", "--max-mb", "1", "--json")[1]
    ) == {"written": "small.HTML"}
    rows = [
        json.loads(Path(name).read_text("utf-8").split('visualizer-manifest">')[1].split("</script>")[0])[
            "maps"
        ][0]["rows"]
        for name in ("page ü.html", "small.HTML")
    ]
    assert [[head is None for head in one["heads"]] for one in rows] == [[False, False], [True, False]]


@pytest.mark.parametrize("arguments", [["page.html"], ["-o", "page.html", "--layer", "0"]])
def test_a_page_of_two_runs_is_exported(run, folder, arguments):
    both = [str(folder / name) for name in ("run ü.zarr", "after.zarr")]
    assert run("export", *both, *arguments) == (0, "Written: page.html\n", "")
    told = Path("page.html").read_text("utf-8").split('visualizer-manifest">')[1].split("</script>")[0]
    manifest = json.loads(told)
    assert [one["path"] for one in manifest["runs"]] == both
    assert [one["run"] for one in manifest["maps"]] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "one file is to be written: give it after the run, or with -o"),
        (["a.html", "-o", "b.html"], "one file is to be written"),
        (["a.html", "--heads", "x"], "--heads takes numbers, from 0, such as 0,3, not 'x'"),
        (["a.npz", "--heads", "0"], "--heads was given with a.npz, but is for a page"),
        (["a.csv", "--queries", "0", "--max-mb", "9"], "--queries, --max-mb was given with a.csv"),
        (["a.html", "--queries", "4"], "queries=[4] was asked for, but maps have at most 4 queries"),
        (["a.html", "--queries", "2-3"], "--queries takes numbers, from 0, such as 0,3, not '2-3'"),
        (["a.html", "--max-mb", "0.5"], "max_mb=0.5 was asked for"),
        (["a.html", "--layer", "7"], "--layer 7 was asked for, but the run has layers 0 to 0"),
        (["{after}", "a.npz"], "two runs were given with a.npz; give one, or a page, such as page.html"),
        (["{after}", "{after}", "a.html"], "3 runs were given; give one, or two that a page compares"),
        (["{after}"], "{after} was asked for; give a file that ends with one of .npz, .safetensors, .csv, "),
        (["page.txt"], "page.txt was asked for; give a file that ends with one of .npz, "),
        (["no.zarr", "a.html"], "There is no run no.zarr: give a folder or file that was saved"),
        (["no/a.html"], "The page no/a.html cannot be written"),
    ],
)
def test_a_page_that_cannot_be_is_one_sentence_and_no_file(run, folder, arguments, sentence):
    after = folder / "after.zarr"
    given = [argument.format(after=after) for argument in arguments]
    code, output, said = run("export", str(folder / "run ü.zarr"), *given)
    assert (code, output) == (2, "")
    assert said.splitlines()[-1].startswith(f"visualizer: {sentence.format(after=after)}")
    assert not list(Path().iterdir())


def test_a_page_may_hold_the_rows_of_some_queries(run, folder):
    assert run("export", str(folder / "run ü.zarr"), "page.html", "--queries", "3,1")[0] == 0
    told = Path("page.html").read_text("utf-8").split('visualizer-manifest">')[1].split("</script>")[0]
    assert json.loads(told)["maps"][0]["rows"]["queries"] == [1, 3]
