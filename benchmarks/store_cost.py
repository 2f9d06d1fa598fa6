"""What a run on disk costs: to stream beside a model, to save, to open, to read one head of.

`python benchmarks/store_cost.py`; ``--quick`` is small, and asks only whether it runs. Ratios are
of wall time, as a thread of its own writes: each way right after the one that it is compared with, the median
and the middle half. Memory is how much higher its peak was. A folder in memory, such as /dev/shm, leaves the
disk out.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

import fsspec
import numpy as np
import torch
import zarr
from compared.memory import peak_of

import visualizer as viz

PARTS = ["streaming", "saving", "opening"]
LAYERS, STEPS = 24, 40  # of the small model that makes many calls, and of each text that it writes


def timed(function):
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result


def seconds(function):
    return timed(function)[0]


def row(name, ratios, *more):
    ratios = sorted(ratios)
    middle = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    spread = "–".join(f"{ratio:.2f}" for ratio in middle)
    print(" | ".join([f"| {name} | × {median(ratios):.2f} | {spread}", *more]) + " |", flush=True)


def vit(layers, batch):
    layer = torch.nn.TransformerEncoderLayer(768, 12, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, layers, enable_nested_tensor=False).eval()
    return partial(model, torch.randn(batch, 197, 768)), model


class Layer(torch.nn.Module):
    """Attention with a cache of keys and values, and nothing else."""

    def __init__(self, channels=32, heads=4):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = torch.nn.Linear(channels, 3 * channels), torch.nn.Linear(channels, channels)

    def forward(self, x, cache):
        """Return what tokens become; the cache goes on."""
        q, k, v = self.qkv(x).unflatten(-1, (3 * self.heads, -1)).transpose(1, 2).chunk(3, 1)
        if cache:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
        cache[:] = k, v
        causal = q.shape[2] > 1
        found = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return x + self.out(found.transpose(1, 2).flatten(2))


class Writer(torch.nn.Module):
    """A small model that writes texts: most of its time is Python's, and its keys are new at each step."""

    def __init__(self, layers, channels=32):
        super().__init__()
        self.embed = torch.nn.Embedding(64, channels)
        self.layers = torch.nn.ModuleList(Layer(channels) for _ in range(layers))

    def forward(self, ids, caches):
        """Return the next token."""
        x = self.embed(ids)
        for layer, cache in zip(self.layers, caches, strict=True):
            x = layer(x, cache)
        return (x[:, -1] @ self.embed.weight.T).argmax(-1, keepdim=True)

    def write(self):
        """Write a text."""
        ids, caches = torch.arange(3, 11)[None], [[] for _ in self.layers]
        for _ in range(STEPS):
            ids = self(ids, caches)


def writer(layers):
    model = Writer(layers).eval()
    return model.write, model


def streaming(name, run, model, folder, rounds):
    """Time a forward, or a text, with recordings of three kinds, as multiples of it alone."""
    ways = {"again": [], "held in memory": [], "streamed": [], "streamed, and the files joined": []}
    for _ in range(rounds):
        alone = seconds(run)
        ways["again"].append(seconds(run) / alone)
        with viz.capture(model):
            ways["held in memory"].append(seconds(run) / alone)
        session = viz.capture(model, path=folder / "run.zarr")
        session.start()
        streamed = seconds(run)
        whole = streamed + seconds(session.stop)
        ways["streamed"].append(streamed / alone)
        ways["streamed, and the files joined"].append(whole / alone)
        shutil.rmtree(folder / "run.zarr")
    print(f"\n| {name} | time | middle half |\n|---|---|---|\n| the model alone | {alone:.2f} s | |")
    for way, ratios in ways.items():
        row(way, ratios)


def tensors_of(run):
    """Return what the maps of a run are held as, by name."""
    calls = enumerate(call.map._source.factors for call in run)  # noqa: SLF001 - as it is written
    return {f"{number}.{name}": getattr(held, name) for number, held in calls for name in ("q", "k")}


def saving(name, run, folder, rounds):
    """Time `run.save` beside other ways to write the same tensors, as multiples of numpy.savez."""
    tensors = tensors_of(run)
    arrays = {key: tensor.numpy() for key, tensor in tensors.items()}
    ways = {
        "`numpy.savez`": lambda: np.savez(folder / "x.npz", **arrays),
        "again": lambda: np.savez(folder / "x.npz", **arrays),
        "`torch.save`": lambda: torch.save(tensors, folder / "x.pt"),
        "`zarr.save_group`": lambda: zarr.save_group(folder / "x.zarr", zarr_format=3, **arrays),
        "`run.save`, a folder": lambda: run.save(folder / "x.run"),
        "`run.save`, a zip": lambda: run.save(folder / "x.zip"),
        "`run.save`, `file://`": lambda: run.save(f"file://{folder}/x.url"),
        "`run.save`, `memory://`": lambda: run.save("memory://x.url"),
    }
    times = {way: [] for way in ways}
    for number in range(rounds):
        for way, write in ways.items():
            clear(folder)
            if number and median(times[way]) > 20 * median(times["`numpy.savez`"]):
                continue
            times[way].append(seconds(write))
    size = sum(array.nbytes for array in arrays.values()) / 1e6
    print(f"\n| {name}, {size:.0f} MB | time | middle half | a call | MB/s |\n|---|---|---|---|---|")
    first = times["`numpy.savez`"]
    for way, each in times.items():
        ratios = [one / base for one, base in zip(each, first, strict=False)]
        row(way, ratios, f"{1e3 * median(each) / len(run):.2f} ms", f"{size / median(each):.0f}")


def clear(folder):
    """Remove what was written."""
    memory = fsspec.filesystem("memory")
    for path in memory.ls("/", detail=False):
        memory.rm(path, recursive=True)
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def open_and_read(name, part, path):
    """Save a run, open it and read one head; print what each took."""
    saved = seconds(lambda: part.save(path)) / len(part)
    opened = peak_of(lambda: timed(lambda: viz.load(path)))
    took, found = opened.result
    call = found[len(part) // 2]
    read = peak_of(lambda: timed(call.map[0, 2].numpy))
    local = Path(path.removeprefix("file://"))
    files = [one for one in ([local] if local.is_file() else local.rglob("*")) if one.is_file()]
    sizes = f"{len(files)} | {sum(one.stat().st_size for one in files) / 1e6:.1f}" if files else "– | –"
    print(
        f"| {len(part):,} calls, {name} | {1e3 * saved:.2f} ms | {took:.3f} s | {opened.added / 1e6:+.0f} MB "
        f"| {1e3 * read.result[0]:.1f} ms | {read.added / 1e6:+.1f} MB | {sizes} |",
        flush=True,
    )


def opening(run, folder):
    """Open runs of more and more calls of a real model, in each kind of place."""
    print("\n| opening | saved, a call | open | memory | one head | memory | files | MB |")
    print("|---|---|---|---|---|---|---|---|")
    for count in (len(run) // 100, len(run) // 10, len(run)):
        places = {
            "a folder": f"{folder}/many.zarr",
            "a zip": f"{folder}/many.zip",
            "`file://`": f"file://{folder}/url.zarr",
            "`memory://`": "memory://many.zarr",
        }
        for name, path in places.items():
            open_and_read(name, run[:count], path)
            clear(folder)


def recorded(run, model, count):
    """Record as many calls, item by item."""
    with viz.capture(model, check=False) as found:
        while len(found) < count:
            with found.item(len(found) // (LAYERS * STEPS)):
                run()
    return found[:count]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}")
    parser.add_argument("--folder", help="on which disk; that of temporary files where not given")
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    rounds, count, layers = (2, 300, 2) if options.quick else (options.rounds, options.calls, LAYERS)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.backends.mha.set_fastpath_enabled(False)  # there capture runs a layer twice
    print(f"torch {torch.__version__}, zarr {zarr.__version__}, CPU, one thread")
    large, small = vit(layers // 2, 1 if options.quick else 4), writer(layers)
    with tempfile.TemporaryDirectory(dir=options.folder) as made, torch.no_grad():
        folder = Path(made)
        if "streaming" in options.parts:
            streaming("a ViT-B/16", *large, folder, rounds)
            streaming(f"a text of {STEPS} tokens", *small, folder, rounds)
        if "saving" in options.parts:
            with viz.capture(large[1]) as run:
                large[0]()
            saving("a forward of a ViT-B/16", run, folder, rounds)
            saving("960 calls of a small model", recorded(*small, min(count, 960)), folder, rounds)
        if "opening" in options.parts:
            opening(recorded(*small, count), folder)


if __name__ == "__main__":
    main()
