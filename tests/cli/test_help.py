"""The help pages: each option is told about, and each example does what it says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import typer
from PIL import Image
from tests.cli.viewing import free_port, interrupted, viewing
from tests.viewer.asking import ask

import visualizer
from visualizer.cli import main
from visualizer.cli.application import app

TIMM = Path(__file__).parents[1] / "demo"  # where the stand-in for torchvision is
COMMANDS = typer.main.get_command(app).commands
START = ["-c", "import torchvision_shim; from visualizer.cli import main; main()"]
OWN = """
import torch

class Vit(torch.nn.Module):
    def __init__(self):
        super().__init__()
        layer = torch.nn.TransformerEncoderLayer(8, 2, batch_first=True)
        self.patches, self.encoder = torch.nn.Conv2d(3, 8, 56, 56), torch.nn.TransformerEncoder(layer, 12)

    def forward(self, image):
        return self.encoder(self.patches(image).flatten(2).mT)

build_vit = Vit
"""
MAIN = """
import argparse, torch
from mypackage.models import build_vit

parser = argparse.ArgumentParser()
parser.add_argument("--eval", action="store_true")
parser.add_argument("--resume")
parser.add_argument("--split")
parser.parse_args()
with torch.no_grad():
    build_vit().eval()(torch.ones(1, 3, 224, 224))
"""
VIT = """
import torchvision_shim, timm
small = {"img_size": (64, 96), "patch_size": 8, "embed_dim": 16, "depth": 12, "num_heads": 4}
timm.models.save_for_hf(timm.create_model("vit_tiny_patch16_224", **small), "vit", model_args=small)
"""


def examples():
    lines = {name: re.findall(r"^  (.+)$", command.epilog, re.M) for name, command in COMMANDS.items()}
    marks = {"demo": [pytest.mark.long]}  # test_demo has a smoke of each
    return [
        pytest.param(name, line, id=line, marks=marks.get(name, []))
        for name, found in lines.items()
        for line in found
    ]


def run_in(folder, arguments):
    """Run the command line where timm can be imported."""
    paths = [Path(sys.prefix, "timm"), TIMM, *filter(None, sys.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, bert):
    """What the examples name, as a user has it, but small."""
    folder = tmp_path_factory.mktemp("examples")
    folder.joinpath("mypackage").mkdir()
    folder.joinpath("mypackage", "models.py").write_text(OWN)
    for script in ("main.py", "mypackage/evaluate.py"):
        folder.joinpath(script).write_text(MAIN)
    names = {}
    exec(OWN, names)
    safetensors.torch.save_file(names["Vit"]().state_dict(), folder / "best.safetensors")
    np.savez(folder / "batch.npz", image=np.ones((1, 3, 224, 224), np.float32))
    Image.new("RGB", (640, 480), (200, 100, 0)).save(folder / "photo.jpg")
    maps = {f"blocks.{n}.attn": np.full((3, 2, 4, 4), 0.25) for n in range(12)}
    visualizer.from_arrays(maps).save(folder / "batch.zarr")
    made = run_in(folder, ["-c", VIT])
    assert not made.returncode, made.stderr
    text = ["capture", bert, "--text", "A bridge over the river, a bridge.", "-o", "run.zarr", "--inputs"]
    image = ["capture", "timm:./vit", "--image", "photo.jpg", "-o", "vit.zarr", "--inputs"]
    for arguments in (text, image):
        made = run_in(folder, [*START, *arguments])
        assert not made.returncode, made.stderr
    return folder


@pytest.mark.parametrize(("name", "line"), examples())
def test_an_example_of_a_help_page_runs(name, line, folder, bert, generators, monkeypatch, capsys):
    small = {
        "hf:google-bert/bert-base-uncased": bert,
        "hf:openai-community/gpt2": f"hf:{generators / 'gpt'}",
        "hf:path/to/folder": bert,
        "timm:vit_tiny_patch16_224": "timm:./vit",
        "cuda": "cpu",
        "before.zarr": "run.zarr",
        "after.zarr": "run.zarr",
    }
    if name in {"capture", "run"}:
        small["run.zarr"] = f"new-{name}.zarr"  # a place that is free
    words = [small.get(word, word) for word in shlex.split(line)[1:]]
    if name == "view":
        small["8787"] = str(free_port())
        with viewing(folder, *(small.get(word, word) for word in words[1:])) as (child, url):
            at = f"http://127.0.0.1:{small['8787']}" if url.startswith("/") else url
            assert ask(at, url.removeprefix(at)).status == 200
            assert interrupted(child)[0] == 0
    elif name == "run" or "timm:./vit" in words:
        ended = run_in(folder, [*(["-m", "visualizer"] if name == "run" else START), *words])
        assert ended.returncode == 0, ended.stderr
    else:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "path", [*sys.path])
        monkeypatch.setattr(sys, "argv", ["visualizer", *words])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, capsys.readouterr().err
    written = [word for before, word in zip(words, words[1:]) if before in {"-o", "--out"}]
    written += [word for word in words if word.endswith(".html")]
    assert all(folder.joinpath(word).exists() for word in written)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_page_tells_all_options_and_shows_the_examples(run, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERM", "dumb")
    page = run(name, "--help")[1]
    for parameter in COMMANDS[name].params:
        assert parameter.help, parameter.name
        assert not parameter.hidden
        told = parameter.help.splitlines()[0][:60]
        line = next(one for one in page.splitlines() if told in one)
        names = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]
        assert all(one in line for one in names), line
    lines = {line.strip() for line in page.splitlines()}
    shown = [line for line in re.findall(r"^  (.+)$", COMMANDS[name].epilog, re.M)]
    assert shown
    assert set(shown) <= lines
    assert all(shlex.split(line)[:2] == ["visualizer", name] for line in shown)


def test_every_result_can_be_had_as_json():
    with_json = {
        name for name, command in COMMANDS.items() if any("--json" in one.opts for one in command.params)
    }
    assert with_json == set(COMMANDS) - {"demo"}
