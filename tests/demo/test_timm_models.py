"""timm's models are read in a process of their own, where torchvision may be a stand-in."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from visualizer.demo.readings import Given
from visualizer.demo.timm_models import read_with_timm
from visualizer.errors import MissingExtraError

HERE = Path(__file__).parent
ABSENT = "is not on this machine and the hub could not be asked"
ERRORS = {
    "vit_tiny_patch16_225": "ModelNotFoundError: timm .* near it are .*vit_tiny_patch16_224",
    "vit_base_patch16_gap_224": "ModelNotFoundError: timm has no trained weights for 'vit_base_patch16_gap",
    "vit_tiny_patch16_224": f"ModelNotFoundError: 'timm/vit_tiny_patch16_224.* {ABSENT}",
    "someone/model": f"ModelNotFoundError: 'someone/model' {ABSENT}",
    "./nowhere": "ModelNotFoundError: There is no folder nowhere",
    ".": "ModelNotFoundError: timm could not load local-dir:.",
    "./resnet": "TargetError: .* ResNet has none: no part of it is called attention",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("timm")


@pytest.fixture(scope="module")
def run(folder):
    """Run Python where timm can be imported, warnings being errors, in one folder for all tests."""
    paths = [Path(sys.prefix, "timm"), HERE]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}

    def run(*arguments):
        command = [sys.executable, "-W", "error", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="module")
def outcomes(run):
    result = run("-c", "import torchvision_shim, timm_outcomes", *ERRORS)
    assert not result.returncode, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_the_maps_of_a_timm_model_are_its_softmax_of_queries_and_keys(outcomes):
    assert outcomes["shapes"] == [[2, 25, 25]] * 2
    assert outcomes["error"] < 1e-5


def test_a_timm_model_has_its_grid_its_prefix_and_the_image_that_it_saw(outcomes):
    assert (outcomes["grid"], outcomes["prefix"], outcomes["image"]) == ([4, 6], 1, [32, 48, 3])


@pytest.mark.parametrize("name", ERRORS)
def test_a_timm_model_that_cannot_be_read_says_why(outcomes, name):
    assert re.match(ERRORS[name], outcomes["errors"][name])


def test_the_demo_draws_a_timm_model_from_a_folder(run, outcomes, folder):
    code = "import torchvision_shim; from visualizer.cli import main; main()"
    result = run("-c", code, "demo", "--model", "timm:./vit")
    assert result.returncode == 0, result.stderr
    names = {path.name for path in folder.joinpath("demo").iterdir()}
    assert names == {"vision_cls.png", "vision_patch.png", "vision_heads.png", "vision.html"}


def test_the_command_finds_and_captures_a_timm_model_from_a_folder(run, outcomes, folder):
    code = "import torchvision_shim; from visualizer.cli import main; main()"
    found = run("-c", code, "find", "timm:./vit", "--json")
    assert [call["shape"] for call in json.loads(found.stdout)["taken"]] == [[1, 2, 25, 25]] * 2
    wrong = run("-c", code, "capture", "timm:./vit", "--text", "a")
    assert wrong.returncode == 2
    assert "timm:./vit reads images: give --image" in wrong.stderr


def test_without_timm_the_pip_line_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtraError, match=r"pip install timm 'torch==[\d.]+'$"):
        read_with_timm("vit_tiny_patch16_224", Given())
