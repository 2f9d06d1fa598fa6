"""Whatever holds an image becomes RGB in [0, 1]."""

import numpy as np
import pytest
from PIL import Image

from visualizer.errors import ShapeError
from visualizer.plots.pictures import grey_picture, rgb_picture

GRADIENT = np.linspace(0, 1, 6 * 9 * 3).reshape(6, 9, 3)
BYTES = (GRADIENT * 255).astype(np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        BYTES,
        Image.fromarray(BYTES),
        BYTES.astype(np.int64),
        BYTES / 255,
        (BYTES / 255).astype(np.float32),
        np.moveaxis(BYTES, 2, 0),
        BYTES.tolist(),
    ],
    ids=["uint8", "PIL", "int64", "float64", "float32", "channels first", "lists"],
)
def test_an_image_is_the_same_from_any_holder(image):
    np.testing.assert_allclose(rgb_picture(image), BYTES / 255, atol=1e-6)


@pytest.mark.parametrize("grey", [GRADIENT[..., 0], GRADIENT[..., :1]], ids=["two axes", "one channel"])
def test_a_grey_image_has_three_equal_channels(grey):
    picture = rgb_picture(grey)
    assert picture.shape == (6, 9, 3)
    assert (picture == GRADIENT[..., :1]).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "LA"])
def test_a_pil_image_of_any_eight_bit_mode_is_taken(mode):
    white = Image.fromarray(np.full((4, 7, 3), 255, np.uint8)).convert(mode)
    np.testing.assert_allclose(rgb_picture(white), np.ones((4, 7, 3)))


def test_transparency_lies_on_white():
    image = np.zeros((5, 6, 4))
    image[..., 3] = 0.25
    np.testing.assert_allclose(rgb_picture(image), np.full((5, 6, 3), 0.75))


def test_a_mask_is_black_and_white():
    assert rgb_picture(np.eye(5, dtype=bool)).max() == 1


def test_luminance_weighs_green_most():
    red, green, blue = (grey_picture(np.eye(3)[None, None, channel])[0, 0, 0] for channel in range(3))
    assert (round(red, 3), round(green, 3), round(blue, 3)) == (0.299, 0.587, 0.114)


@pytest.mark.parametrize("shape", [(3, 8, 3), (1, 3, 224, 224), (8,), (8, 9, 2), (0, 4, 3)], ids=str)
def test_an_image_of_other_or_ambiguous_axes_is_refused_with_its_shape(shape):
    with pytest.raises(ShapeError, match=r"image has shape \(.*wanted is \(height, width\)"):
        rgb_picture(np.zeros(shape))


@pytest.mark.parametrize(
    "image",
    [GRADIENT * 4 - 2, np.full((4, 5), 300), np.full((4, 5), np.nan)],
    ids=["normalised", "16 bit", "nan"],
)
def test_values_out_of_range_are_refused(image):
    with pytest.raises(
        ShapeError, match=r"image has values from .* wanted are floats in \[0, 1\] or whole numbers"
    ):
        rgb_picture(image)
