"""timm's models are recorded in a process of their own, where torchvision may be a stand-in."""

from pathlib import Path

import pytest
from tests.timm_process import outcomes_of

CALLS = {
    "vit_tiny_patch16_224": 2,
    "vit_relpos_small_patch16_224": 2,
    "deit_tiny_distilled_patch16_224": 2,
    "beit_base_patch16_224": 2,
    "eva02_tiny_patch14_224": 2,
    "swin_tiny_patch4_window7_224": 3,
    "swinv2_tiny_window8_256": 3,
    "test_maxvit": 8,
    "pvt_v2_b0": 4,
    "resnet10t": 0,
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    return outcomes_of(Path(__file__).with_name("timm_outcomes.py"), tmp_path_factory.mktemp("timm"))


@pytest.mark.parametrize("name", CALLS)
def test_the_maps_are_those_of_the_model_without_fused_attention(outcomes, name):
    found = outcomes[name]
    assert found["unchanged"]
    assert len(found["paths"]) == CALLS[name]
    assert found["paths"] == found["own"]
    assert found["error"] < 1e-5
    assert found["checked"] < 1e-5
