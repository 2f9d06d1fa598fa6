"""A process that is killed at any moment loses no call that was committed, and another goes on."""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import visualizer as viz
from visualizer.store.finishing import finish
from visualizer.store.places import open_place

CHILD = Path(__file__).with_name("killed.py")


def killed(path, after):
    """Run the child until some time after it is ready, and kill it as `kill -9` does."""
    with subprocess.Popen([sys.executable, str(CHILD), str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(after)
        process.kill()


def check(path):
    """Read every call, bit by bit: call n has queries of n alone, and keys that are known."""
    run = viz.load(path)
    keys = torch.arange(512.0).reshape(1, 2, 16, 16)
    for number, call in enumerate(run):
        factors = call.map._source.whole().factors
        assert call.number == number
        assert torch.equal(factors.q, torch.full((1, 2, 4, 16), float(number)))
        assert torch.equal(factors.k, keys[:, :, : 4 + number % 12])
    return len(run)


def go_through(path, times, seed):
    moments, there = random.Random(seed), 0
    for _ in range(times):
        killed(path, moments.expovariate(8))
        now = check(path)
        assert now >= there
        there = now
    finish(open_place(path))
    assert check(path) == there
    return there


def test_a_few_kills_lose_nothing(tmp_path):
    assert go_through(tmp_path / "run.zarr", 4, 0) > 0


@pytest.mark.long
def test_two_hundred_kills_lose_nothing(tmp_path):
    for seed in range(8):
        assert go_through(tmp_path / f"{seed}.zarr", 25, seed) > 0


@pytest.mark.parametrize("cut", [0, 40])
def test_a_log_that_was_cut_within_a_line_is_read_to_the_line_before(tmp_path, cut):
    path = tmp_path / "run.zarr"
    killed(path, 0.3)
    before, log = check(path), next((path / "log").iterdir())
    assert before > 5
    data = log.read_bytes()
    log.write_bytes(data[: data.rindex(b'{"type": "call"') + cut])
    assert before - 2 <= check(path) < before
    killed(path, 0.2)
    check(path)


def test_joining_files_and_packing_them_removes_nothing_that_is_not_on_the_disk_anew(tmp_path, monkeypatch):
    from visualizer.store import packing, places

    path, seen, copies = tmp_path / "run.zarr", set(), []

    def settled(file):
        seen.add(file)
        synced(file)

    def without_power(*about):
        """Keep, of what there is, what would be there: files that were settled, or before it began."""
        copies.append(shutil.copytree(path, tmp_path / f"{len(copies)}.zarr"))
        for file in {one for one in path.rglob("*") if one.is_file()} - seen - before:
            (copies[-1] / file.relative_to(path)).write_bytes(b"")
        return remove(*about)

    synced, remove = places.synced, places.Folder.remove
    killed(path, 0.5)
    there, before = check(path), {one for one in path.rglob("*") if one.is_file() and one.name != "zarr.json"}
    for module in (places, packing):
        monkeypatch.setattr(module, "synced", settled)
    monkeypatch.setattr(places.Folder, "remove", without_power)
    finish(open_place(path))
    assert len(copies) > 2
    assert all(check(copy) == there for copy in copies)
    assert (path / "arrays") in seen
    packing.pack(path, tmp_path / "run.zip")
    assert (tmp_path / "run.zip.part") in seen
    assert check(tmp_path / "run.zip") == there


@pytest.mark.parametrize("fails", range(34))
def test_joining_files_that_ends_anywhere_changes_nothing(tmp_path, fails, monkeypatch):
    path = tmp_path / "run.zarr"
    model = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    with viz.capture(model, path=path) as run:
        for number in range(1, 4):
            model(*[torch.ones(1, number, 8)] * 3, need_weights=False)
    maps = [call.map.array() for call in run]
    place, left = open_place(path), [fails]

    def failing(name):
        real = getattr(place, name)

        def method(*arguments):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return real(*arguments)

        return method

    for name in ("write", "remove"):
        monkeypatch.setattr(place, name, failing(name))
    try:
        finish(place)
    except KeyboardInterrupt:
        pass
    found = viz.load(path)
    assert all(torch.equal(a, call.map.array()) for a, call in zip(maps, found, strict=True))
    if fails % 2:
        finish(open_place(path))
    else:
        with viz.capture(model, path=path, resume=True):
            model(*[torch.ones(1, 5, 8)] * 3, need_weights=False)
    again = [call.map.array() for call in viz.load(path)]
    assert len(again) == (3 if fails % 2 else 4)
    assert all(map(torch.equal, maps, again))
    logs, arrays = list((path / "log").iterdir()), [*(path / "arrays").glob("*/zarr.json")]
    assert len(logs) == 1  # nothing is left of the other try
    assert len(arrays) == logs[0].read_text().count('"type": "array"')
