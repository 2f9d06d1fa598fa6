"""Which pictures a reading gives, and what each shows."""

import numpy as np
import pytest

from visualizer.demo.pictures import draw_image, draw_text, liveliest_head
from visualizer.demo.readings import ImageReading, TextReading


@pytest.fixture
def maps():
    weights = np.random.default_rng(0).random((2, 3, 7, 7))
    return list(weights / weights.sum(-1, keepdims=True))


def names(pictures):
    return [picture.name for picture in pictures]


def test_text_is_drawn_with_its_tokens(maps):
    tokens = ["[CLS]", "a", "vi", "##olin", "and", "me", "[SEP]"]
    head, heads = draw_text(TextReading("BERT", maps, tokens), (1, 2))
    axes = head.figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == tokens
    assert [label.get_text() for label in axes.get_yticklabels()] == tokens
    assert head.figure.get_suptitle() == "BERT: layer 1, head 2"
    assert [axes.get_title() for axes in heads.figure.axes[:4]] == [
        "head 0",
        "head 1",
        "head 2",
        "mean of 3 heads",
    ]


def test_an_image_is_drawn_with_its_heads_its_cls_and_a_patch(maps):
    reading = ImageReading("ViT", maps, np.zeros((20, 30)), (2, 3), 1)
    assert names(draw_image(reading)) == ["vision_cls.png", "vision_patch.png", "vision_heads.png"]


def test_the_patch_is_the_one_that_cls_looks_at_most(maps):
    maps[-1][:, 0] = [0.4, 0, 0, 0, 0, 0.6, 0]  # CLS itself aside, token 5: the patch in row 1, column 1
    picture = list(draw_image(ImageReading("ViT", maps, np.zeros((20, 30)), (2, 3), 1)))[1]
    assert picture.figure.axes[0].get_title() == "query (row 5): cell (1, 1)"


def test_without_a_class_token_there_is_no_picture_of_one(maps):
    reading = ImageReading("ViT", maps, np.zeros((10, 70)), (1, 7), 0)
    assert names(draw_image(reading)) == ["vision_patch.png", "vision_heads.png"]


def test_without_a_grid_there_are_heads_alone(maps):
    reading = ImageReading("Swin", maps, np.zeros((20, 30)), None, 0)
    assert names(draw_image(reading)) == ["vision_heads.png"]


def test_the_liveliest_head_is_no_sink(maps):
    maps[0][:] = [1, 0, 0, 0, 0, 0, 0]
    maps[1][:2] = 1 / 7
    assert liveliest_head(maps) == (1, 2)
