"""What is done with a saved run: shown, drawn, tabled, exported."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import safetensors.numpy
import torch
from PIL import Image

import visualizer
from visualizer.axes import Grid
from visualizer.cli import main

TEXT = "The old bridge over the river: a bridge of stone."
LAYER = "encoder.layer.{}.attention.self"
RUN = "mein Lauf ü.zarr"


@pytest.fixture(scope="module")
def saved(tmp_path_factory, bert):
    """A run of the packaged text model, written by the command itself."""
    folder = tmp_path_factory.mktemp("saved")
    arguments = ["capture", bert, "--text", TEXT, "-o", str(folder / RUN), "--inputs"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["visualizer", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    assert not ended.value.code
    return str(folder / RUN)


def test_info_shows_the_calls_the_tokens_and_what_made_it(run, saved):
    code, output, _ = run("info", saved)
    assert code == 0
    assert "6 calls of 6 modules" in output
    assert "keys: " in output
    assert f"visualizer: {visualizer.__version__}" in output


def test_a_program_may_read_what_info_shows(run, saved):
    found = json.loads(run("info", saved, "--json")[1])
    assert [call["path"] for call in found["calls"]] == [LAYER.format(n) for n in range(6)]
    assert found["calls"][0]["shape"] == [1, 12, 14, 14]
    assert found["calls"][0]["error"] < 1e-5
    assert found["made by"]["model"].endswith("BertModel")


def test_a_table_is_sorted_and_cut_and_read_by_programs(run, saved):
    options = ["--read", "entropy", "--sort", "entropy", "--top", "3"]
    rows = json.loads(run("table", saved, *options, "--json")[1])
    expected = visualizer.load(saved).table("entropy").sort("entropy")[:3]
    assert rows == [dict(row) for row in expected]
    assert run("table", saved, *options)[1] == f"{expected!r}\n"


def test_the_measures_of_heads_are_tabled(run, saved):
    expected = visualizer.load(saved).metrics()
    rows = json.loads(run("metrics", saved, "--json")[1])
    assert rows[20]["entropy"] == expected[20]["entropy"]
    assert rows[20]["distance_in_pixels"] is None  # not a number, which JSON lacks
    options = [
        "--layer",
        "2",
        "--measure",
        "diagonal",
        "--measure",
        "sinks",
        "--sort",
        "diagonal",
        "--top",
        "3",
    ]
    wanted = visualizer.load(saved).metrics(["diagonal", "sinks"], path=LAYER.format(2)).sort("diagonal")[:3]
    assert run("metrics", saved, *options)[1] == f"{wanted!r}\n"
    code, _, said = run("metrics", saved, "--measure", "entropies")
    assert code == 2
    assert "the measure 'entropies' was asked for; there are entropy, " in said


def test_a_table_tells_the_weight_on_a_text_wherever_it_stands(run, saved):
    options = ["--layer", "2", "--on", "bridge", "--on", "stone", "--sort", "bridge", "--descending"]
    rows = json.loads(run("table", saved, *options, "--json")[1])
    assert {row["path"] for row in rows} == {LAYER.format(2)}
    weights = visualizer.load(saved)[LAYER.format(2)].numpy()[0, rows[0]["head"]]
    assert rows[0]["bridge"] == pytest.approx(weights[:, [3, 9]].sum(1).mean(), abs=1e-5)
    assert rows[0]["bridge"] > rows[-1]["bridge"]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--layer", "2"],
        ["--layer", "-1", "--head", "9"],
        ["--layer", LAYER.format(2), "--head", "mean", "--title", "a title"],
        ["--layer", "2", "--head", "9", "--query", "3"],
        ["--layer", "2", "--text", "bridge", "--nth", "1"],
        ["--layer", "2", "--head", "all", "--query", "3"],
    ],
)
def test_a_figure_is_written(run, saved, options):
    code, output, _ = run("plot", saved, "-o", "bild ü.png", *options)
    assert (code, output) == (0, "Written: bild ü.png\n")
    assert [path.name for path in Path().iterdir()] == ["bild ü.png"]
    Image.open("bild ü.png").load()


def test_a_figure_of_a_query_is_that_of_python_without_sinks_and_of_the_mass(run, saved):
    asked = ["--layer", "2", "--head", "9", "--query", "3", "--no-sinks", "--mass", "0.8"]
    assert run("plot", saved, "-o", "row.png", *asked)[0] == 0
    loaded = visualizer.load(saved)
    figure = visualizer.plots.row(loaded, layer=LAYER.format(2), head=9, query=3, sinks=False, mass=0.8)
    figure.savefig("python.png")
    assert Path("row.png").read_bytes() == Path("python.png").read_bytes()


@pytest.mark.parametrize(
    ("named", "options"),
    [(["--query", "3"], {"key": 3}), (["--text", "bridge", "--nth", "1"], {"text": "bridge", "nth": 1})],
)
def test_a_figure_of_a_column_is_that_of_python(run, saved, named, options):
    asked = ["--layer", "2", "--head", "9", "--column", *named, "--mass", "0.8"]
    assert run("plot", saved, "-o", "column.png", *asked)[0] == 0
    loaded = visualizer.load(saved)
    visualizer.plots.column(loaded, layer=LAYER.format(2), head=9, mass=0.8, **options).savefig("python.png")
    assert Path("column.png").read_bytes() == Path("python.png").read_bytes()


def test_a_figure_for_print_is_vectors(run, saved):
    assert run("plot", saved, "--layer", "2", "--head", "9", "-o", "head.pdf")[0] == 0
    assert Path("head.pdf").read_bytes().startswith(b"%PDF")


def test_maps_are_exported_to_the_last_bit(run, saved):
    maps = {call.path: call.map.numpy() for call in visualizer.load(saved)}
    assert run("export", saved, "-o", "maps.npz")[0] == 0
    with np.load("maps.npz", allow_pickle=False) as held:
        assert {name: array.tobytes() for name, array in held.items()} == {
            name: array.tobytes() for name, array in maps.items()
        }
    assert run("export", saved, "-o", "maps.safetensors", "--layer", "*.layer.[01].*")[0] == 0
    held = safetensors.numpy.load_file("maps.safetensors")
    assert sorted(held) == [LAYER.format(0), LAYER.format(1)]
    assert all((held[name] == maps[name]).all() for name in held)
    assert run("export", saved, "-o", "maps.csv", "--layer", "5")[0] == 0
    with Path("maps.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 * 14 * 14
    assert float(rows[14]["weight"]) == pytest.approx(float(maps[LAYER.format(5)][0, 0, 1, 0]), rel=1e-6)
    assert (rows[14]["query"], rows[14]["key"]) == ("1", "0")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["info", "nowhere.zarr"], "There is no run nowhere.zarr: give a folder or file that was saved"),
        (["info", "/proc/version"], "/proc/version was to be read, but: File is not a zip file"),
        (["plot", "{}", "-o", "x.png", "--layer", "²"], "'²' was asked for, but no call of it was recorded"),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "1", "--head", "²"],
            "--head takes a number, from 0, or mean",
        ),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "1", "--head", "12"],
            "head=12 was asked for of 12 heads",
        ),
        (["plot", "{}", "-o", "x.png", "--call", "1"], "--call was asked for: give --layer beside it"),
        (["plot", "{}", "-o", "x.docx"], "-o x.docx was asked for; give a file that ends with one of "),
        (
            ["plot", "{}", "-o", "no/x.png"],
            "The figure no/x.png cannot be written: No such file or directory",
        ),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "6"],
            "--layer 6 was asked for, but the run has layers 0 to 5",
        ),
        *(
            ([*command, "--layer", "no*"], "'no*' was asked for, but no call of it was recorded; there are 6")
            for command in (["table", "{}"], ["export", "{}", "-o", "x.npz"], ["plot", "{}", "-o", "x.png"])
        ),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "nowhere"],
            "'nowhere' was asked for, but no call of it was",
        ),
        (
            ["plot", "{}", "-o", "x.png", "--head", "1"],
            "a head, or a query of it, was asked for: give --layer",
        ),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "1", "--head", "x"],
            "--head takes a number, from 0, or mean",
        ),
        (["plot", "{}", "-o", "x.png", "--layer", "1", "--cell", "4"], ""),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "1", "--cell", "x,y"],
            "--cell takes ROW,COLUMN, such as 4,7",
        ),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "1", "--crop", "1,x"],
            "--crop takes LEFT,TOP,WIDTH,HEIGHT, such as 80,0,480,480, not '1,x'",
        ),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "1", "--crop", "0,0,9,9"],
            "--crop was given without --image",
        ),
        *(
            (
                ["plot", "{}", "-o", "x.png", "--layer", "1", *more],
                "--head all, --mass, --no-sinks or --column were given, which are of a query",
            )
            for more in (["--head", "all"], ["--mass", "0.5"], ["--no-sinks"], ["--column"])
        ),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "1", "--query", "1", "--column", "--no-sinks"],
            "--no-sinks was given with --column, whose weights are of different rows",
        ),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "1", "--query", "1", "--mass", "2"],
            "mass=2.0 was asked for; give a share above 0",
        ),
        (
            ["plot", "{}", "-o", "x.png", "--image", "x.jpg"],
            "--image was given, but maps are not drawn on it: give --query, --cell, --pixel",
        ),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "1", "--call", "1"],
            "--call 1 was asked for, but there are calls",
        ),
        (
            ["plot", "{}", "-o", "x.png", "--layer", "1", "--image", "x.jpg", "--query", "1"],
            "The image x.jpg could",
        ),
        (
            ["table", "{}", "--read", "entropi"],
            "the read-out 'entropi' was asked for; did you mean 'entropy'?",
        ),
        (["table", "{}", "--sort", "nothing"], "column 'nothing' was asked for; there are path, call, "),
        (["table", "{}", "--descending"], "--descending needs --sort beside it"),
        (["table", "{}", "--on", "castle"], "'castle' was looked for"),
        (["table", "{}", "--by", "layer"], "column 'layer' was asked for; there are path, call, "),
        (["table", "{}", "-o", "x.txt"], "-o x.txt was asked for; give a file that ends with one of .csv, "),
        (
            ["table", "{}", "-o", "no/x.csv"],
            "The table no/x.csv cannot be written: No such file or directory",
        ),
        (["export", "{}", "-o", "x.txt"], "x.txt was asked for; give a file that ends with one of .npz, "),
        (["capture", "torch.nn:Identity", "-o", "{}"], "-o {} was asked for, but there is something already"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_file(run, saved, arguments, sentence):
    code, output, said = run(*(argument.format(saved) for argument in arguments))
    assert (code, output) == (2, "")
    assert said.splitlines()[-1].startswith(f"visualizer: {sentence.format(saved)}")
    assert list(Path().iterdir()) == []


def test_a_layer_of_several_calls_is_named_with_its_call(run):
    calls = {"layer": np.full((1, 2, 3, 3), 1 / 3)}
    whole = visualizer.from_arrays(calls)
    whole.add(whole[0])
    whole.save("two.zarr")
    code, _, said = run("plot", "two.zarr", "-o", "x.png", "--layer", "0")
    assert code == 2
    assert said == "visualizer: --layer 0 has 2 calls: give --call, from 0 to 1\n"
    assert run("plot", "two.zarr", "-o", "x.png", "--layer", "0", "--call", "1")[0] == 0


def test_read_outs_are_exported_by_name_and_are_no_csv(run):
    import torch

    layer, x = torch.nn.MultiheadAttention(8, 2, batch_first=True), torch.ones(1, 5, 8)
    with torch.no_grad(), visualizer.capture(layer, keep="readouts", readouts="entropy") as recorded:
        layer(x, x, x, need_weights=False)
    recorded.save("entropy.zarr")
    assert run("export", "entropy.zarr", "-o", "entropy.npz")[0] == 0
    with np.load("entropy.npz", allow_pickle=False) as held:
        assert held["model:entropy"].shape == (1, 2, 5)
    code, _, said = run("export", "entropy.zarr", "-o", "entropy.csv")
    assert code == 2
    assert said == "visualizer: model:entropy has the shape (1, 2, 5), and is no map: give a file.npz\n"
    assert not list(Path().glob("*.csv")) + list(Path().glob(".*"))


def test_what_was_written_is_told_to_programs(run, saved):
    code, output, _ = run("plot", saved, "-o", "bild ü.png", "--json")
    assert (code, json.loads(output)) == (0, {"written": "bild ü.png"})
    found = json.loads(run("export", saved, "-o", "maps.npz", "--layer", "0", "--json")[1])
    held = {LAYER.format(0): {"shape": [1, 12, 14, 14], "dtype": "float32"}}
    assert found == {"written": "maps.npz", "arrays": held}


def test_a_table_s_means_and_rows_go_into_files(run, saved):
    options = ["table", saved, "--read", "received", "--by", "head", "--sort", "received"]
    expected = [dict(row) for row in visualizer.load(saved).table("received").mean("head").sort("received")]
    assert run(*options, "-o", "tabelle ü.csv") == (0, "Written: tabelle ü.csv\n", "")
    with Path("tabelle ü.csv").open(encoding="utf-8", newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert rows == expected
    assert json.loads(run(*options, "-o", "rows.json", "--json")[1]) == expected
    assert json.loads(Path("rows.json").read_text()) == expected


def test_parquet_needs_a_package_that_the_sentence_names(run, saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, output, said = run("table", saved, "-o", "rows.parquet")
    assert (code, output) == (2, "")
    assert said == "visualizer: Writing .parquet needs pyarrow, which is not installed: pip install pyarrow\n"
    assert not list(Path().iterdir())


@pytest.mark.long
def test_rows_are_written_as_parquet(saved, tmp_path):
    code = (
        "import sys, pandas, visualizer; from visualizer.cli import main\n"
        f"sys.argv = ['visualizer', 'table', {saved!r}, '-o', 'rows.parquet']\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        f"expected = pandas.DataFrame(visualizer.load({saved!r}).table('entropy'))\n"
        "assert pandas.read_parquet('rows.parquet').equals(expected), 'other rows'\n"
    )
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(Path(sys.prefix, "beside")), *filter(None, sys.path)])
    }
    command = [sys.executable, "-c", code]
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert not result.returncode, result.stderr


def test_numbers_that_json_lacks_are_null(run):
    maps = np.full((1, 1, 2, 2), 0.5)
    maps[0, 0, 0] = np.nan
    whole = visualizer.from_arrays({"layer": maps})
    whole.save("nan.zarr")
    for command in ("table", "info"):
        code, output, _ = run(command, "nan.zarr", "--json")
        assert code == 0
        assert "NaN" not in output
    assert json.loads(run("table", "nan.zarr", "--json")[1])[0]["entropy"] is None


def test_where_a_patch_looks_is_drawn_on_the_image_that_the_model_saw(run):
    from visualizer.loading.hf_models import transformers_library

    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    with transformers_library() as library:
        library.ViTModel(library.ViTConfig(image_size=(32, 48), patch_size=8, **small)).save_pretrained("vit")
        library.ViTImageProcessorPil(size={"height": 32, "width": 48}).save_pretrained("vit")
    assert run("capture", "hf:vit", "-o", "vit.zarr", "--inputs")[0] == 0
    assert visualizer.load("vit.zarr").image.shape == (32, 48, 3)
    asked = ["--layer", "1", "--head", "0", "--cell", "2,5"]
    assert run("plot", "vit.zarr", "-o", "cell.png", *asked)[0] == 0
    code, _, said = run("plot", "vit.zarr", "-o", "x.png", "--layer", "1", "--head", "0", "--cell", "4,0")
    assert code == 2


def test_a_pixel_of_the_part_of_a_photo_that_the_model_was_given_is_looked_up(run):
    maps = np.random.default_rng(0).dirichlet(np.ones(24), size=(3, 2, 24))  # (batch, head, query, key)
    visualizer.from_arrays({"attn": maps}).label(axis=Grid(4, 6)).save("batch.zarr")
    Image.fromarray(np.zeros((60, 100, 3), np.uint8)).save("photo.png")
    asked = ["--layer", "0", "--head", "1", "--batch", "2", "--image", "photo.png", "--crop", "30,10,60,40"]
    assert run("plot", "batch.zarr", *asked, "--pixel", "65,25", "-o", "row.svg")[0] == 0
    drawn = texts_of("row.svg")
    assert "head 1 of 2, row 2 of the batch. Query (row): token 9, cell (1, 3)." in drawn
    assert f"from 0 to {maps[2, 1, 9].max():.3g}." in drawn
    code, _, said = run("plot", "batch.zarr", *asked, "--pixel", "5,5", "-o", "x.svg")
    assert code == 2
    assert "is outside of the part that the model was given, 60 × 40 pixels from (30, 10) on" in said
    assert run("plot", "batch.zarr", "--batch", "1", "-o", "atlas.svg")[0] == 0
    code, _, said = run("plot", "batch.zarr", "--batch", "3", "-o", "x.svg")
    assert (code, said) == (2, "visualizer: place 3 of the batch axis was asked for, but it has 3 places\n")


def test_a_script_s_run_is_saved_while_it_runs_and_goes_on(python, tmp_path):
    tmp_path.joinpath("main.py").write_text(
        "import os, sys, torch\n"
        "net = torch.nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()\n"
        "net(torch.ones(1, 5, 8))\n"
        "sys.exit(3)\n"
    )
    for arguments in (["-o", "out.zarr"], ["-o", "out.zarr", "--resume"]):
        result = python("-m", "visualizer", "run", *arguments, "main.py")
        assert result.returncode == 3
    assert [call.path for call in visualizer.load(tmp_path / "out.zarr")] == ["self_attn"] * 2
    again = python("-m", "visualizer", "run", "-o", "out.zarr", "main.py")
    assert again.returncode == 2
    assert again.stderr.startswith("visualizer: -o out.zarr was asked for, but there is something already")


def texts_of(svg):
    """All texts of a figure, one after another."""
    return " ".join(" ".join(ET.parse(svg).getroot().itertext()).split())


def test_a_saved_run_that_is_empty_says_why(run, tmp_path):
    model = torch.nn.Linear(4, 4)
    with visualizer.capture(model, path=tmp_path / "run.zarr") as recorded:
        model(torch.zeros(1, 4))
    assert f"<an empty run: {recorded.why_empty()}>" in run("info", "run.zarr")[1]
    assert json.loads(run("info", "run.zarr", "--json")[1])["reason"] == recorded.why_empty()
    for command in (
        ["table"],
        ["metrics"],
        ["export", "-o", "x.npz"],
        ["plot", "--layer", "0", "-o", "x.png"],
    ):
        code, output, said = run(command[0], "run.zarr", *command[1:])
        assert (code, output) == (2, "")
        assert f"was asked for, but the run is empty: {recorded.why_empty()}" in said


def test_calls_of_a_resumed_run_are_counted_as_they_lie(run, tmp_path):
    model, x = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval(), torch.randn(2, 1, 4, 8)
    for one in x:  # each recording counts its calls from 0
        with torch.no_grad(), visualizer.capture(model, path=tmp_path / "run.zarr", resume=True):
            model(one, one, one)
    maps = [call.map.numpy() for call in visualizer.load(tmp_path / "run.zarr")]
    for kind, read in ((".npz", np.load), (".safetensors", safetensors.numpy.load_file)):
        assert run("export", "run.zarr", "-o", f"maps{kind}")[0] == 0
        found = read(f"maps{kind}")
        assert sorted(found) == ["model#0", "model#1"]
        assert all(np.array_equal(found[f"model#{number}"], one) for number, one in enumerate(maps))
    for call, one in enumerate(maps):
        asked = ["--layer", "0", "--call", str(call), "--head", "0", "--query", "0", "-o", "row.svg"]
        assert run("plot", "run.zarr", *asked)[0] == 0
        drawn = texts_of("row.svg")
        assert f"head 0 of 2, call {call}." in drawn
        assert f"from 0 to {one[0, 0, 0].max():.3g}." in drawn


@pytest.mark.parametrize("head", [[], ["--head", "9"], ["--head", "mean"]], ids=str)
def test_matrices_tell_layer_head_and_self_check(run, saved, head):
    assert run("plot", saved, "--layer", "2", *head, "-o", "map.svg")[0] == 0
    told = {"9": "head 9 of 12", "mean": "mean of 12 heads"}.get("".join(head[1:]), "")
    drawn = texts_of("map.svg")
    assert "ayer encoder.layer.2.attention.self" in drawn
    assert told in drawn
    assert "Self-check: some rows times v gave the layer's own output, error" in drawn
