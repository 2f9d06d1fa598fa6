"""What web/test/ compares with: `python -m tests.viewer.fixtures`, from the root, writes it anew."""

import base64
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from visualizer.attention import AttentionMap, Band, Factors, LowRank
from visualizer.axes import Axis, Frames, Grid, Ids, Special, Text, Time, Unknown, Volume
from visualizer.axes.lines import Lines
from visualizer.axes.scattered import Scattered
from visualizer.calls import Call
from visualizer.run import Run
from visualizer.viewer.arrays import refs_of
from visualizer.viewer.payload import Payload
from visualizer.viewer.protocol import Blob
from visualizer.viewer.tiles import Tile, pooled
from visualizer.viewer.tokens import axis_info

FOLDER = Path(__file__).parents[2] / "web" / "test" / "fixtures"
HEADS, TOKENS, WIDTH = (2, 4), 20, 4


def rows():
    """What a page is told of maps of each kind, the arrays that it asks for, and what it should compute."""
    random = np.random.default_rng(7)
    q, k = (random.normal(size=(*HEADS, TOKENS, WIDTH)).astype(np.float32) for _ in "qk")
    seen = np.arange(TOKENS) < np.array([13, 20])[:, None, None, None]
    lone = random.random((1, 1, TOKENS, TOKENS)) < 0.6
    lone[0, 0, 2] = False
    bias = random.normal(size=(1, 4, TOKENS, TOKENS)).astype(np.float32)
    sinks = np.array([0.5, -2, 3, -np.inf])
    diagonal = np.where(np.arange(TOKENS) % 3, 0, 7 - np.arange(TOKENS) * 2)
    maps = {
        "keys of groups": Factors(2 * q, k[:, :2], 1.0),
        "a sharp map": Factors(40 * q, k, 1.0),
        "a bias of each head": Factors(q, k, 0.5, bias=bias),
        "a bias of each key": Factors(q, k, 0.5, bias=bias[:, :, :1]),
        "a mask of each row of the batch": Factors(q, k, 0.5, mask=seen),
        "a mask with a row that sees nothing, and sinks": Factors(q, k, 0.5, mask=lone, sinks=sinks),
        "keys before the query": Factors(q, k, 0.5, band=Band()),
        "late queries": Factors(q[:, :, 8:], k, 0.5, band=Band(diagonal=8)),
        "a window, a soft cap and one more": Factors(
            2 * q, k, 1.0, band=Band(1, 4, 2), soft_cap=1.5, softmax_one=True
        ),
        "a diagonal of each query": Factors(q, k, 0.5, band=Band(diagonal, 2, 0)),
        "padding": Factors(q, k, 0.5, mask=seen, query_valid=seen[:, 0, 0]),
    }
    return {name: case(AttentionMap(one)) for name, one in maps.items()} | {
        "weights of few tokens": case(AttentionMap(Factors(q[:, :, :3], k[:, :, :5], 0.5))),
        "weights that are signed": case(AttentionMap(LowRank(q, k)), atol=1e-6),
    }


def case(map_, atol=1e-3):
    """One map: the manifest, the arrays, rows (batch, head, query, key), tiles, how exact these are to be."""
    payload = Payload(Run([Call("layer.0", map_, 0, 0, "given")]))
    told = payload.manifest.maps[0]
    names = sorted({ref.name for ref in refs_of([told.rows, told.padding])})
    blobs = {name: sent(payload.blob(name)) for name in names}
    rows = sent(Blob.of(map_.numpy()))
    tiles = {how: sent(Blob.of(tile(map_[:1, 1:2], how))) for how in ("mean", "max")}
    manifest = payload.manifest.to_json()
    return {"manifest": manifest, "blobs": blobs, "rows": rows, "tiles": tiles, "atol": atol}


def tile(head, how):
    """All of a head in cells of 4 × 4."""
    found, _ = pooled(head, Tile(*head.shape[-2:], 2, 0, 0, how), lambda name, make: make())
    return found


def sent(blob):
    """An array as JSON has it."""
    return {"dtype": blob.dtype, "shape": blob.shape, "base64": base64.b64encode(blob.data).decode()}


def axes():
    """Axes as the page is told of them, and what the package says of each token."""
    text = Text(["Hi", " 👩‍🚀", "<b>", "é", "!"], text="Hi 👩‍🚀<b>é!")
    shared = Text(["un", "##able", ""], [(0, 2), (2, 6), (6, 6)], "unable")
    found = {
        "patches behind a class token": Axis((Special("CLS"), Grid(2, 3))),
        "text, some of it beyond 16 bits": Axis((text, Special("SEP"), shared)),
        "patches of an image that was filled up": Axis((Grid(2, 3, span=(0.9, 1.2)),)),
        "two images and ids": Axis((Grid(2, 2), Ids((7, 11)), Grid(1, 2, image=1))),
        "patches that were kept": Axis((Scattered(3, 4, at=(11, 0, 5)),)),
        "rows of patches with newlines": Axis((Lines(2, 3),)),
        "frames and a volume": Axis((Frames(2, 2, 3), Volume(2, 1, 2))),
        "time": Axis((Time(15, seconds=0.3), Time(7, seconds=0.0001), Time(3, seconds=4e6))),
        "unknown": Axis((Special("BOS"), Unknown(3, "why"))),
    }
    return {name: told_axis(axis) for name, axis in found.items()}


class Numbered:
    """Images that are numbered as grids count them, and frames by their steps."""

    count = None

    def image(self, number):
        return number

    def film(self, steps):
        return list(range(steps))


def told_axis(axis):
    told = asdict(axis_info(axis, 0, Numbered()))
    places = [axis.place(token) for token in range(axis.length)]
    return {"axis": told, "names": axis.names, "places": places}


def fixtures():
    """The text of each file."""
    made = {"rows.json": rows(), "axes.json": axes()}
    return {name: json.dumps(one, ensure_ascii=False) + "\n" for name, one in made.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in fixtures().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
