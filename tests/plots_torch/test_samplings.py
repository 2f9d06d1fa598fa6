"""Where deformable attention samples, drawn where it does."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import visualizer
from visualizer import plots
from visualizer.axes import Axis, Grid, Text
from visualizer.errors import OptionError, ShapeError, TargetError

LEVELS, HEADS, POINTS = ((4, 6), (2, 3)), 2, 3
IMAGE = np.full((40, 60, 3), 0.5)


class Deformable(nn.Module):
    """Each of 30 queries samples three places on two levels in each of two heads."""

    def __init__(self):
        super().__init__()
        self.weigh, self.place, self.value = nn.Linear(8, 12), nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x):
        batch, queries, _ = x.shape
        self.weights = functional.softmax(self.weigh(x).view(batch, queries, HEADS, -1), -1)
        self.places = self.place(x).view(batch, queries, HEADS, 2, POINTS, 2) * 2
        value = self.value(x).view(batch, -1, HEADS, 4)
        read = []
        for level, part in enumerate(value.split([h * w for h, w in LEVELS], 1)):
            features = part.flatten(2).transpose(1, 2).reshape(batch * HEADS, 4, *LEVELS[level])
            places = self.places[:, :, :, level].transpose(1, 2).flatten(0, 1)
            read.append(functional.grid_sample(features, places, align_corners=False))
        weights = self.weights.transpose(1, 2).reshape(batch * HEADS, 1, queries, -1)
        return (torch.stack(read, dim=-2).flatten(-2) * weights).sum(-1).view(batch, 8, queries)


@pytest.fixture
def recorded():
    torch.manual_seed(0)
    model = Deformable()
    with torch.no_grad(), visualizer.capture(model) as run:
        model(torch.randn(2, 30, 8))
    return model, run


def drawn(figure):
    """Return (x, y, weight) of all points, x and y in shares of the image."""
    axes = figure.axes[0]
    left, right, bottom, top = axes.images[0].get_extent()
    points = [(*one.get_offsets()[0], one.get_array()[0]) for one in axes.collections]
    return sorted(((x - left) / (right - left), (y - top) / (bottom - top), float(w)) for x, y, w in points)


@pytest.mark.parametrize("head", [None, 1])
def test_points_lie_where_the_model_samples(recorded, head):
    model, run = recorded
    figure = plots.sampling(run, query=7, head=head, batch=1, image=IMAGE)
    heads = range(HEADS) if head is None else [head]
    places = (model.places[1, 7, list(heads)] + 1) / 2  # (head, level, point, 2)
    weights = model.weights[1, 7, list(heads)].reshape(len(heads), 2, POINTS)
    wanted = torch.cat([places.reshape(-1, 2), weights.reshape(-1, 1)], 1).tolist()
    inside = [one for one in wanted if 0 <= one[0] <= 1 and 0 <= one[1] <= 1]
    assert 0 < len(inside) < len(wanted)
    np.testing.assert_allclose(drawn(figure), sorted(inside), atol=1e-5)
    caption = figure.texts[-1].get_text().replace("\n", " ")
    assert (
        f"{len(wanted)} places on levels ○ 4 × 6, △ 2 × 3; {len(wanted) - len(inside)} beyond the image"
        in caption
    )


def test_the_cross_is_the_middle_of_the_querys_own_patch(recorded):
    run = recorded[1].label(queries=Axis([Grid(4, 6), Grid(2, 3)]))
    figure = plots.sampling(run, query=7, image=IMAGE)  # cell (1, 1) of the first level
    (cross,) = figure.axes[0].lines
    left, right, bottom, top = figure.axes[0].images[0].get_extent()
    assert (cross.get_xdata()[0] - left) / (right - left) == pytest.approx(1.5 / 6)
    assert (cross.get_ydata()[0] - top) / (bottom - top) == pytest.approx(1.5 / 4)


def test_without_an_axis_the_reference_is_not_invented(recorded):
    figure = plots.sampling(recorded[1][0], query=0)
    assert "The reference point is not known." in figure.texts[-1].get_text().replace("\n", " ")
    assert not figure.axes[0].lines


def test_one_of_several_calls_is_told(recorded):
    model, _ = recorded
    with torch.no_grad(), visualizer.capture(model) as run:
        for _ in range(2):
            model(torch.randn(2, 30, 8))
    for call in range(2):
        caption = plots.sampling(run, query=7, call=call).texts[-1].get_text().replace("\n", " ")
        assert f"The model itself, all 2 heads, call {call}. Query (row): token 7." in caption


def test_what_is_not_there_is_refused(recorded):
    with pytest.raises(ShapeError, match="query=30 was asked for, but there are 30"):
        plots.sampling(recorded[1], query=30)
    with pytest.raises(OptionError, match="the queries have no axis: give query="):
        plots.sampling(recorded[1], cell=(0, 0))
    words = Text(["a", " cat", "nip", *[" and"] * 27])
    with pytest.raises(OptionError, match="'catnip' is queries 1 to 2: give query=, one of them"):
        plots.sampling(recorded[1], queries=words, text="catnip")
    with pytest.raises(OptionError, match=r"samples points, which are no keys: plots\.sampling draws them"):
        plots.row(recorded[1], query=0)
    with pytest.raises(TargetError, match="samples none: give a deformable call"):
        plots.sampling(visualizer.from_arrays({"a": np.eye(3)}), query=0)
