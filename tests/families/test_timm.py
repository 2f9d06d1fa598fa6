"""timm's models, in a process of their own, where torchvision may be a stand-in."""

from pathlib import Path

import pytest
from tests.families.perturbing import are_those_of
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
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    return outcomes_of(Path(__file__).with_name("timm_axes.py"), tmp_path_factory.mktemp("timm"))


@pytest.mark.parametrize("name", FIRST)
def test_the_key_that_changes_with_a_part_of_the_image_lies_there(outcomes, name):
    part, found = outcomes[name]["part"], outcomes[name]["found"]
    assert next(iter(found.values()))[0] == FIRST[name]
    assert len(found) >= 2
    for path, (_, places) in found.items():
        assert are_those_of(places, part), path


LOOSE = {
    "pvt_v2_b1": {
        "stages.0.blocks.0.attn": ("16 × 24 grid = 384 tokens", "2 × 3 grid = 6 tokens"),
        "stages.2.blocks.1.attn": ("4 × 6 grid = 24 tokens", "2 × 3 grid = 6 tokens"),
        "stages.3.blocks.0.attn": ("2 × 3 grid = 6 tokens", "2 × 3 grid = 6 tokens"),
    },
    "pvt_v2_b2_li": {"stages.0.blocks.0.attn": ("56 × 112 grid = 6272 tokens", "7 × 7 grid = 49 tokens")},
    "test_maxvit": {
        "stages.0.blocks.0.attn_block.attn": ("2 × 3 window = 6 tokens", "2 × 3 window = 6 tokens"),
        "stages.0.blocks.0.attn_grid.attn": ("unknown", "unknown"),
    },
    "mvitv2_tiny": {
        "stages.0.blocks.0.attn": ("16 × 16 grid = 256 tokens", "4 × 4 grid = 16 tokens"),
        "stages.1.blocks.0.attn": ("8 × 8 grid = 64 tokens", "8 × 8 grid = 64 tokens"),
        "stages.3.blocks.0.attn": ("2 × 2 grid = 4 tokens", "4 × 4 grid = 16 tokens"),
    },
}


@pytest.mark.parametrize("name", LOOSE)
def test_queries_and_keys_have_grids_of_their_own(outcomes, name):
    found = {path: (queries, keys) for path, queries, keys in outcomes[name]}
    assert found | LOOSE[name] == found
