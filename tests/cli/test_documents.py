"""The shell blocks of the documents run as they stand, in a folder that holds what they name, but small."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.test_docs import DOCUMENTS, REPOSITORY, blocks, commands, name_of

import visualizer
from visualizer.axes import Grid, Special

# How commands begin that do not run, and why; test_docs.py checks that what they name exists.
EXCEPTED = {
    "make": "it installs, and runs these suites; tests/package/test_make.py has it plan each target",
    "pip": "there is no network; tests/package/test_wheel.py and test_extras.py try what it would install",
    ".venv/bin/python": "these suites are what it runs",
    "visualizer view": "it serves until Ctrl-C; tests/cli/test_view.py has it serve, and end",
}
CHINESE = ".zh-CN.md"
# Here one machine is all of SLURM, and timm has a torchvision that was made for another torch.
PRELUDE = """
srun() { "$@"; }
with_timm() { PYTHONPATH="$TIMM:$PYTHONPATH" python -c "$@"; }
visualizer() {
    case "$*" in
        *timm:*) with_timm "import torchvision_shim; from visualizer.cli import main; main()" "$@" ;;
        *) command visualizer "$@" ;;
    esac
}
set -eux
"""
JOB = {"SLURM_ARRAY_JOB_ID": "3", "SLURM_ARRAY_TASK_ID": "0"}
MAIN = """
import torch

layer = torch.nn.TransformerEncoderLayer(8, 2, batch_first=True)
torch.nn.TransformerEncoder(layer, 12, enable_nested_tensor=False).eval()(torch.ones(1, 5, 8))
"""
HUB = "hub/models--timm--vit_tiny_patch16_224.augreg_in21k_ft_in1k"
VIT = f"""
import torchvision_shim, timm
model = timm.create_model("vit_tiny_patch16_224")
timm.models.save_for_hf(model, "{HUB}/snapshots/0", safe_serialization=True)
"""


def words_of(path):
    """The commands of a document, each as its words."""
    return [shlex.split(line, comments=True) for line in commands(path.read_text())]


def is_excepted(words):
    return any(words[: len(start.split())] == start.split() for start in EXCEPTED)


def kept(path):
    """The commands that run, as they stand."""
    lines = commands(path.read_text())
    return [line for line, words in zip(lines, words_of(path)) if not is_excepted(words)]


SHELLS = [
    # the demo draws for two minutes; test_demo.py has a smoke of its examples
    pytest.param(path, id=name_of(path), marks=[pytest.mark.long] if path.stem == "demo" else [])
    for path in DOCUMENTS
    if kept(path) and not path.name.endswith(CHINESE)
]


def run_in(folder, script):
    timm = os.pathsep.join(map(str, (Path(sys.prefix, "timm"), REPOSITORY / "tests" / "demo")))
    environment = os.environ | JOB | {"SCRATCH": str(folder), "HF_HOME": str(folder), "TIMM": timm}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    command = ["bash", "-c", PRELUDE + script]
    how = {"capture_output": True, "text": True, "check": False, "timeout": 600}
    return subprocess.run(command, cwd=folder, env=environment, **how)


@pytest.fixture
def folder(tmp_path, bert, generators):
    """What the documents name."""
    tmp_path.joinpath("path/to").mkdir(parents=True)
    model = bert.removeprefix("hf:")
    for name, target in (("minilm", model), ("path/to/folder", model), ("smollm", generators / "gpt")):
        tmp_path.joinpath(name).symlink_to(target, target_is_directory=True)
    shown = (REPOSITORY / "docs" / "cli.md").read_text()
    evaluate = next(block.text for block in blocks(shown) if block.language == "python")
    tmp_path.joinpath("evaluate.py").write_text(evaluate)
    tmp_path.joinpath("main.py").write_text(MAIN)
    maps = np.random.default_rng(0).dirichlet(np.ones(97), size=(4, 97))
    vit = visualizer.from_arrays({f"blocks.{n}.attn": maps for n in range(12)})
    vit.label(axis=[Special("CLS"), Grid(8, 12)]).save(tmp_path / "vit.zarr")
    Image.new("RGB", (640, 480), (200, 100, 0)).save(tmp_path / "photo.jpg")
    return tmp_path


def lay_hub(folder):
    """Lay there what the hub would give, with random weights."""
    made = run_in(folder, f"with_timm {shlex.quote(VIT)}")
    assert not made.returncode, made.stderr
    folder.joinpath(HUB, "refs").mkdir()
    folder.joinpath(HUB, "refs", "main").write_text("0")


@pytest.mark.parametrize("path", SHELLS)
def test_the_shell_blocks_of_a_document_run_from_top_to_bottom(path, folder):
    script = "\n".join(kept(path))
    if "timm:" in script:
        lay_hub(folder)
    result = run_in(folder, script)
    assert not result.returncode, result.stderr
    pairs = [pair for words in words_of(path) for pair in zip(words, words[1:])]
    written = [name for option, name in pairs if option in {"-o", "--out"}]
    assert [name for name in written if "$" not in name and not folder.joinpath(name).exists()] == []


def test_a_block_ends_with_its_first_mistake(folder):
    result = run_in(folder, "visualizer info absent.zarr\ntouch later")
    assert result.returncode == 2
    assert "There is no run absent.zarr" in result.stderr
    assert not folder.joinpath("later").exists()


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.name.endswith(CHINESE)], ids=name_of)
def test_a_translation_has_the_same_commands(path):
    twins = path, path.with_name(path.name.replace(CHINESE, ".md"))
    here, there = map(words_of, twins)
    assert here == there


def test_what_is_excepted_is_in_the_documents():
    excepted = {" ".join(words) for path in DOCUMENTS for words in words_of(path) if is_excepted(words)}
    assert [start for start in EXCEPTED if not any(one.startswith(start) for one in excepted)] == []
