"""Write the store of this release, for all later ones to read: `python tests/store/make_archive.py`."""

import json
from pathlib import Path

import numpy as np
import torch

import visualizer as viz
from visualizer.attention import AttentionMap, Band, Dense, Factors
from visualizer.axes import Grid, Special
from visualizer.calls import Call
from visualizer.run import Run

FOLDER = Path(__file__).parents[1] / "data" / "archives"


def make():
    torch.manual_seed(0)
    t = torch.randn
    valid = torch.tensor([[[True] * 4 + [False]]])
    q, k = t(1, 2, 5, 4).bfloat16(), t(1, 1, 5, 4).bfloat16()
    one = Factors(q, k, 0.5, mask=torch.rand(5, 5) > 0.3, band=Band(), sinks=t(2), query_valid=valid)
    buffer = t(1, 1, 8, 4)
    steps = [AttentionMap(Factors(t(1, 2, 1, 4), buffer[:, :, : 5 + n], 0.5)) for n in range(3)]
    dense = AttentionMap(Dense(t(1, 2, 5, 5).softmax(-1), t(1, 2, 5)))
    read = {"entropy": t(1, 2, 5), "topk": (t(1, 2, 5, 2), torch.ones(1, 2, 5, 2, dtype=torch.int64))}
    about = {"item": "a", "rows": ("r",), "error": 1e-7, "v": t(1, 1, 5, 3), "note": "so"}
    run = Run(
        [
            Call("layers.0.attn", AttentionMap(one), 0, 0, "by hand", **about),
            *(Call("layers.1.attn", a, n, 1 + n, "step", step=n, item=7) for n, a in enumerate(steps)),
            Call("layers.2.attn", dense, 0, 4, "softmax", formed=True),
            Call("layers.2.attn", read, 1, 5, "read-outs"),
            Call("mlp", {"x": [np.arange(3), 2.5, None]}, 0, 6, "local `x` of MLP.forward"),
        ]
    )
    return run.label("layers.0.attn", axis=[Special("CLS"), Grid(2, 2)])


if __name__ == "__main__":
    run = make()
    run.save(FOLDER / f"{viz.__version__}.zip")
    maps = {n: call.map for n, call in enumerate(run) if isinstance(call.content, AttentionMap)}
    numbers = {n: [round(float(x), 5) for x in np.asarray(a).ravel()] for n, a in maps.items()}
    (FOLDER / f"{viz.__version__}.json").write_text(json.dumps(numbers))
