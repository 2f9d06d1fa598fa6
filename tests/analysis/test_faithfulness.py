"""Whether a map means anything: boxes, perturbation curves, weights that are shuffled."""

import numpy as np
import pytest
import torch

from visualizer import analysis
from visualizer.errors import OptionError, ShapeError

close = np.testing.assert_allclose


@pytest.mark.parametrize("target", [(3, 5, 20, 9), (0, 0, 40, 24), (-5, -5, 10, 10), "mask"])
def test_the_share_of_each_cell_that_a_target_covers(target):
    rng = np.random.default_rng(0)
    mask = rng.random((24, 40)) < 0.3
    if target != "mask":
        left, top, width, height = target
        mask = np.zeros((24, 40), bool)
        mask[max(top, 0) : top + height, max(left, 0) : left + width] = True
    else:
        target = mask
    close(analysis.inside(target, (6, 10), (24, 40)), mask.reshape(6, 4, 10, 4).mean((1, 3)), atol=1e-12)
    close(analysis.inside(target, (1, 1), (24, 40)), [[mask.mean()]], atol=1e-12)
    uneven = analysis.inside(target, (5, 7), (24, 40))
    close(uneven.mean(), mask.mean(), atol=1e-12)  # cells that cut pixels share them out


def test_mass_inside_and_pointing_game():
    weights = np.zeros((2, 3, 4))
    weights[0, 1, 2], weights[0, 0, 0] = 0.6, 0.4
    weights[1, 2, 3] = 1
    box = (20, 10, 10, 10)  # the cell (1, 2) of an image of 30 × 40
    mask = np.zeros((30, 40))
    mask[10:20, 20:30] = 1
    for target in (box, mask):
        close(analysis.mass_inside(weights, target, (30, 40)), [0.6, 0])
        assert analysis.pointing(weights, target, (30, 40)).tolist() == [True, False]


def test_targets_that_are_none():
    with pytest.raises(OptionError, match=r"give a box"):
        analysis.mass_inside(np.ones((2, 2)), np.ones((5, 5)), (4, 4))
    with pytest.raises(OptionError, match=r"give a box"):
        analysis.pointing(np.ones((2, 2)), np.ones((5, 5)), (4, 4))
    with pytest.raises(ShapeError, match="row, column"):
        analysis.mass_inside(np.ones(4), (0, 0, 1, 1), (4, 4))


@pytest.mark.parametrize("most", [True, False])
def test_perturbation_removes_what_is_worth_most_or_least(most):
    rng = np.random.default_rng(0)
    weights, worth = rng.random((3, 20)), rng.random((3, 20))
    curve = analysis.perturbation(
        weights, lambda left: (worth * left).sum(-1), most=most, shares=(0, 0.2, 0.5, 1)
    )
    for n in range(3):
        order = sorted(range(20), key=lambda t: -weights[n, t] if most else weights[n, t])
        for step, removed in enumerate((0, 4, 10, 20)):
            close(curve.scores[n, step], sum(worth[n, t] for t in order[removed:]), atol=1e-12)
    close(curve.area, np.trapezoid(curve.scores, curve.shares, axis=-1))


def test_perturbation_of_a_model_finds_what_it_rests_on():
    torch.manual_seed(0)
    weight = torch.tensor([5.0, 0.1, 0.1, 3.0, 0.1, 0.1])

    def predict(left):
        return torch.as_tensor(left).float() @ weight

    good, bad = np.array([[5, 0, 0, 3, 0, 0.0]]), np.array([[0, 1, 1, 0, 1, 1.0]])
    assert analysis.perturbation(good, predict).area < analysis.perturbation(bad, predict).area
    assert (
        analysis.perturbation(good, predict, most=False).area
        > analysis.perturbation(bad, predict, most=False).area
    )


@pytest.mark.parametrize("shares", [(0.5,), (0, 0.5, 0.5), (0, 2), (-1, 0)])
def test_shares_that_do_not_rise_from_0_to_1(shares):
    with pytest.raises(OptionError, match="shares="):
        analysis.perturbation(np.ones((1, 4)), lambda left: left.sum(-1), shares=shares)


def test_scores_and_weights_of_other_shapes():
    with pytest.raises(ShapeError, match=r"scores of shape \(\)"):
        analysis.perturbation(np.ones((1, 4)), lambda left: left.sum())
    with pytest.raises(ShapeError, match="input, token"):
        analysis.perturbation(np.ones(4), lambda left: left.sum())


def test_weights_are_shuffled_in_a_block_and_given_back_even_by_an_error():
    model = torch.nn.Sequential(torch.nn.Linear(6, 6), torch.nn.Linear(6, 6))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pointers = [parameter.data_ptr() for parameter in model.parameters()]
    with analysis.randomised(model[1]):
        now = model.state_dict()
        assert torch.equal(now["0.weight"], before["0.weight"])
        assert not torch.equal(now["1.weight"], before["1.weight"])
        assert torch.equal(
            now["1.weight"].sort().values.flatten().sort().values, before["1.weight"].flatten().sort().values
        )
    with pytest.raises(KeyError), analysis.randomised(model[1]):
        raise KeyError
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [parameter.data_ptr() for parameter in model.parameters()] == pointers


def test_rank_correlation():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 3, 50))
    expected = [
        [np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1]]
        for a, b in zip(first, second, strict=True)
    ]
    close(analysis.rank_correlation(first, second), np.ravel(expected))
    close(analysis.rank_correlation(first, -(first**3)), -np.ones(3))
    close(analysis.rank_correlation([1, 1, 2], [1, 2, 3]), 3**0.5 / 2)
    assert np.isnan(analysis.rank_correlation([1, 1], [1, 2]))
    with pytest.raises(ShapeError, match="to be compared"):
        analysis.rank_correlation([1, 2], [1, 2, 3])
