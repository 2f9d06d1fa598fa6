import json
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

OWN = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.TransformerEncoderLayer(8, 2, batch_first=True)
        self.register_buffer("offset", torch.zeros(8))

    def forward(self, x, *, scale=1.0):
        return self.layer(x * scale + self.offset)

class Holder:
    build = staticmethod(Net)

net = Net()

def fails():
    raise ValueError("no such size")

def leaves():
    raise SystemExit

def gives_text():
    return "a model"
"""


@pytest.fixture(autouse=True)
def own(run, monkeypatch, tmp_path):
    """A user's own package, with a space and other letters in its path, as the current folder."""
    folder = tmp_path / "mein Projekt ü"
    folder.mkdir()
    folder.joinpath("nets.py").write_text(OWN)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    return folder


PATH = "layer.self_attn"


def test_what_can_be_captured_of_a_model_of_one_s_own_is_listed(run):
    code, output, progress = run("find", "nets:Net", "--random", "2x5x8")
    assert code == 0
    assert output.startswith(f"1 attention calls can be captured\n  {PATH}  (2, 2, 5, 5)")
    assert "loading nets:Net" in progress


@pytest.mark.parametrize("name", ["nets:Net", "nets:Holder.build", "nets:net"])
def test_a_program_may_read_it(run, name):
    code, output, _ = run("find", name, "--random", "2x5x8", "--json")
    assert code == 0
    found = json.loads(output)
    assert [(call["path"], call["shape"]) for call in found["taken"]] == [(PATH, [2, 2, 5, 5])]
    assert (found["left"], found["refused"], found["reason"]) == ({}, {}, "")


def test_a_model_without_attention_is_no_mistake(run):
    code, output, _ = run("find", "torch.nn:Identity", "--random", "2x5")
    assert code == 0
    assert "nothing: the Identity ran without any softmax" in output


def test_a_transformers_model_reads_a_sentence_of_its_own(run, bert):
    code, output, _ = run("find", bert, "--json")
    assert code == 0
    assert len(json.loads(output)["taken"]) == 6


def test_arrays_are_handed_over_by_name_or_by_number(run):
    x = np.ones((1, 5, 8))
    np.save("x.npy", x)
    np.savez("x.npz", x, scale=np.full(8, 2.0))
    safetensors.torch.save_file({"x": torch.ones(1, 5, 8)}, "x ü.safetensors")
    for file in ("x.npy", "x.npz", "x ü.safetensors"):
        assert run("find", "nets:Net", "--input", file)[0] == 0


def test_ids_are_made_of_whole_numbers(run, bert):
    assert run("find", bert, "--random", "1x7:100")[0] == 0


def test_weights_are_read_and_must_fit(run):
    run("find", "nets:net", "--random", "1x5x8")
    held = sys.modules["nets"].net.state_dict()
    safetensors.torch.save_file(held, "whole.safetensors")
    assert run("find", "nets:Net", "--weights", "whole.safetensors", "--random", "1x5x8")[0] == 0
    rest = {name: value for name, value in held.items() if "norm1" not in name}
    safetensors.torch.save_file(rest | {"other": torch.ones(1)}, "part.safetensors")
    code, _, said = run("find", "nets:Net", "--weights", "part.safetensors", "--random", "1x5x8")
    assert code == 2
    assert said.splitlines()[-1] == (
        "visualizer: part.safetensors does not fit nets:Net: "
        "it lacks layer.norm1.bias, layer.norm1.weight and has besides other"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nets"], "MODEL is timm:NAME, hf:NAME or hf:FOLDER, or package.module:callable, not 'nets'"),
        ([":Net"], "MODEL is timm:NAME, hf:NAME or hf:FOLDER, or package.module:callable, not ':Net'"),
        (
            ["nowhere:Net"],
            "nowhere:Net could not be imported (ModuleNotFoundError: No module named 'nowhere')",
        ),
        (["nets:Nett"], "nets:Nett is not there; nets has Net, "),
        (
            ["nets:fails"],
            "nets:fails was called without arguments to make the model, and raised ValueError: no",
        ),
        (["nets:gives_text"], "nets:gives_text gave a str, where a torch.nn.Module is needed"),
        (["nets:Net"], "nets:Net takes what is prepared for it: --input file.npz, or --random 1x3x224x224"),
        (
            ["nets:Net", "--random", "2x"],
            "--random takes a shape such as 1x3x224x224, or 1x16:100 for ids, not",
        ),
        (
            ["nets:leaves"],
            "nets:leaves was called without arguments to make the model, and raised SystemExit",
        ),
        (["nets:Net", "--random", "5:0"], "--random 5:0 cannot be made: "),
        (
            ["nets:Net", "--random", f"{10**9}x{10**9}x{10**9}"],
            "--random 1000000000x1000000000x1000000000 cannot",
        ),
        (["nets:Net", "--text", " "], "--text is empty: give what the model is to read, or leave it out"),
        (
            ["nets:Net", "--text", "a", "--text-pair", "b", "--image", "c.png"],
            "--text-pair and --image were given: give one of them beside --text",
        ),
        (["nets:Net", "--random", "1x5x7"], "nets:Net failed on this input: RuntimeError: "),
        (["nets:Net", "--input", "no.npz"], "The input no.npz could not be read: No such file or directory"),
        (["nets:Net", "--input", "nets.py"], "--input takes a file .npy, .npz or .safetensors, not nets.py"),
        (["nets:Net", "--input", "bad.npy"], "The input bad.npy could not be read: "),
        (
            ["nets:Net", "--random", "1", "--text", "a"],
            "--text and --image, --input, --random: give the model one",
        ),
        (["nets:Net", "--text-pair", "a"], "--text-pair needs --text beside it"),
        (
            ["nets:Net", "--weights", "w.pth"],
            "--weights takes a file.safetensors, not w.pth: other kinds may run",
        ),
        (
            ["nets:Net", "--weights", "w.safetensors"],
            "w.safetensors could not be loaded into nets:Net: there is no",
        ),
        (["hf:./nowhere"], "There is no folder nowhere to load a model from"),
        (["hf:C:\\models\\bert"], "There is no folder C:\\models\\bert to load a model from"),
        (["hf:some/model"], "'some/model' is not on this machine and the hub could not be asked"),
    ],
)
def test_a_mistake_is_one_sentence(run, arguments, sentence):
    np.save("bad.npy", np.array([{}], dtype=object), allow_pickle=True)
    code, output, said = run("find", *arguments)
    assert (code, output) == (2, "")
    assert said.splitlines()[-1].startswith(f"visualizer: {sentence}")
    assert "Traceback" not in said


def test_pickled_arrays_are_refused(run):
    np.save("bad.npy", np.array([{}], dtype=object), allow_pickle=True)
    code, _, said = run("find", "nets:Net", "--input", "bad.npy")
    assert code == 2
    assert "allow_pickle=False" in said


def test_a_model_that_reads_text_is_given_no_image_that_is_not_there(run, bert):
    code, _, said = run("find", bert, "--image", "nowhere.jpg")
    assert code == 2
    assert (
        said.splitlines()[-1]
        == "visualizer: The image nowhere.jpg could not be read: No such file or directory"
    )


@pytest.mark.parametrize("kind", ["cut", "bomb", "folder"])
def test_a_file_that_is_no_whole_image_is_one_sentence(run, bert, kind):
    if kind == "folder":
        Path("file.png").mkdir()
    else:
        Image.new("1", (20_000, 20_000) if kind == "bomb" else (640, 640)).save("file.png")
        Path("file.png").write_bytes(Path("file.png").read_bytes()[: None if kind == "bomb" else 50])
    code, _, said = run("find", bert, "--image", "file.png")
    assert code == 2
    assert said.splitlines()[-1].startswith("visualizer: The image file.png could not be read: ")


def test_a_model_that_reads_text_alone_is_given_no_image_beside_it(run, bert):
    Image.new("RGB", (8, 8)).save("small.png")
    code, _, said = run("capture", bert, "--text", "A bridge.", "--image", "small.png")
    assert code == 2
    assert (
        said.splitlines()[-1] == f"visualizer: --image was given, but {bert} reads text alone: leave it out"
    )


def test_a_vision_model_saved_in_a_folder_sees_an_image(run, own):
    from visualizer.loading.hf_models import transformers_library

    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    with transformers_library() as library:
        library.ViTModel(library.ViTConfig(image_size=(32, 48), patch_size=8, **small)).save_pretrained("vit")
        library.ViTImageProcessorPil(size={"height": 32, "width": 48}).save_pretrained("vit")
    Image.new("RGB", (96, 64), (255, 0, 0)).save("réd.png")
    for arguments in (["--image", "réd.png"], []):
        code, output, _ = run("find", "hf:vit", "--json", *arguments)
        assert code == 0
        assert [call["shape"] for call in json.loads(output)["taken"]] == [[1, 2, 25, 25]] * 2
    code, _, said = run("find", f"hf:{Path('vit').resolve()}", "--text", "a")
    assert code == 2
    assert "reads images: give --image" in said
