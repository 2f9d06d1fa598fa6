"""Every test of `get_local` begins with nothing asked for and nothing recorded, and ends inactive."""

import pytest

from visualizer import classic
from visualizer.cache import Cache
from visualizer.recordings import Recordings


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    cache = Cache()
    recordings = Recordings(cache)
    monkeypatch.setattr(classic, "_cache", cache)
    monkeypatch.setattr(classic, "_recordings", recordings)
    yield
    recordings.deactivate()


@pytest.fixture
def active(fresh):
    classic.get_local.activate()
