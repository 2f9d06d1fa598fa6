"""Each script of examples/ runs in an empty folder and draws its picture; some have tests of their own."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
ELSEWHERE = {"train_digits_vit", "diffusion_word", "edit_in_nnsight"}
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if path.stem not in ELSEWHERE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_runs_and_draws(script, python, tmp_path):
    result = python(str(script))
    assert not result.returncode, result.stderr
    assert list(tmp_path.glob("*.png"))
