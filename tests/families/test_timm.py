"""timm's and torchvision's models, in a process of their own, where torchvision may be a stand-in."""

from pathlib import Path

import pytest
from tests.families.perturbing import lie_there
from tests.timm_process import outcomes_of

FIRST = {
    "vit_tiny_patch16_224": "1 CLS + 4 × 6 grid = 25 tokens",
    "vit_base_patch16_224 of any size": "1 CLS + 5 × 3 grid = 16 tokens",
    "vit_base_patch16_siglip_224": "4 × 6 grid = 24 tokens",
    "vit_relpos_small_patch16_224": "4 × 6 grid = 24 tokens",
    "deit_tiny_distilled_patch16_224": "1 CLS + 1 DIST + 4 × 6 grid = 26 tokens",
    "vit_small_patch14_reg4_dinov2": "1 CLS + 4 × 1 register + 4 × 6 grid = 29 tokens",
    "eva02_tiny_patch14_224": "1 CLS + 4 × 6 grid = 25 tokens",
    "vit_small_patch16_dinov3": "1 CLS + 4 × 1 register + 4 × 6 grid = 29 tokens",
    "beit_base_patch16_224": "1 CLS + 4 × 6 grid = 25 tokens",
    "cait_xxs24_224": "4 × 6 grid = 24 tokens",
    "swin_tiny_patch4_window7_224": "4 × 4 window = 16 tokens",
    "swinv2_tiny_window8_256": "4 × 4 window = 16 tokens",
    "swin_tiny_patch4_window7_224 that is filled up": "4 × 4 window = 16 tokens",
    "swinv2_tiny_window8_256 of any size": "4 × 4 window = 16 tokens",
    "swin_tiny_patch4_window7_224 of any size": "4 × 4 window = 16 tokens",
    "samvit_base_patch16_224": "3 × 3 window = 9 tokens",
    "torchvision's swin": "4 × 4 window = 16 tokens",
    "torchvision's swin v2": "4 × 4 window = 16 tokens",
    "torchvision's vit": "1 CLS + 4 × 4 grid = 17 tokens",
    "pvt_v2_b1": "2 × 3 grid = 6 tokens",
    "pvt_v2_b2_li": "7 × 7 grid = 49 tokens",
    "test_maxvit": "2 × 3 window = 6 tokens",
    "mvitv2_tiny": "4 × 4 grid = 16 tokens",
    "vit_base_patch16_224 that is filled up": "1 CLS + 4 × 6 grid = 25 tokens",
    "mobilevit_xxs": "8 × 12 window = 96 tokens",
    "coat_tiny": "1 CLS + 16 × 24 grid = 385 tokens",
    "hiera_tiny_224": "24 of a 4 × 6 grid = 24 tokens",
}
QUERIES = {
    "pvt_v2_b1": ["16 × 24", "8 × 12", "4 × 6", "2 × 3"],
    "pvt_v2_b2_li": ["56 × 112", "28 × 56", "14 × 28", "7 × 14"],
    "mvitv2_tiny": ["16 × 16", "8 × 8", "4 × 4", "2 × 2"],
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    return outcomes_of(Path(__file__).with_name("timm_axes.py"), tmp_path_factory.mktemp("timm"))


@pytest.mark.parametrize("name", FIRST)
def test_the_tokens_that_change_with_a_part_of_the_image_lie_there(outcomes, name):
    part, found = outcomes[name]["part"], outcomes[name]["found"]
    assert next(iter(found.values()))[0] == FIRST[name]
    assert len(found) >= 2
    for side, moved in found.items():
        assert lie_there(moved, part), side


@pytest.mark.parametrize("name", QUERIES)
def test_each_stage_has_a_grid_of_queries(outcomes, name):
    grids = [words for side, (words, _) in outcomes[name]["found"].items() if side.endswith("queries")]
    assert [words.split(" grid")[0] for words in dict.fromkeys(grids)] == QUERIES[name]


def test_channels_that_attend_to_channels_are_no_tokens(outcomes):
    why, other = outcomes["xcit_nano_12_p8_224"]
    assert why.startswith("XCA attends from channels to channels, which are no tokens: run.label(")
    assert other.startswith("nothing is known of the queries of ClassAttn: ")
