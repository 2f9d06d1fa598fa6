"""The packaged model on 200 scenes of digits that it has never seen: it reads the card, and looks at it."""

import numpy as np
import pytest
import torch

from visualizer import watch
from visualizer.demo.digits_vit import WEIGHTS, Attention, load_digits_vit
from visualizer.demo.scenes import GRID, draw_held_back_scenes

SCENES = 200


@pytest.fixture(scope="module")
def scenes():
    return draw_held_back_scenes(SCENES, seed=1)


@pytest.fixture(scope="module")
def watched(scenes):
    """Logits (scene, class) and the maps of the last two layers (scene, layer and head, query, key)."""
    model = load_digits_vit()
    with watch(Attention, "attn") as seen, torch.inference_mode():
        logits = model(torch.from_numpy(scenes.images))
    assert len(seen) == 4
    return logits.numpy(), np.concatenate([record.value.numpy() for record in seen[-2:]], axis=1)


@pytest.fixture(scope="module")
def share(scenes):
    """Return a function: how much of weights (scene, head, patch) lies on the card, in what chance gives."""
    cells = scenes.card_cells()[:, None]

    def share(weights, grid=GRID):
        on_grid = weights.reshape(*weights.shape[:2], *grid)
        on_grid = on_grid if grid == GRID else on_grid.swapaxes(2, 3)
        return (on_grid * cells).sum() / on_grid.sum() / cells.mean()

    return share


def test_it_reads_the_card(scenes, watched):
    assert (watched[0].argmax(1) == scenes.labels).mean() > 0.9


def test_its_rows_sum_to_one(watched):
    np.testing.assert_allclose(watched[1].sum(-1), 1, atol=1e-5)


def test_cls_looks_at_the_card(watched, share):
    assert share(watched[1][:, :, 0, 1:]) > 4


def test_it_does_not_seem_to_where_the_grid_is_transposed(watched, share):
    assert share(watched[1][:, :, 0, 1:], grid=GRID[::-1]) < 1.5


def test_it_seems_to_less_where_queries_and_keys_are_swapped(watched, share):
    assert share(watched[1][:, :, 1:, 0]) < 2.5


def test_the_weights_fit_in_a_wheel():
    assert WEIGHTS.stat().st_size < 1_000_000
