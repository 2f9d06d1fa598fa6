"""Maps that something else recorded, as plain arrays: labelled, read and drawn like any run."""

import numpy as np
import torch

import visualizer as viz
from visualizer.axes import Grid, Special
from visualizer.demo.digits_vit import Attention, load_digits_vit
from visualizer.demo.scenes import draw_held_back_scenes

# Only here, to have some: yours are in a file, or come from output_attentions=True, a hook, elsewhere.
scenes = draw_held_back_scenes(1, seed=3)
viz.get_local("attn")(Attention)
viz.get_local.activate()
with torch.no_grad():
    print("the model says", load_digits_vit()(torch.from_numpy(scenes.images)).argmax().item())
np.savez("maps.npz", *viz.get_local.cache["Attention.forward"])

# The recipe itself: (batch, head, query, key) or (head, query, key) each, by whatever names.
arrays = np.load("maps.npz")
maps = {f"layer {number}": arrays[name] for number, name in enumerate(arrays.files)}
photo = np.repeat(scenes.images[0, :, :, None], 3, axis=2)  # (row, column, 3) in [0, 1]
run = viz.from_arrays(maps, image=photo)  # tokens=["a", "list", "of", "words"] for text
run.label(axis=[Special("CLS"), Grid(6, 10)])  # 1 + 6 × 10 = 61 tokens, checked against the maps

print(run.table("entropy").sort("entropy")[:3])
cells = [[(run, {"layer": path, "head": head, "special": "CLS"}) for head in range(4)] for path in run.paths]
figure = viz.plots.panel(cells, width=5, title="Where CLS looks")
figure.savefig("maps_you_have.png", dpi=100)
