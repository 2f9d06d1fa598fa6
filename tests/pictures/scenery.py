"""What the documents' pictures are drawn of: a landscape whose patches look at others of their colour."""

import numpy as np

import visualizer as viz
from visualizer.attention import AttentionMap, Dense
from visualizer.axes import Axis, Grid, Special
from visualizer.calls import Call
from visualizer.run import Run

GRID = (8, 12)
AXIS = Axis([Special("CLS"), Grid(*GRID)])
TEXT = "The sun goes down behind the hills and the sea turns red .".split()
RNG = np.random.default_rng


def landscape(sun=0.62, height=96, width=144):
    """Return an RGB picture: sky, sun, hills and sea."""
    y, x = np.mgrid[0:height, 0:width] / height
    sky = np.stack([0.35 + 0.6 * y, 0.5 + 0.15 * y, 0.8 - 0.45 * y], -1)
    glow = np.exp(-8 * ((x - 1.5 * sun) ** 2 + (y - 0.42) ** 2))[..., None]
    picture = sky + glow * (1.0, 0.55, 0.1)
    picture[np.hypot(x - 1.5 * sun, y - 0.42) < 0.1] = (1.0, 0.9, 0.5)
    picture[y > 0.6 + 0.12 * np.sin(4 * x) ** 2] = (0.15, 0.3, 0.2)
    picture[y > 0.74] = (0.1, 0.2, 0.4)
    return picture.clip(0, 1)


def softmax(logits):
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def patch_maps(picture, heads=4, sharpness=1.0, seed=0):
    """Return maps (1, head, query, key) of patches that look at others of their colour, and a class token."""
    rows, columns = GRID
    cells = picture.reshape(rows, picture.shape[0] // rows, columns, -1, 3).mean((1, 3)).reshape(-1, 3)
    far = np.linalg.norm(cells[:, None] - cells, axis=-1)
    row, column = np.divmod(np.arange(rows * columns), columns)
    away = np.hypot(row - row[:, None], column - column[:, None])
    logits = RNG(seed).normal(size=(1, heads, 97, 97)) * 0.5
    for head in range(heads):
        logits[0, head, 1:, 1:] -= sharpness * ((9 - 2 * head % 7) * far + (0.1 + 0.3 * head) * away)
    return softmax(logits)


def vision_run(layers=12, heads=4):
    """Return a run of a vision transformer's maps, labelled."""
    picture = landscape()
    maps = {f"blocks.{n}.attn": patch_maps(picture, heads, 0.2 + 0.12 * n, n) for n in range(layers)}
    return viz.from_arrays(maps, image=picture).label(axis=AXIS)


def text_map(length=len(TEXT), seed=1):
    return softmax(RNG(seed).normal(size=(length, length)) * 1.6)


def word_maps(steps=8, seed=2):
    """Return a run of a diffusion model's maps (patch, word), sharper with every step."""
    picture = landscape()
    cells = picture.reshape(8, 12, 12, 12, 3).mean((1, 3)).reshape(-1, 3)
    colours = np.array([(0.5, 0.5, 0.5), (1, 0.8, 0.4), (0.15, 0.3, 0.2), (0.1, 0.2, 0.4)])  # of the words
    near = -np.linalg.norm(cells[:, None] - colours, axis=-1)
    noise = RNG(seed).normal(size=(steps, 1, 1, 96, 4)) * 0.6
    maps = [softmax(near * (0.5 + 1.2 * step) + noise[step]) for step in range(steps)]
    calls = [Call("mid.attn2", AttentionMap(Dense(one)), n, n, "an array") for n, one in enumerate(maps)]
    run = Run(calls)
    run.image = picture
    return run.label(queries=Grid(*GRID), keys=["a", "sun", "hills", "sea"])


def generation(prompt=6, seed=3):
    """Return a run of a generation: a call of the prompt, then one for each token."""
    sizes = [(prompt, prompt), *((1, keys) for keys in range(prompt + 1, len(TEXT) + 1))]
    calls = []
    for number, (queries, keys) in enumerate(sizes):
        hidden = np.tri(queries, keys, keys - queries) == 0
        maps = softmax(np.where(hidden, -1e9, RNG(seed + number).normal(size=(1, 1, queries, keys)) * 1.5))
        calls.append(Call("layers.0.attn", AttentionMap(Dense(maps)), number, number, "an array"))
    return Run(calls).label(TEXT)
