"""Score functions and block masks of flex attention."""

import numpy as np
import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from visualizer.attention import AttentionMap, Factors
from visualizer.errors import ShapeError

DOCUMENTS = torch.arange(24) // 9
BIAS = torch.randn(4, 47, generator=torch.Generator().manual_seed(3))

SCORES = {
    "plain": None,
    "relative": lambda score, b, h, i, j: score + 0.1 * (i - j),
    "table of each head": lambda score, b, h, i, j: score + BIAS[h][i - j + 23],
    "soft cap": lambda score, b, h, i, j: 2 * torch.tanh(score / 2),
    "by item": lambda score, b, h, i, j: torch.where(b > 0, score * 2, score),
}
MASKS = {
    "all": None,
    "causal": lambda b, h, i, j: i >= j,
    "documents": lambda b, h, i, j: (DOCUMENTS[i] == DOCUMENTS[j]) & (i >= j),
    "of heads": lambda b, h, i, j: (j < 5) | (h > 1),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("score", SCORES)
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_the_map_is_that_behind_the_output_of_flex_attention(score, mask):
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 4, 24, 16, generator=generator) for _ in range(3))
    block_mask = None if MASKS[mask] is None else create_block_mask(MASKS[mask], 2, 4, 24, 24, device="cpu")
    output = flex_attention(q, k, v, score_mod=SCORES[score], block_mask=block_mask)
    a = AttentionMap(Factors(q, k, 0.25, score_mod=SCORES[score], mask_mod=MASKS[mask]))
    torch.testing.assert_close(a.tensor() @ v, output, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(a @ v, output, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(a[1, 2, 5:9] @ v[1, 2], output[1, 2, 5:9], rtol=1e-5, atol=1e-5)


def test_numpy_calls_them_with_all_numbers_at_once():
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(2, 2, 5, 4)), rng.normal(size=(2, 2, 6, 4))
    functions = {
        "score_mod": lambda score, b, h, i, j: score * (1 + h) + 0.1 * (i - j) * b,
        "mask_mod": lambda b, h, i, j: i >= j - 2,
    }
    tensors = Factors(torch.from_numpy(q), torch.from_numpy(k), 1.0, **functions)
    expected = AttentionMap(tensors).numpy()
    np.testing.assert_allclose(AttentionMap(Factors(q, k, 1.0, **functions)).numpy(), expected)


def test_without_a_batch_axis_its_number_is_0():
    q = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    a = AttentionMap(Factors(q, q, 1.0, mask_mod=lambda b, h, i, j: i >= j + b))
    assert torch.equal(a.tensor() > 0, torch.ones(2, 5, 5).tril() > 0)


def test_more_batch_axes_than_flex_attention_has_are_an_error():
    q = torch.zeros(2, 2, 2, 5, 4)
    with pytest.raises(ShapeError, match="flex attention has one batch axis"):
        AttentionMap(Factors(q, q, 1.0, score_mod=SCORES["relative"])).numpy()
