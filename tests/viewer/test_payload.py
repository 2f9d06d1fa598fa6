"""A page is told enough to compute every row of a map to 1e-3."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.viewer.page import array, head_rows, told
from tests.viewer.signed import gradients_of

import visualizer
from visualizer.attention import AttentionMap, Band, Dense, Factors, SampledLevel
from visualizer.axes import Axis, Grid, Special, Windows
from visualizer.calls import Call
from visualizer.errors import OptionError
from visualizer.run import Run
from visualizer.viewer import exhibits, measuring
from visualizer.viewer.factoring import shortened
from visualizer.viewer.payload import Payload
from visualizer.viewer.querying import rows_asked

RANDOM = np.random.default_rng(0)
Q = RANDOM.normal(size=(2, 4, 90, 16)).astype(np.float32)
K = RANDOM.normal(size=(2, 4, 90, 16)).astype(np.float32)
PADDING = np.arange(90) < np.array([70, 90])[:, None, None, None]

FACTORS = {
    "plain": Factors(Q, K, 0.3),
    "sharp": Factors(8 * Q, 4 * K, 1.0),
    "grouped": Factors(Q, K[:, :2], 0.3, band=Band()),
    "window": Factors(Q, K, 0.3, band=Band(left=5, right=2)),
    "late": Factors(Q[:, :, 80:], K, 0.3, band=Band(diagonal=80)),
    "padded": Factors(Q, K, 0.3, mask=PADDING),
    "added": Factors(Q, K, 0.3, mask=np.where(PADDING, 0, np.finfo(np.float32).min).astype(np.float32)),
    "bias": Factors(Q, K, 0.3, bias=RANDOM.normal(size=(1, 4, 90, 90)).astype(np.float32)),
    "causal mask": Factors(Q, K, 0.3, mask=np.tri(90, dtype=bool)[None, None]),
    "capped": Factors(Q, K, 2.0, soft_cap=5.0),
    "sinks": Factors(Q, K, 0.3, sinks=np.arange(4.0)),
    "one more": Factors(Q, K, 0.3, softmax_one=True),
    "slopes": Factors(Q, K, 0.3, slopes=np.array([0.5, 0.25, 0.1, 0.0])),
    "segments": Factors(Q, K, 0.3, segments=(np.arange(90) // 30, np.arange(90) // 30)),
    "nothing seen": Factors(Q, K, 0.3, mask=np.arange(90)[:, None] > np.zeros((1, 90))),
    "scaled by head": Factors(Q, K, np.array([0.1, 0.2, 0.3, 0.4])[:, None, None]),
}


def run_of(map_, **more):
    call = Call("layer.0", map_, 0, 0, "given", **more)
    return Run([call])


@pytest.mark.parametrize("name", FACTORS)
def test_rows_are_those_of_the_map(name):
    a = AttentionMap(FACTORS[name])
    payload = Payload(run_of(a))
    (one,) = told(payload)["maps"]
    for batch, head in np.ndindex(*a.shape[:2]):
        assert np.abs(head_rows(payload, one, batch, head) - a[batch, head].numpy()).max() < 1e-3


@pytest.mark.parametrize("name", ["plain", "grouped", "padded", "causal mask", "sinks"])
def test_what_has_more_tokens_than_numbers_is_sent_as_factors(name):
    (one,) = told(Payload(run_of(AttentionMap(FACTORS[name]))))["maps"]
    assert one["rows"]["kind"] == "factors"


def test_a_causal_mask_is_sent_as_a_band_and_keys_of_a_group_once():
    (masked,) = told(Payload(run_of(AttentionMap(FACTORS["causal mask"]))))["maps"]
    assert masked["rows"]["mask"] is None
    assert masked["rows"]["band"] == {"left": None, "right": 0, "diagonal": 0}
    (grouped,) = told(Payload(run_of(AttentionMap(FACTORS["grouped"]))))["maps"]
    assert len({head["k"]["name"] for head in grouped["rows"]["heads"]}) == 4  # two rows of the batch


def test_rounded_factors_are_sent_only_where_rows_are_as_exact_as_promised():
    q = Q.copy()
    q[:, :2] *= 200
    a = AttentionMap(Factors(q, K, 0.2))
    (one,) = told(Payload(run_of(a)))["maps"]
    kinds = [head["q"]["dtype"] for head in one["rows"]["heads"]]
    rounded = AttentionMap(Factors(*(np.multiply(*shortened(array)) for array in (q, K)), 0.2))
    errors = np.abs(rounded.numpy() - a.numpy()).max((2, 3)).ravel()
    assert kinds == ["i2" if error < 1e-3 else "f4" for error in errors]
    assert set(kinds) == {"i2", "f4"}


def test_short_texts_are_sent_as_they_are():
    a = AttentionMap(Factors(Q[:, :, :12], K[:, :, :12], 0.3))
    payload = Payload(run_of(a))
    (one,) = told(payload)["maps"]
    assert one["rows"]["kind"] == "dense"
    assert {head["dtype"] for head in one["rows"]["heads"]} == {"f2"}
    assert np.abs(head_rows(payload, one, 1, 3) - a[1, 3].numpy()).max() < 5e-4


@pytest.mark.parametrize("how", ["band", "mask"])
def test_short_causal_texts_are_sent_as_they_are_with_the_keys_that_are_seen(how, tmp_path):
    q, k = np.random.default_rng(0).normal(size=(2, 1, 2, 10, 64)).astype(np.float32)
    more = {"band": Band()} if how == "band" else {"mask": np.tri(10, dtype=bool)[None, None]}
    run = run_of(AttentionMap(Factors(q, k, 1.0, **more)))
    run.save(tmp_path / "run.zarr")
    for one in (run, visualizer.load(tmp_path / "run.zarr")):
        rows = told(Payload([one]))["maps"][0]["rows"]
        assert rows["kind"] == "dense"
        assert rows["band"] == {"left": None, "right": 0, "diagonal": 0}


def test_gradients_are_sent_whole():
    signed = visualizer.from_arrays({"layer.0": np.full((1, 1, 3, 3), 1 / 3)})
    gradients = gradients_of(lambda out: (40 * out**2).sum())
    payload = Payload(gradients)
    (one,) = told(payload)["maps"]
    assert (one["signed"], one["metrics"]) == (True, None)
    wanted = gradients[0].map[0, 1].numpy()
    assert wanted.min() < 0 < 1 < np.abs(wanted).max()
    assert np.abs(head_rows(payload, one, 0, 1) - wanted).max() < 1e-5
    assert Payload(signed).manifest.maps[0].shape == (1, 1, 3, 3)


def test_a_real_model_of_grouped_causal_heads_generates_one_map_for_each_layer():
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=32, vocab_size=60, bos_token_id=1, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).eval()
    with visualizer.capture(model) as run:
        model.generate(torch.tensor([[1, 5, 6, 7]]), max_new_tokens=4, do_sample=False)
    payload = Payload(run)
    one, _ = told(payload)["maps"]
    assert (one["steps"], one["grows"], one["shape"]) == ([0, 4, 5, 6], True, [1, 4, 7, 7])
    wanted = run.stitched("model.layers.0.self_attn")[0, 3].numpy()
    assert np.abs(head_rows(payload, one, 0, 3) - wanted).max() < 1e-3
    (segment,) = told(payload)["axes"][one["keys"][0]]["segments"]
    assert (segment["kind"], segment["ids"][:4]) == ("ids", [1, 5, 6, 7])


def test_overviews_are_pooled_and_metrics_are_the_tables():
    a = AttentionMap(FACTORS["padded"])
    run = run_of(a)
    payload = Payload(run)
    (one,) = told(payload)["maps"]
    for how in ("mean", "max"):
        found = array(payload, one["overview"][how])
        assert np.abs(found - a.pool(64, how=how)).max() < 1e-3
    found = array(payload, one["metrics"])
    names = [measure["name"] for measure in told(payload)["measures"]]
    for row in run.metrics():
        mine = [row[name] for name in names]
        assert np.allclose(found[row["batch"], row["head"]], mine, equal_nan=True, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("at_once", [2 * 90 * 90, 3 * 2 * 90 * 90, 0])
def test_metrics_of_large_maps_are_those_of_their_heads(monkeypatch, at_once):
    monkeypatch.setattr(measuring, "MOST", 4 * 2 * 90 * 90 - 1)
    monkeypatch.setattr(measuring, "AT_ONCE", at_once)
    run = run_of(AttentionMap(FACTORS["grouped"]))
    payload = Payload(run)
    (one,) = told(payload)["maps"]
    table = run.metrics()
    names = [measure["name"] for measure in told(payload)["measures"]]
    wanted = np.array([[row[name] for name in names] for row in table]).reshape(2, 4, -1)
    found = array(payload, one["metrics"])
    assert np.allclose(found, wanted, equal_nan=True, rtol=1e-5, atol=1e-6)


def test_every_measure_is_told_with_its_unit():
    run = run_of(AttentionMap(FACTORS["plain"]))
    places = ("path", "call", "item", "batch", "head")
    columns = [name for name in run.metrics().columns if name not in places]
    assert [measure["name"] for measure in told(Payload(run))["measures"]] == columns
    assert all(measure["unit"] and measure["about"] for measure in told(Payload(run))["measures"])


def test_long_maps_have_overviews_of_some_rows_and_say_so():
    q, k = RANDOM.normal(size=(2, 1, 1, 4096, 8)).astype(np.float32)
    payload = Payload(run_of(AttentionMap(Factors(q, k, 0.3))))
    (one,) = told(payload)["maps"]
    assert one["overview"]["sampled"] == 4
    found = array(payload, one["overview"]["mean"])
    assert found.shape == (1, 1, 64, 64)
    assert np.allclose(found.sum(-1) * 64, 1, atol=2e-2)


def test_windows_and_prefixes_are_told_as_cells_of_the_grid():
    run = visualizer.from_arrays(
        {"layer.0": np.full((4, 1, 4, 4), 0.25), "layer.1": np.full((1, 1, 5, 5), 0.2)}
    )
    run.label("layer.0", axis=Windows((4, 4), 2)).label("layer.1", axis=Axis((Special("CLS"), Grid(2, 2))))
    run.label(image=np.full((40, 60, 3), 7, np.uint8), crop=(20, 0, 40, 40))
    payload = Payload(run)
    found = told(payload)
    windows, plain = found["maps"]
    cells = [found["axes"][axis]["segments"][0]["cells"] for axis in windows["keys"]]
    assert cells == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    special, grid = found["axes"][plain["queries"][0]]["segments"]
    assert (special["text"], grid["begin"], grid["h"], grid["cells"], grid["image"]) == ("CLS", 1, 2, None, 0)
    (image,) = found["images"]
    assert (image["width"], image["height"], image["box"]) == (60, 40, [20, 0, 40, 40])
    assert (array(payload, image["blob"]) == 7).all()


def test_of_very_many_calls_the_first_are_shown_and_the_rest_is_counted(monkeypatch):
    a = AttentionMap(Dense(np.eye(3)[None, None]))
    run = Run([Call(f"layer.{n % 2}", a, n // 2, n, "given") for n in range(2400)])
    found = told(Payload(run, served=True))
    assert ([one["order"] for one in found["maps"]], found["omitted"]) == (list(range(2400)), [])
    monkeypatch.setattr(exhibits, "MOST", 1000)
    found = told(Payload(run, served=True))
    assert [one["order"] for one in found["maps"]] == list(range(1000))
    assert found["omitted"] == [
        "1400 of 2400 calls are not shown: show a part of the run, such as run[20000:40000] or "
        "run['blocks.3.*']."
    ]


def test_a_window_is_told_how_many_there_are_of_an_item():
    run = visualizer.from_arrays({"layer.0": np.full((8, 1, 4, 4), 0.25)})
    run.label("layer.0", axis=Windows((4, 4), 2))
    found = told(Payload(run))
    assert {axis["segments"][0]["windows"] for axis in found["axes"]} == {4}


def test_padding_is_told_of_queries_and_keys_where_the_map_knows():
    valid = np.arange(90) < np.array([70, 90])[:, None]
    a = AttentionMap(Factors(Q, K, 0.3, mask=PADDING, query_valid=valid))
    payload = Payload(run_of(a))
    (one,) = told(payload)["maps"]
    assert (array(payload, one["padding"]["queries"]) == ~valid).all()
    assert (array(payload, one["padding"]["keys"]) == ~PADDING[:, 0, 0]).all()
    (plain,) = told(Payload(run_of(AttentionMap(FACTORS["plain"]))))["maps"]
    assert plain["padding"] is None


def test_rows_of_the_batch_have_the_names_that_were_given():
    (one,) = told(Payload(run_of(AttentionMap(FACTORS["plain"]), rows=("left", 7))))["maps"]
    assert one["ids"] == ["left", "7"]


def test_several_images_of_a_row_are_told_of_their_grids():
    run = visualizer.from_arrays({"layer.0": np.full((1, 1, 10, 10), 0.1)})
    run.label("layer.0", axis=Axis((Grid(2, 2), Grid(2, 3, image=1))))
    run.label(image=[np.zeros((20, 20, 3), np.uint8), np.ones((20, 30, 3), np.uint8)])
    (axis,) = told(Payload(run))["axes"]
    assert [segment["image"] for segment in axis["segments"]] == [0, 1]


def test_points_whose_weights_have_other_axes_are_told_in_a_sentence():
    level = SampledLevel(np.zeros((1, 3, 4, 2)), (2, 2), 0)
    points = AttentionMap(Dense(np.full((1, 1, 3, 4), 0.25)))
    payload = Payload(Run([Call("decoder.cross", points, 0, 0, "given", levels=(level,))]))
    assert payload.manifest.maps == payload.manifest.samplings == []
    (sentence,) = payload.manifest.omitted
    assert sentence.startswith(
        "decoder.cross reads a feature map at points, but its weights are not those of"
    )


def test_arrays_that_nobody_named_are_one_sentence():
    payload = Payload(run_of(AttentionMap(Dense(np.eye(3)[None, None]))))
    with pytest.raises(OptionError, match=r"the array '\.\./secret' was asked for, which the manifest"):
        payload.blob("../secret")
    with pytest.raises(OptionError, match="3 runs were to be shown"):
        Payload([Run(), Run(), Run()])


@pytest.mark.parametrize(
    ("asked", "rows"),
    [(-1, [8]), (slice(2, 4), [2, 3]), ([slice(0, 1), 5, 40], [0, 5]), (np.array([1, 3]), [1, 3])],
)
def test_the_rows_of_some_queries_are_told_alone(asked, rows):
    a = AttentionMap(FACTORS["plain"])[:, :, :9]
    payload = Payload(run_of(a), queries=asked)
    (one,) = told(payload)["maps"]
    assert (one["rows"]["kind"], one["rows"]["queries"]) == ("dense", rows)
    found = array(payload, one["rows"]["heads"][1])
    assert np.abs(found - a[0, 1, rows].numpy()).max() < 5e-4


def test_queries_are_places_in_the_sequence_where_rows_are_not_all_of_it():
    run = run_of(AttentionMap(Dense(np.eye(6)[None, None, 4:])))
    shown = replace(Payload(run).exhibits[0], places=(4, 5))
    assert rows_asked(5, shown) == [1]
    assert rows_asked([0, slice(4, 5)], shown) == [0]


def test_queries_that_are_none_or_nowhere_are_one_sentence(tmp_path):
    run = run_of(AttentionMap(Dense(np.eye(3)[None, None])))
    for asked in ("cat", 1.5, [None]):
        with pytest.raises(
            OptionError, match=r"queries=.* was asked for; give an int, a slice, what run.where"
        ):
            run.to_html(tmp_path / "run.html", queries=asked)
    with pytest.raises(OptionError, match="queries=9 was asked for, but maps have at most 3 queries"):
        run.to_html(tmp_path / "run.html", queries=9)
    assert not (tmp_path / "run.html").exists()


def test_two_runs_of_one_model_have_names_of_their_own(tmp_path):
    made = [visualizer.from_arrays({"layer.0": np.eye(3)[None]}) for _ in range(2)]
    for run in made:
        run.provenance = {"model": "Bert"}
    assert [one.name for one in Payload(made).manifest.runs] == ["Bert · run 0", "Bert · run 1"]
    for run, name in zip(made, ("before", "after"), strict=True):
        run.save(tmp_path / f"{name}.zarr")
    stored = [visualizer.load(tmp_path / f"{name}.zarr") for name in ("before", "after")]
    assert Payload(stored).manifest.title == "Bert · before.zarr / Bert · after.zarr"
    assert Payload(stored[:1]).manifest.title == "Bert"
    assert Payload([stored[0], stored[0]]).manifest.title == "Bert · run 0 / Bert · run 1"
