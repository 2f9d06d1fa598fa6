"""Every test of `get_local` begins and ends inactive, with an empty cache."""

import pytest

from visualizer.classic import get_local


@pytest.fixture(autouse=True)
def inactive():
    yield
    get_local.deactivate()
    get_local.cache = {}
