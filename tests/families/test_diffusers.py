"""diffusers' models, in a process of their own; long, as the library is installed for long tests alone."""

from pathlib import Path

import pytest
from tests.timm_process import outcomes_of

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    return outcomes_of(
        Path(__file__).with_name("diffusers_axes.py"), tmp_path_factory.mktemp("diffusers"), "zoo"
    )


def test_cells_look_at_cells_and_at_the_prompt(outcomes):
    fine = [f"cell {cell}" for cell in ((2, 10), (2, 11), (3, 10), (3, 11))]
    for path, (queries, keys, moved) in outcomes["unet"].items():
        cells = "4 × 6 grid = 24 tokens" if path.startswith("mid") else "8 × 12 grid = 96 tokens"
        assert (queries, keys) == (cells, "7 unknown = 7 tokens" if path.endswith("attn2") else cells)
        places = ["cell (1, 5)"] if path.startswith("mid") else fine
        assert moved == (["token 3"] if path.endswith("attn2") else places), path


def test_the_joint_sequence_of_sd3_begins_with_the_image(outcomes):
    for path, (queries, keys, moved) in outcomes["sd3"].items():
        joint = "4 × 6 grid + 7 unknown = 31 tokens"
        assert queries == keys == ("4 × 6 grid = 24 tokens" if path.endswith("attn2") else joint)
        assert moved == ["cell (1, 5)"]


@pytest.mark.parametrize(("order", "cells"), [("flux", "4 × 6 grid"), ("shuffled", "24 of a 4 × 6 grid")])
def test_the_joint_sequence_of_flux_begins_with_the_prompt(outcomes, order, cells):
    for queries, keys, moved in outcomes[order].values():
        assert queries == keys == f"7 unknown + {cells} = 31 tokens"
        assert moved == ["cell (1, 5)"]
