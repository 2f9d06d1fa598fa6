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
