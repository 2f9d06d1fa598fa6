"""A loss of power takes files that were not on the disk yet: what they held is told, all else is kept."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from tests.store.test_killed import killed
from tests.store.test_streaming import Model

import visualizer as viz
from visualizer.errors import StoreError
from visualizer.notices import RecordingWarning


def interrupted(path):
    """Have a child write, and kill it, until there is something to lose: a busy machine takes longer."""
    for _ in range(40):
        killed(path, 0.4)
        if len(viz.load(path)) >= 8:
            return
    pytest.fail("40 children had time to write no 8 calls")


def shards(path, role):
    """Return the files of the arrays of a role, in the order in which they were written."""
    arrays = [folder for folder in sorted((path / "arrays").iterdir()) if folder.is_dir()]
    about = [json.loads((one / "zarr.json").read_text())["attributes"]["visualizer"] for one in arrays]
    files = [
        file
        for one, said in zip(arrays, about, strict=True)
        if said["role"] == role
        for file in one.iterdir()
    ]
    return sorted((one for one in files if one.name != "zarr.json"), key=lambda one: one.stat().st_mtime_ns)


def readable(run):
    """Return the numbers of the calls that can be read, and check these bit by bit."""
    keys, found = torch.arange(512.0).reshape(1, 2, 16, 16), []
    for call in run:
        try:
            factors = call.map._source.whole().factors
        except StoreError:
            continue
        number = call.number
        assert torch.equal(factors.q, torch.full((1, 2, 4, 16), float(number)))
        assert torch.equal(factors.k, keys[:, :, : 4 + number % 12])
        found.append(number)
    return found


def torn(file):
    data = bytearray(file.read_bytes())
    data[:100] = bytes(100)  # as where a page of a file did not come to the disk
    file.write_bytes(data)


DAMAGES = {
    "missing": Path.unlink,
    "empty": lambda file: file.write_bytes(b""),
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-50]),
    "torn": torn,
}


@pytest.mark.parametrize(
    ("damage", "role"), [*((one, "q") for one in DAMAGES), ("missing", "k"), ("torn", "k")]
)
def test_calls_whose_file_is_lost_are_told_and_all_others_are_kept(tmp_path, role, damage):
    path = tmp_path / "run.zarr"
    interrupted(path)
    every = len(viz.load(path))
    files = shards(path, role)
    DAMAGES[damage](files[len(files) // 2])
    before = readable(viz.load(path))
    assert 0 < len(before) < every

    model = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    with pytest.warns(RecordingWarning) as told, viz.capture(model, path=path, resume=True):
        model(*[torch.ones(1, 3, 8)] * 3, need_weights=False)
    found = viz.load(path)
    after = readable(found[:-1])
    assert set(before) <= set(after)
    assert found[-1].shape == (1, 2, 3, 3)
    [message] = {str(one.message) for one in told}
    lost, of = every - len(after), every + (damage == "torn")  # which is found when files are joined
    assert message.startswith(f"{path} has lost {lost} of {of} calls (call ")
    named = [int(number) for number in re.findall(r"call (\d+) of the model", message)]
    assert named == sorted(set(range(every)) - set(after))[:5]
    assert len(found) == len(after) + 1  # what is lost is there no more


def test_what_is_lost_is_found_before_anything_is_recorded(tmp_path):
    path = tmp_path / "run.zarr"
    interrupted(path)
    shards(path, "q")[-1].unlink()
    before = readable(viz.load(path))
    model = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    session = viz.capture(model, path=path, resume=True)
    with pytest.warns(RecordingWarning, match="all else is kept, record these again"):
        run = session.start()
    assert readable(run) == before
    assert len(run) == len(before)
    session.stop()


def test_inputs_that_are_lost_are_as_if_they_were_not_stored(tmp_path):
    torch.manual_seed(0)
    model, x, path = Model(), torch.randn(2, 10, 32), tmp_path / "run.zarr"
    with viz.capture(model, path=path, inputs=True):
        for number in range(3):
            model(x + number)
    [file] = shards(path, "value")
    file.unlink()
    with (
        pytest.warns(RecordingWarning, match="lost 0 of 6 calls, and the inputs of 3 forwards,"),
        viz.capture(model, path=path, resume=True, inputs=True),
    ):
        model(x)
    found = viz.load(path)
    assert len(found) == 8
    assert [list(values) for values in found.inputs] == [[], [], [], ["x"]]
    assert torch.equal(found.inputs[3]["x"], x)


def test_a_file_that_cannot_be_read_just_now_is_not_taken_for_lost(tmp_path):
    path = tmp_path / "run.zarr"
    interrupted(path)
    every, file = len(viz.load(path)), shards(path, "q")[0]
    file.rename(tmp_path / "aside")
    file.mkdir()  # a folder in its place: the system refuses to read it
    model = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    with pytest.raises(StoreError, match="directory"):
        viz.capture(model, path=path, resume=True).start()
    file.rmdir()
    (tmp_path / "aside").rename(file)
    assert readable(viz.load(path)) == list(range(every))


class Filling(torch.nn.Module):
    """Writes into the memory of its keys, as a static cache does, by a way that nobody sees."""

    def __init__(self):
        super().__init__()
        self.k = torch.nn.Buffer(torch.zeros(1, 2, 16, 16))

    def forward(self, number):
        self.k.numpy()[:, :, number] = number + 1
        return torch.nn.functional.scaled_dot_product_attention(self.k[:, :, :4] + number, self.k, self.k)


def test_keys_that_are_filled_in_place_are_lost_from_where_one_is(tmp_path):
    path, model = tmp_path / "run.zarr", Filling()
    with viz.capture(model, path=tmp_path / "whole.zarr") as run:
        for number in range(12):
            model(number)
            assert len(run) == number + 1  # what was taken is written, in a file of its own
        shutil.copytree(tmp_path / "whole.zarr", path)  # as it is where nobody ends it
    arrays = [json.loads(line) for line in (path / "log" / "0.jsonl").read_text().splitlines()]
    assert (
        sum(len(piece) > 3 for line in arrays for piece in line.get("pieces", ())) == 11
    )  # places of others
    shards(path, "k")[7].unlink()
    session = viz.capture(model, path=path, resume=True)
    with pytest.warns(RecordingWarning, match=r"lost 5 of 12 calls \(call 7 of the model, call 8 of"):
        run = session.start()
    assert [call.number for call in run] == list(range(7))
    for number, call in enumerate(run):
        expected = torch.arange(1.0, 17) * (torch.arange(16) <= number)
        assert torch.equal(call.map._source.whole().factors.k[0, 0, :, 0], expected)
    session.stop()
