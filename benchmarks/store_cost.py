"""What a run on disk costs: to stream beside the model alone, to open, to read one head of.

Prints ratios of the model's own time, interleaved; and, of a run of many calls, its files, how long it takes
to open and to read one head. `python benchmarks/store_cost.py [folder]`; ``--quick`` is small. A folder in
memory, such as /dev/shm, leaves the disk out.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch

import visualizer as viz
from visualizer.attention import AttentionMap, Factors
from visualizer.calls import Call
from visualizer.run import Run

LAYERS = 24


def timed(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def streaming(folder, rounds):
    layer = torch.nn.TransformerEncoderLayer(768, 12, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, 12, enable_nested_tensor=False).eval()
    x = torch.randn(4, 197, 768)
    alone, held, streamed, whole = [], [], [], []
    with torch.no_grad():
        for number in range(rounds):
            alone.append(timed(lambda: model(x)))
            with viz.capture(model):
                held.append(timed(lambda: model(x)))
            session = viz.capture(model, path=folder / f"{number}.zarr")
            session.start()
            streamed.append(timed(lambda: model(x)))
            whole.append(streamed[-1] + timed(session.stop))
            shutil.rmtree(folder / f"{number}.zarr")
    for name, times in (("held", held), ("streamed", streamed), ("streamed and finished", whole)):
        ratio = median(time / base for time, base in zip(times, alone, strict=True))
        print(f"forward with a run that is {name}: {ratio:.2f} × the model alone")


def many(folder, count):
    run = Run()
    for number in range(count):
        q, k = torch.randn(2, 1, 4, 8, 16)
        a = AttentionMap(Factors(q, k, 0.25))
        path = f"layers.{number % LAYERS}.attn"
        run.add(Call(path, a, number // LAYERS, number, "made here", step=number // LAYERS))
    path = folder / "many.zarr"
    print(f"{count} calls: {1e3 * timed(lambda: run.save(path)) / count:.2f} ms each to save")
    files = [one for one in path.rglob("*") if one.is_file()]
    print(f"{len(files)} files, {sum(one.stat().st_size for one in files) / 1e6:.1f} MB")
    opened = []
    print(f"{timed(lambda: opened.append(viz.load(path))):.2f} s to open")
    for number in (count // 2, count // 3):
        call = opened[0][number]
        print(f"{1e3 * timed(lambda call=call: call.map[0, 2].numpy()):.1f} ms for one head of call {number}")


if __name__ == "__main__":
    quick = "--quick" in sys.argv
    folders = [one for one in sys.argv[1:] if one != "--quick"]
    with tempfile.TemporaryDirectory(dir=folders[0] if folders else None) as made:
        streaming(Path(made), 2 if quick else 9)
        many(Path(made), 200 if quick else 100_000)
