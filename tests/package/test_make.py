"""`make` installs when something changed, and only then."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
READ = ["Makefile", "pyproject.toml", "constraints.txt", "web/package-lock.json"]
MODULES = "web/node_modules/.package-lock.json"


@pytest.fixture
def clone(tmp_path):
    """A clone in which everything is installed, as far as make can see."""
    (tmp_path / "web" / "node_modules").mkdir(parents=True)
    for name in READ:
        shutil.copy(REPOSITORY / name, tmp_path / name)
        os.utime(tmp_path / name, (0, 0))
    stamps = tmp_path / ".venv"
    stamps.mkdir()
    made = [stamps / name for name in (".pip", ".demo", ".page", ".dev", ".beside", ".zoo")]
    for seconds, path in enumerate([*made, tmp_path / MODULES], start=1):
        path.touch()
        os.utime(path, (seconds, seconds))
    (tmp_path / "zoo.py").touch()
    return tmp_path


def make(clone, *words):
    return subprocess.run(["make", *words], cwd=clone, capture_output=True, text=True, check=False)


def plan(clone, target):
    result = make(clone, "--dry-run", f"PYTHON={sys.executable}", "ZOO=.", target)
    assert not result.returncode, result.stderr
    return result.stdout


@pytest.mark.parametrize("target", ["demo", "test", "test-all", "web", "lint", "types", "bench", "zoo"])
def test_nothing_is_installed_again(clone, target):
    planned = plan(clone, target)
    assert "pip install" not in planned
    assert "npm --prefix web ci" not in planned


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_what_is_needed_is_installed(clone, name):
    os.utime(clone / name, (9, 9))
    assert "--editable '.[all]'" in plan(clone, "demo")
    assert "--group dev" in plan(clone, "test")
    assert "--group beside" in plan(clone, "test-all")
    assert "--group zoo" in plan(clone, "zoo")


def test_a_change_of_what_the_page_needs_is_installed(clone):
    os.utime(clone / "web/package-lock.json", (9, 9))
    assert "npm --prefix web ci" in plan(clone, "test")


def test_a_change_of_the_page_is_in_the_demo(clone):
    (clone / "web" / "src").mkdir()
    (clone / "web" / "src" / "main.ts").touch()
    planned = plan(clone, "demo")
    assert "--no-deps --editable .\n" in planned
    assert "--editable '.[all]'" not in planned


def test_the_page_is_built_before_the_suite(clone):
    planned = plan(clone, "test")
    assert planned.index("hatch_build.py") < planned.index("-m pytest")


def test_the_demo_installs_no_developers_tools(clone):
    shutil.rmtree(clone / ".venv")
    assert "--group" not in plan(clone, "demo")


def test_torch_comes_first(clone):
    shutil.rmtree(clone / ".venv")
    first, second, last = [
        line for line in plan(clone, "demo").splitlines() if "--constraint constraints.txt" in line
    ]
    assert first.endswith(" torch")
    assert second.endswith(" --editable '.[all]'")
    assert last.endswith(" --no-deps --editable .")


def test_the_suite_comes_last(clone):
    assert "-m pytest --mpl" in plan(clone, "test").splitlines()[-1]


@pytest.mark.parametrize(("target", "group"), [("zoo", "zoo"), ("bench", "beside"), ("test-all", "beside")])
def test_what_is_beside_brings_nothing_unnamed_and_nothing_where_other_tests_look(clone, target, group):
    shutil.rmtree(clone / ".venv")
    [line] = [line for line in plan(clone, target).splitlines() if f"--group {group}" in line]
    assert "--no-deps" in line
    assert f"--target .venv/{group}" in line


def test_most_work_needs_no_other_tools(clone):
    shutil.rmtree(clone / ".venv")
    assert "beside" not in plan(clone, "test")


def test_the_benchmarks_find_the_tools_that_they_compare_with(clone):
    assert "PYTHONPATH=.venv/beside .venv/bin/python $benchmark" in plan(clone, "bench")


def test_a_zoo_that_is_not_there_is_told_before_anything_is_installed(clone):
    shutil.rmtree(clone / ".venv")
    result = make(clone, "zoo", "ZOO=nowhere")
    assert result.returncode
    assert result.stdout.startswith("There is no nowhere/zoo.py: name the folder")
    assert not (clone / ".venv").exists()
