"""What a recording must not get wrong in silence: memory that changes, keys that look alike, what is held."""

import torch
from torch import nn
from torch.nn import functional

import visualizer


class Attention(nn.Module):
    """One fused call of what it is given."""

    def forward(self, *args, **kwargs):
        return functional.scaled_dot_product_attention(*args, **kwargs)


def expected(q, k, mask):
    """The map by its formula in float64."""
    logits = q.double() @ k.double().mT / q.shape[-1] ** 0.5
    logits = logits.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else logits + mask.double()
    return torch.softmax(logits, -1)


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def assert_map(call, *factors):
    torch.testing.assert_close(call.map.tensor().double(), expected(*factors), atol=1e-6, rtol=0)


def test_a_mask_that_is_written_into_in_inference_mode_is_another_mask():
    q, attention = draw(1, 2, 5, 8), Attention()
    with visualizer.capture(attention) as run, torch.inference_mode():
        mask = torch.ones(1, 1, 5, 5, dtype=torch.bool)
        attention(q, q, q, attn_mask=mask)
        mask.tril_()
        attention(q, q, q, attn_mask=mask)
    assert_map(run[0], q, q, torch.ones(5, 5, dtype=torch.bool))
    assert_map(run[1], q, q, torch.ones(5, 5, dtype=torch.bool).tril())


def test_keys_that_differ_at_a_few_places_are_other_keys():
    q, keys, attention = draw(1, 8, 4, 64), draw(1, 8, 1024, 64), Attention()
    others = keys.clone()
    others[:, :, 500:503] += 5  # between the places of a sample
    with visualizer.capture(attention) as run:
        attention(q, keys, keys)
        attention(q, others, others)
    assert_map(run[1], q, others, torch.ones(4, 1024, dtype=torch.bool))


def test_a_large_mask_of_a_window_that_moves_on_is_another_mask():
    q, keys, attention = draw(64, 1, 1, 8), draw(64, 1, 5001, 8), Attention()
    hidden = [torch.zeros(64, 1, 1, 5000 + step) for step in range(2)]
    for step, mask in enumerate(hidden):
        mask[..., : 101 + step] = -torch.inf
    with visualizer.capture(attention) as run:
        attention(q, keys[:, :, :5000], keys[:, :, :5000], attn_mask=hidden[0])
        attention(q, keys, keys, attn_mask=hidden[1])
    assert run[1].map.tensor()[..., :102].sum() == 0


def test_a_cache_that_is_made_anew_at_each_step_is_not_written_into():
    slots, attention, q = torch.arange(8), Attention(), draw(1, 2, 1, 4)
    caches = [torch.zeros(1, 2, 8, 4)]
    with visualizer.capture(attention) as run:
        for step in range(4):
            caches.append(torch.where((slots == step)[:, None], draw(1, 2, 1, step + 4)[..., :4], caches[-1]))
            attention(q, caches[-1], caches[-1], attn_mask=(slots <= step)[None, None, None])
    for step, call in enumerate(run):
        assert caches[step + 1][:, :, step + 1 :].eq(0).all()
        assert_map(call, q, caches[step + 1], slots <= step)


def test_lowest_numbers_of_a_mask_hide_as_before_where_factors_are_held_in_half_precision():
    q, attention = draw(1, 2, 5, 8).half().float(), Attention()
    mask = torch.full((1, 1, 5, 5), torch.finfo(torch.float32).min)
    with visualizer.capture(attention, dtype=torch.float16) as run:
        attention(q, q, q, attn_mask=mask)
    torch.testing.assert_close(run[0].map.tensor(), torch.full((1, 2, 5, 5), 0.2))


def test_boolean_masks_move_with_the_other_factors():
    q, attention = draw(1, 2, 5, 8), Attention()
    mask = torch.ones(1, 1, 5, 5, dtype=torch.bool)
    with visualizer.capture(attention, device="meta", check=False) as run:
        attention(q, q, q, attn_mask=mask)
    source, _ = run[0].map.opened()
    assert {tensor.device.type for tensor in source.tensors()} == {"meta"}
