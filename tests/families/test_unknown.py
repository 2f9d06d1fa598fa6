"""What is not known stays unknown, and is recorded all the same."""

import torch
from transformers import BigBirdConfig, BigBirdModel

import visualizer


def test_maps_of_blocks_have_axes_that_nothing_is_said_of():
    config = BigBirdConfig(
        vocab_size=60,
        hidden_size=16,
        intermediate_size=16,
        num_attention_heads=2,
        num_hidden_layers=1,
        attention_type="block_sparse",
        block_size=4,
        num_random_blocks=1,
    )
    model = BigBirdModel(config).eval()
    with torch.no_grad(), visualizer.capture(model) as run:
        model(input_ids=torch.arange(48).reshape(1, 48))
    blocks = [call for call in run if len(call.shape) > 4]
    assert blocks
    assert all(not call.axes for call in blocks)
