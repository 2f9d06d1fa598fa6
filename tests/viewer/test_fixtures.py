"""What the page's own tests compare with is what the package says now."""

import base64
import json

import numpy as np
import pytest
from tests.viewer.fixtures import FOLDER, fixtures

STEPS = {"f4": 1e-6, "f2": 1e-3, "i2": 1, "u1": 0}  # what another processor may round otherwise


def array(sent):
    return np.frombuffer(base64.b64decode(sent["base64"]), f"<{sent['dtype']}").astype(float)


def assert_alike(told, found):
    if isinstance(told, dict) and "base64" in told:
        assert {**told, "base64": None} == {**found, "base64": None}
        np.testing.assert_allclose(array(told), array(found), atol=STEPS[told["dtype"]])
    elif isinstance(told, dict):
        assert told.keys() == found.keys()
        for name in told:
            assert_alike(told[name], found[name])
    else:
        assert told == found


@pytest.mark.parametrize("name", ["axes.json", "rows.json"])
def test_a_fixture_of_the_page_is_up_to_date(name):
    assert_alike(json.loads((FOLDER / name).read_text(encoding="utf-8")), json.loads(fixtures()[name]))
