"""Train the demo's vision transformer on scenes of handwritten digits: about ten minutes on two CPU cores.

    python examples/train_digits_vit.py --out digits_vit.safetensors

needs ``pip install 'attention-visualizer[demo]'``. Training begins with scenes that hold nothing but the
card: reading a digit is learned first, finding it among others afterwards.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy

from visualizer.demo.digits_vit import WEIGHTS, DigitsViT
from visualizer.demo.scenes import DIGITS_IN_A_SCENE, Scenes, draw_scenes, load_digits

BATCH = 64
PEAK_RATE = 2e-3
CARD_ALONE = 0.25  # this share of the steps shows the card without distractors


def main() -> None:
    """Train, report the accuracy on held-back digits, write the weights."""
    options = _options()
    torch.manual_seed(options.seed)
    model = DigitsViT()
    train(model, _batches(options.steps, options.seed), options.steps)
    print(f"accuracy on 1,000 scenes of held-back digits: {accuracy(model, options.seed + 1):.3f}")
    write(model, options.out)
    print(f"wrote {options.out} ({options.out.stat().st_size / 1e3:.0f} kB)")


def train(model: DigitsViT, batches: Iterator[Scenes], steps: int) -> None:
    """Minimise the cross entropy of the card's digit, with one rise and fall of the learning rate."""
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.15)
    columns = (
        TextColumn("training, loss {task.fields[loss]:.3f}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("", total=steps, loss=float("nan"))
        for scenes in batches:
            loss = cross_entropy(model(torch.from_numpy(scenes.images)), torch.from_numpy(scenes.labels))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            progress.update(task, advance=1, loss=loss.item())


@torch.no_grad()
def accuracy(model: DigitsViT, seed: int) -> float:
    """Return the share of right answers on 1,000 scenes of held-back digits, in [0, 1]."""
    scenes = draw_scenes(*load_digits(held_back=True), 1000, np.random.default_rng(seed))
    return float((model(torch.from_numpy(scenes.images)).argmax(1).numpy() == scenes.labels).mean())


def write(model: DigitsViT, path: Path) -> None:
    """Write the weights as float16, whole or not at all."""
    unfinished = path.with_name(path.name + ".part")
    save_file({name: weight.half().contiguous() for name, weight in model.state_dict().items()}, unfinished)
    unfinished.replace(path)


def _batches(steps: int, seed: int) -> Iterator[Scenes]:
    digits, classes = load_digits(held_back=False)
    rng = np.random.default_rng(seed)
    for step in range(steps):
        shown = 1 if step < CARD_ALONE * steps else DIGITS_IN_A_SCENE
        yield draw_scenes(digits, classes, BATCH, rng, shown)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the weights (default: in the package)")
    parser.add_argument("--steps", type=int, default=3000, help="batches of 64 scenes (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and scenes (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
