"""Which maps point at what a model rests on: `python benchmarks/faithfulness.py` (CPU, two minutes).

The demo's vision transformer names the digit on the card. Where a method's weights lie on the patches is
compared with the card: the share of the weights' mass on it, and whether the largest lies on it (pointing
game). Then patches are made as dark as the ground, the most or the least weighted first, and the
probability of the answer is followed: the area under its curve should be small for the most weighted
(positive), large for the least (negative).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

import visualizer as viz
from visualizer import analysis
from visualizer.demo.digits_vit import load_digits_vit
from visualizer.demo.scenes import CARD, GRID, PATCH, SIZE, draw_held_back_scenes


def methods(model, images, rng):
    """Return weights (scene, patch) by method, each of the answer that the model gives."""
    images = torch.from_numpy(images).requires_grad_()
    with viz.capture(model, gradients=True, values=True) as run:
        logits = model(images)
    answers = logits.argmax(-1)
    score = logits[torch.arange(len(images)), answers].sum()
    gradients = run.gradients(score)
    (of_pixels,) = torch.autograd.grad(score, images, retain_graph=True)
    last, slope = run[len(run) - 1], gradients[len(run) - 1]
    of_cls = {
        "last layer, heads' mean": last.map.heads().numpy()[:, 0, 0],
        "all layers' mean": np.mean([call.map.heads().numpy()[:, 0, 0] for call in run], 0),
        "rollout": analysis.rollout(run, 0),
        "rollout, max, 90 % discarded": analysis.rollout(run, 0, fusion="max", discard=0.9),
        "last layer, attention × gradient": analysis.attention_times_gradient(last, slope, 0),
        "relevance": analysis.relevance(run, gradients, 0),
    }
    of_patches = {
        "gradient": patched(of_pixels.abs()),
        "gradient × input": patched((of_pixels * images.detach()).abs()),
        "random": torch.from_numpy(rng.random((len(images), GRID[0] * GRID[1]))),
    }
    found = {name: weights[:, 1:] for name, weights in of_cls.items()}
    return found | {name: weights.numpy() for name, weights in of_patches.items()}, answers


def patched(pixels):
    """Return the sum over each patch, (scene, patch)."""
    cells = pixels.unflatten(1, (GRID[0], PATCH)).unflatten(3, (GRID[1], PATCH))
    return cells.sum((2, 4)).flatten(1)


def probability(model, images, answers, left):
    """Return the probability of each answer where only some patches are left, (scene,)."""
    mask = np.repeat(np.repeat(left.reshape(-1, *GRID), PATCH, 1), PATCH, 2)
    with torch.no_grad():
        shares = model(torch.from_numpy(images * mask)).softmax(-1)
    return shares[torch.arange(len(images)), answers]


def measured(model, scenes, weights, answers):
    """Return mass on the card, pointing game, and both areas, averaged over the scenes."""
    cells = weights.reshape(-1, *GRID)
    boxes = [(left, top, CARD, CARD) for top, left in scenes.corners]
    mass = [analysis.mass_inside(one, box, SIZE) for one, box in zip(cells, boxes, strict=True)]
    hits = [analysis.pointing(one, box, SIZE) for one, box in zip(cells, boxes, strict=True)]
    areas = [
        analysis.perturbation(
            weights, lambda left: probability(model, scenes.images, answers, left), most=most
        ).area.mean()
        for most in (True, False)
    ]
    return [np.mean(mass), np.mean(hits), *areas]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=200, help="how many scenes of held-back digits")
    count = parser.parse_args().scenes
    model, scenes = load_digits_vit(), draw_held_back_scenes(count, seed=0)
    weights, answers = methods(model, scenes.images, np.random.default_rng(0))
    share = CARD**2 / (SIZE[0] * SIZE[1])
    right = (answers.numpy() == scenes.labels).mean()
    print(f"{count} scenes; the card is {share:.3f} of a scene; {right:.3f} of the answers are right")
    print("| weights | mass on the card | pointing game | positive area | negative area |")
    print("|---|---|---|---|---|")
    for name, one in weights.items():
        numbers = measured(model, scenes, one, answers)
        print(f"| {name} | {' | '.join(f'{number:.3f}' for number in numbers)} |", flush=True)


if __name__ == "__main__":
    main()
