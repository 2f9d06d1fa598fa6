"""A child that streams to where nothing can be written soon: `mounted.py folder full|read-only|forbidden`.

It prints, as JSON, what became of the run, of the model and of the error. The folder may be mounted on: it is
to be started in a mount namespace of its own.
"""

import json
import subprocess
import sys
from pathlib import Path

import torch

import visualizer as viz
from visualizer.errors import StoreError

QKV = 3, 1, 2, 64, 16


class Model(torch.nn.Module):
    def forward(self, number):
        q, k, v = torch.arange(1.0, 1 + torch.Size(QKV).numel()).sin().reshape(QKV) * (number + 1)
        return torch.nn.functional.scaled_dot_product_attention(q, k, v)


def call(*command):
    subprocess.run([*map(str, command)], check=True)


def full(folder, stream):
    """Go on until the place is full, and beyond; then make room."""
    call("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)
    return stream(20, lambda: None), lambda: call("mount", "-o", "remount,size=64m", folder)


def read_only(folder, stream):
    """Have a read-only mount of the same folder over it: what holds an open file cannot become one itself."""

    def cover():
        call("mount", "--bind", folder, folder)
        call("mount", "-o", "remount,bind,ro", folder)

    return stream(20, cover), lambda: call("umount", folder)


def forbidden(folder, stream):
    """Take the right to write away from all folders of the run."""
    run = folder / "run"

    def set_modes(of_folder, of_file):
        for path in [run, run / "arrays", *(run / "arrays").glob("*/"), run / "log"]:
            path.chmod(of_folder)
        for path in (run / "log").iterdir():
            path.chmod(of_file)

    return stream(20, lambda: set_modes(0o500, 0o400)), lambda: set_modes(0o700, 0o600)


def stream_to(path):
    def stream(before, withdraw):
        """Record calls, withdraw what writing needs, and record more; return what became of it."""
        model = Model()
        plain = [model(number) for number in range(100)]
        session = viz.capture(model, path=path)
        run = session.start()
        for number in range(before):
            model(number)
        there = len(run)
        withdraw()
        equal = [torch.equal(model(number), plain[number]) for number in range(before, 100)]
        try:
            session.stop()
        except StoreError as error:
            return {"there": there, "forwards": all(equal), "error": str(error)}
        return {"there": there, "forwards": all(equal), "error": None}

    return stream


def whole(path):
    """Read every call, and compare it with what the model computes; return how many there are."""
    model, run = Model(), viz.load(path)
    for number, call in enumerate(run):
        with viz.capture(model) as held:
            model(number)
        assert call.number == number
        assert torch.equal(call.map.array(), held[0].map.array())
    return len(run)


if __name__ == "__main__":
    folder, name = Path(sys.argv[1]), sys.argv[2]
    path = folder / "run"
    places = {"full": full, "read-only": read_only, "forbidden": forbidden}
    found, allow = places[name](folder, stream_to(path))
    found["read"] = whole(path)
    try:
        viz.capture(Model(), path=folder / "other").start()
    except StoreError as error:
        found["refused"] = str(error)
    allow()
    with viz.capture(model := Model(), path=path, resume=True):
        for number in range(found["read"], 100):
            model(number)
    found["resumed"] = whole(path)
    print(json.dumps(found))
