"""What `visualizer.plots` offers, and what it needs."""

import pytest

from visualizer import plots

WITHOUT = "import sys; sys.modules['matplotlib'] = None; from visualizer import plots; "


@pytest.mark.parametrize("name", plots.__all__)
def test_every_name_is_there_and_listed(name):
    assert callable(getattr(plots, name))
    assert name in dir(plots)


def test_the_package_alone_loads_no_matplotlib(python):
    result = python(
        "-c", "import sys, visualizer.plots; print('matplotlib' in sys.modules, 'numpy' in sys.modules)"
    )
    assert result.stdout == "False False\n"


def test_without_matplotlib_a_picture_says_how_to_get_it(python):
    result = python("-c", WITHOUT + "plots.head")
    assert result.stderr.splitlines()[-1] == (
        "visualizer.errors.MissingExtraError: Drawing needs matplotlib, which is not installed: "
        "pip install 'attention-visualizer[plots]'"
    )


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'visualizer.plots' has no attribute 'headd'"):
        plots.headd
