"""Six screens look as their goldens do: a picture sees what no number of the page says."""

import numpy as np
import pytest
from tests.viewer import screens

MOST = 0.002  # of the pixels: edges that another Chromium draws otherwise
LONG = [pytest.param(name, marks=pytest.mark.long) for name in screens.SCREENS if name != "image"]


@pytest.fixture(scope="module")
def folder(built, tmp_path_factory):
    return screens.pages(tmp_path_factory.mktemp("screens"))


@pytest.mark.parametrize("name", ["image", *LONG])
def test_a_screen_looks_as_its_golden(name, folder, open_page):
    file, state = screens.SCREENS[name]
    page = open_page(f"{(folder / file).with_suffix('.html').as_uri()}#{state}", **screens.options())
    assert screens.differing(screens.shot(page), screens.golden(name)) < MOST


@pytest.mark.parametrize("state", ["query=9", "colours=grey", "query=0&scale=linear", "look=column&key=9"])
def test_what_looks_otherwise_is_seen(state, folder, open_page):
    address = f"{(folder / 'vision.html').as_uri()}#view=head&at=0.0.1&pinned=true&{state}"
    page = open_page(address, **screens.options())
    assert screens.differing(screens.shot(page), screens.golden("image")) > 2 * MOST


def test_a_picture_that_is_moved_by_a_pixel_is_the_same_and_by_ten_is_not():
    one = screens.golden("image")
    assert screens.differing(one, np.roll(one, 1, axis=1)) < MOST
    assert screens.differing(one, np.roll(one, 10, axis=1)) > 2 * MOST
