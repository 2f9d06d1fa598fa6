"""What cannot be shown is one sentence that says what was given and what is wanted."""

import re

import numpy as np
import pytest

import visualizer
from visualizer.errors import OptionError, TargetError
from visualizer.viewer import serve, to_html


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"heads": "a"}, "heads='a' was asked for; give a list of heads from 0 on, such as [0, 3]"),
        ({"heads": 1}, "heads=1 was asked for; give a list of heads from 0 on"),
        ({"heads": [0.5]}, "heads=[0.5] was asked for; give a list of heads from 0 on"),
        ({"heads": []}, "heads=[] was asked for; give a list of heads from 0 on"),
        (
            {"modules": 5},
            "modules=5 was asked for; give a path or a pattern, as run.paths has them, or a list",
        ),
        ({"modules": [5]}, "modules=[5] was asked for; give a path or a pattern"),
        ({"modules": []}, "modules=[] was asked for; give a path or a pattern"),
    ],
)
def test_what_cannot_be_chosen_is_one_sentence(tmp_path, asked, sentence):
    run = visualizer.from_arrays({"layer": np.eye(4)[None]})
    with pytest.raises(OptionError, match=f"^{re.escape(sentence)}"):
        to_html(run, tmp_path / "page.html", **asked)
    assert not list(tmp_path.iterdir())


def test_what_is_no_run_is_one_sentence(tmp_path, built):  # noqa: ARG001  # whose page a widget has
    from visualizer.viewer import Widget

    run = visualizer.from_arrays({"layer": np.eye(4)[None]})
    for given, said in (("x", "'x' (str)"), (5, "5 (int)"), ([run, "x"], "'x' (str)"), (run[0], "(Call)")):
        for show in (lambda runs: to_html(runs, tmp_path / "page.html"), Widget, serve):
            with pytest.raises(
                TargetError, match=f"{re.escape(said)} was to be shown, but it is no run: give"
            ):
                show(given)
    assert not list(tmp_path.iterdir())
