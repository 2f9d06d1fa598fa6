"""What a key stands for, found without any axis: change one part of the input, and see which keys change.

Tokens are kept from mixing: what attention gives is multiplied by zero, so that this holds at every depth.
"""

from math import prod

import numpy as np
import torch

import visualizer

OUTPUTS = ("proj", "out_proj", "o_proj", "c_proj", "dense", "wo", "to_out.0", "to_add_out")


def unmixed(model, outputs=OUTPUTS):
    """The model, its attention's outputs zero; its biases are not, so that no query is."""
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight, std=0.3)
    ends = tuple(f".{name}" for name in outputs)
    for path, weight in model.named_parameters():
        layer = path.rpartition(".")[0]
        if f".{layer}".endswith(ends) and "att" in layer.lower():
            torch.nn.init.zeros_(weight)
    return model.double().eval()


def record(model, *args, call=None, **kwargs):
    with torch.no_grad(), visualizer.capture(model) as run:
        (call or model)(*args, **kwargs)
    return run


def moved_keys(before, after, path, call=0):
    """(row of the batch, key) of the keys whose logits changed for most queries."""
    maps = [np.asarray(run.calls(path)[call].map.tensor()) for run in (before, after)]
    with np.errstate(all="ignore"):
        logits = np.log(maps[1]) - np.log(maps[0])  # but for a constant of each row
    moved = np.abs(logits - np.nanmedian(logits, -1, keepdims=True)) > 1e-7
    share = np.nanmean(np.where(np.isfinite(logits), moved, np.nan), axis=(1, 2))
    return [tuple(map(int, one)) for one in np.argwhere(share > 0.5)]


def are_those_of(boxes, part):
    """Whether boxes (x, y, …, their extents) share a part of the input, and none lies beside it."""
    half = len(part) // 2
    shared = [
        prod(
            max(0, min(a + c, b + d) - max(a, b))
            for a, b, c, d in zip(box[:half], part[:half], box[half:], part[half:])
        )
        for box in boxes
    ]
    return min(shared, default=0) > 1e-6 and abs(sum(shared) - prod(part[half:])) < 1e-6


def places_of_moved_keys(model, image, part, item=1):
    """By path: the axis in words, the places of the keys that move with a part (x, y, w, h) of an image."""
    x, y, w, h = part
    changed = image.clone()
    changed[item, :, y : y + h, x : x + w] += 1
    before, after = record(model, image), record(model, changed)
    size, found = tuple(image.shape[-2:]), {}
    for path in before.paths:
        axis = before.axis(path)
        moved = moved_keys(before, after, path)
        found[path] = axis.arithmetic, [axis.place(key, size, batch=row) for row, key in moved]
    return found
