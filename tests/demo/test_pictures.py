"""Which pictures a reading gives, and what each shows."""

import numpy as np
import pytest

from visualizer.demo.choices import Choice
from visualizer.demo.pictures import ANY, draw_image, draw_text, liveliest_head
from visualizer.demo.readings import ImageReading, TextReading
from visualizer.errors import OptionError


@pytest.fixture
def maps():
    weights = np.random.default_rng(0).random((2, 3, 7, 7))
    return list(weights / weights.sum(-1, keepdims=True))


def names(pictures):
    return [picture.name for picture in pictures]


def test_text_is_drawn_with_its_tokens(maps):
    tokens = ["[CLS]", "a", "vi", "##olin", "and", "me", "[SEP]"]
    head, heads = draw_text(TextReading("BERT", maps, tokens), Choice(1, 2))
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


def titles(pictures):
    return [picture.figure.get_suptitle() for picture in pictures]


def test_a_chosen_layer_and_head_of_an_image_are_drawn(maps):
    reading = ImageReading("ViT", maps, np.zeros((20, 30)), (2, 3), 1)
    assert titles(draw_image(reading, Choice(head=2)))[0] == "ViT: layer 1, head 2"
    assert titles(draw_image(reading, Choice(layer=0)))[0] == "ViT: layer 0, mean of 3 heads"
    cls, *_ = draw_image(reading, Choice(0, 2))
    assert np.array_equal(cls.figure.axes[1].images[1].get_array(), maps[0][2, 0, 1:].reshape(2, 3))


@pytest.mark.parametrize("choice", [ANY, Choice(layer=0), Choice(head=1), Choice(0, 1)], ids=str)
def test_of_the_heads_that_are_left_to_choose_from_the_liveliest_is_drawn(maps, choice):
    maps[1][2] = np.eye(7)
    maps[0][0] = maps[1][1] = (np.eye(7) + 1 / 7) / 2
    drawn = {ANY: (1, 2), Choice(layer=0): (0, 0), Choice(head=1): (1, 1), Choice(0, 1): (0, 1)}[choice]
    title, _ = titles(draw_text(TextReading("BERT", maps, list("abcdefg")), choice))
    assert title == "BERT: layer {}, head {}".format(*drawn)


def test_the_usual_layer_is_drawn_where_it_can_be(maps):
    reading = ImageReading("ViT", [*maps, maps[0][:1]], np.zeros((20, 30)), None, 0)
    assert titles(draw_image(reading, usual=1)) == ["ViT: layer 1"]
    assert titles(draw_image(reading, Choice(head=2))) == ["ViT: layer 1"]
    assert titles(draw_image(reading, Choice(layer=0), usual=1)) == ["ViT: layer 0"]


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (Choice(layer=3), "--layer 3 was asked for, but Swin has layers 0 to 2"),
        (Choice(layer=-1, head=9), "--layer -1 was asked for, but Swin has layers 0 to 2"),
        (Choice(head=3), "--head 3 was asked for, but Swin has heads 0 to 2"),
        (Choice(2, 1), "--head 1 was asked for, but layer 2 of Swin has heads 0 to 0"),
    ],
)
def test_a_choice_that_a_model_does_not_have_is_told_with_what_it_has(maps, choice, sentence):
    with pytest.raises(OptionError, match=f"{sentence}$"):
        choice.places("Swin", [*maps, maps[0][:1]])


def test_the_liveliest_head_is_no_sink(maps):
    maps[0][:] = [1, 0, 0, 0, 0, 0, 0]
    maps[1][:2] = 1 / 7
    assert liveliest_head(maps, ANY.places("BERT", maps)) == (1, 2)
