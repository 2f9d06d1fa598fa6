"""One file stays within what it may take, and says what did not fit."""

import json
import re

import numpy as np
import pytest

import visualizer
from visualizer.attention import AttentionMap, Factors
from visualizer.calls import Call
from visualizer.errors import OptionError
from visualizer.run import Run

Q, K = np.random.default_rng(0).normal(size=(2, 6, 1, 12, 256, 32)).astype(np.float32)
WORDS = [f"a rather long word {number}, of many letters" for number in range(256)]


@pytest.fixture(scope="module")
def run(built):
    maps = [AttentionMap(Factors(q, k, 1.0)) for q, k in zip(Q, K, strict=True)]
    calls = [Call(f"layer.{place}.attention", a, 0, place, "given") for place, a in enumerate(maps)]
    return Run(calls).label(WORDS)


def manifest_of(page):
    return json.loads(re.search(r'id="visualizer-manifest">(.*?)</script>', page)[1])


@pytest.mark.parametrize("max_mb", [3, 3.7, 4.4])
def test_a_file_takes_what_it_may_and_no_more(run, tmp_path, max_mb):
    run.to_html(tmp_path / "run.html", max_mb=max_mb)
    assert 0.95 * max_mb < (tmp_path / "run.html").stat().st_size / 1e6 <= max_mb


def test_what_did_not_fit_is_counted_and_overviews_stay(run, tmp_path):
    run.to_html(tmp_path / "run.html", max_mb=3)
    page = (tmp_path / "run.html").read_text("utf-8")
    told = manifest_of(page)
    here = [head is not None for one in told["maps"] for head in one["rows"].get("heads") or [None] * 12]
    assert len(told["maps"]) == 6
    assert 0 < sum(here) < 72
    assert f"The rows of {72 - sum(here)} of 72 heads were left out" in told["omitted"][-1]
    assert all(f'data-blob="{one["overview"]["max"]["name"]}"' in page for one in told["maps"])


def test_overviews_stay_where_they_leave_no_room_for_rows(run, tmp_path):
    run.to_html(tmp_path / "run.html", max_mb=2)
    page = (tmp_path / "run.html").read_text("utf-8")
    told = manifest_of(page)
    assert len(told["maps"]) == 6
    assert all(f'data-blob="{one["overview"]["mean"]["name"]}"' in page for one in told["maps"])


def test_of_more_maps_than_fit_the_first_are_there_and_no_others_are_named(tmp_path):
    a = AttentionMap(Factors(Q[0][..., :64, :], K[0][..., :64, :], 1.0))
    run = Run([Call(f"layer.{place % 2}", a, place // 2, place, "given") for place in range(3000)])
    run.to_html(tmp_path / "run.html", max_mb=1)
    page = (tmp_path / "run.html").read_text("utf-8")
    told = manifest_of(page)
    assert [one["order"] for one in told["maps"]] == list(range(len(told["maps"])))
    assert (
        f"{3000 - len(told['maps'])} of 3000 maps were left out of this file, of layer.0, layer.1: "
        in told["omitted"][0]
    )
    assert 0.5e6 < len(page.encode()) <= 1e6


def test_a_budget_that_names_alone_exceed_is_refused(tmp_path):
    run = visualizer.from_arrays({"layer.0": np.full((1, 200, 200), 1 / 200)}, tokens=["é" * 5000] * 200)
    with pytest.raises(OptionError, match=r"max_mb=1 was .* names and the page itself take \d+\.\d MB"):
        run.to_html(tmp_path / "run.html", max_mb=1)
    assert not (tmp_path / "run.html").exists()
