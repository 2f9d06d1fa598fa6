"""What is installed is what is here."""

import ast
import gzip
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "src"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    with ZipFile(next(folder.glob("*.whl"))) as opened:
        yield opened


def text(wheel, ending):
    return wheel.read(next(name for name in wheel.namelist() if name.endswith(ending))).decode()


def test_every_file_of_the_source_is_in_the_wheel_and_no_other(wheel):
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = (path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert packed == {path.relative_to(SOURCE).as_posix() for path in files}


@pytest.mark.parametrize("ending", ["visualizer/py.typed", ".dist-info/licenses/LICENSE"])
def test_the_wheel_holds(wheel, ending):
    assert [name for name in wheel.namelist() if name.endswith(ending)]


def test_the_page_of_the_viewer_is_in_the_wheel_and_small(wheel):
    script, style = (wheel.read(f"visualizer/viewer/page/{name}") for name in ("viewer.js", "viewer.css"))
    assert b"render" in script
    assert b".visualizer" in style
    assert len(gzip.compress(script)) + len(gzip.compress(style)) < 100_000


def test_the_weights_of_the_demo_are_small_and_in_the_wheel(wheel):
    sizes = [entry.file_size for entry in wheel.infolist() if entry.filename.endswith(".safetensors")]
    assert len(sizes) == 1
    assert sizes[0] < 1_000_000


def test_the_wheel_brings_the_command(wheel):
    assert "visualizer = visualizer.cli:main" in text(wheel, ".dist-info/entry_points.txt")


def test_the_wheel_asks_for_python_3_10_and_for_light_packages_alone(wheel):
    metadata = text(wheel, ".dist-info/METADATA").splitlines()
    needed = {line for line in metadata if line.startswith("Requires-Dist") and "extra ==" not in line}
    assert "Requires-Python: >=3.10" in metadata
    names = {re.match(r"Requires-Dist: ([\w-]+)", line)[1] for line in needed}
    assert names == {"bytecode", "numpy", "psutil", "rich", "typer"}


def test_every_package_that_is_imported_is_asked_for(wheel):
    metadata = text(wheel, ".dist-info/METADATA")
    asked = re.findall(r"^Requires-Dist: ([\w-]+)", metadata, re.MULTILINE)
    sources = [wheel.read(name) for name in wheel.namelist() if name.endswith(".py")]
    statements = [node for source in sources for node in ast.walk(ast.parse(source))]
    names = {name.name for node in statements if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module for node in statements if isinstance(node, ast.ImportFrom) and not node.level}
    packages = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"visualizer"}
    # on purpose: with timm pip may bring another torch; where a widget is shown there is IPython
    assert packages - {name.replace("-", "_") for name in asked} == {"timm", "IPython"}
