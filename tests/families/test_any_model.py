"""The tokens of models that nobody named are inferred as those of one that was given."""

import torch
from transformers import BertConfig, BertModel, ViTConfig, ViTModel

import visualizer
from visualizer.axes import Axis, Grid, Ids, Special
from visualizer.instrument.targets import resolve

SMALL = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}


def reader():
    return BertModel(BertConfig(**SMALL, vocab_size=60)).eval()


def seer():
    return ViTModel(ViTConfig(**SMALL, image_size=8, patch_size=4)).eval()


def test_each_model_is_known_from_its_first_call_on():
    ids = torch.tensor([[5, 17, 42]])
    with torch.no_grad(), visualizer.capture() as run:
        reader()(input_ids=ids)
        seer()(pixel_values=torch.zeros(1, 3, 8, 8))
        reader()(input_ids=ids[:, :2])
    text, image, again = (run.axis(call) for call in run)
    assert text == Axis((Ids((5, 17, 42)),))
    assert image == Axis((Special("CLS"), Grid(2, 2)))
    assert again == Axis((Ids((5, 17)),))


def test_methods_are_their_own_again():
    function = resolve(BertModel).functions[0]
    own = function.__code__
    with torch.no_grad(), visualizer.capture():
        reader()(input_ids=torch.tensor([[5, 17, 42]]))
        assert function.__code__ is not own
    assert function.__code__ is own
