"""What a key stands for, found without any axis: change one part of the input, and see which keys change.

Tokens are kept from mixing: what attention gives is multiplied by zero, so that this holds at every depth.
"""

from itertools import product
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


def unspread(model):
    """The model, its convolutions seeing of their input only the cells that are theirs, no norm all of it.

    Of a kernel what lies beside one step of the stride is zero; so is what squeezing and exciting sees. What
    pools the largest sees one step.
    """
    for path, layer in list(model.named_modules()):
        if isinstance(layer, torch.nn.Conv2d):
            taps = torch.zeros_like(layer.weight)
            own = [slice(pad, pad + step) for pad, step in zip(layer.padding, layer.stride)]
            taps[(..., *own)] = 1
            layer.weight.data *= taps
        elif isinstance(layer, torch.nn.GroupNorm):
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, torch.nn.Identity())
        elif isinstance(layer, torch.nn.MaxPool2d):
            layer.kernel_size, layer.padding = layer.stride, 0
        elif path.endswith(".se"):
            torch.nn.init.zeros_(layer.fc1.weight)
    return model


def record(model, *args, call=None, modules=None, **kwargs):
    with torch.no_grad(), visualizer.capture(model, modules=modules) as run:
        (call or model)(*args, **kwargs)
    return run


def moved_logits(before, after, path, call):
    """(row of the batch, head, query, key): 1 where a logit changed, but for a constant of its query."""
    maps = [np.asarray(run.calls(path)[call].map.tensor()) for run in (before, after)]
    with np.errstate(all="ignore"):
        logits = np.log(maps[1]) - np.log(maps[0])
    moved = np.abs(logits - np.nanmedian(logits, -1, keepdims=True)) > 1e-7
    return np.where(np.isfinite(logits), moved, np.nan)


def moved_keys(before, after, path, call=0):
    """(row of the batch, key) of the keys whose logits changed for most queries."""
    share = np.nanmean(moved_logits(before, after, path, call), axis=(1, 2))
    return [tuple(map(int, one)) for one in np.argwhere(share > 0.5)]


def moved_queries(before, after, path, call=0):
    """(row of the batch, query) of the queries for which logits of keys changed that did not move."""
    moved = moved_logits(before, after, path, call)
    for row, key in moved_keys(before, after, path, call):
        moved[row, ..., key] = 0
    return [tuple(map(int, one)) for one in np.argwhere(np.nanmax(moved, axis=(1, 3)) > 0)]


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


def lie_there(found, part):
    """Whether the tokens that moved lie in a part; of an axis that has no places none may have moved."""
    words, places = found
    if not any(kind in words for kind in ("grid", "window", "frames")):
        return not places
    return are_those_of(places, part)


def places_of_moved_keys(model, image, part, item=1, modules=None):
    """By path and side: the axis in words, the places of the tokens that move with a part of an image.

    Where tokens mix within an image, queries that stand for no part of it do not move.
    """
    x, y, w, h = part
    changed = image.clone()
    changed[item, :, y : y + h, x : x + w] += 1
    before, after = (record(model, one, modules=modules) for one in (image, changed))
    size, found = tuple(image.shape[-2:]), {}
    sides = {"keys": moved_keys, "queries": moved_queries}
    for path, (side, moved) in product(before.paths, sides.items()):
        axis = before.axis(path, side)
        places = [axis.place(token, size, batch=row) for row, token in moved(before, after, path)]
        found[f"{path} {side}"] = axis.arithmetic, places
    return found
