"""What reading a map costs by length: `python benchmarks/attention_by_length.py` (CPU).

One layer of 8 heads of 64 channels in float32. The unit is one fused forward of the same length, in CPU time
of one thread, which a busy machine disturbs least; it is timed right before (from 32,768 tokens on, where it
takes minutes, once for all). Up to 4,096 tokens each number is the median of 7 rounds. Memory is its peak
above what was there before. The map is formed as long as two arrays of N × N fit into half of the free
memory.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from statistics import median
from typing import NamedTuple

import torch
from compared.memory import peak_of
from torch.nn import functional

import visualizer
from visualizer.memory import free_bytes

HEADS, CHANNELS = 8, 64
LONG = 2**15
READOUTS = {
    "row": lambda attention: attention.row(attention.shape[-2] // 2),
    "pool(64)": lambda attention: attention.pool(64),
    "pool(256)": lambda attention: attention.pool(256),
    "entropy": lambda attention: attention.entropy(),
    "received": lambda attention: attention.received(),
    "topk(8)": lambda attention: attention.topk(8),
}


class Layer(torch.nn.Module):
    """Fused attention and nothing else."""

    def __init__(self, length, causal):
        super().__init__()
        self.factors, self.causal = torch.randn(3, 1, HEADS, length, CHANNELS).unbind(0), causal

    def forward(self):
        """Return the output (1, head, query, channel)."""
        return functional.scaled_dot_product_attention(*self.factors, is_causal=self.causal)

    def captured(self):
        """Return the layer's map."""
        with visualizer.capture(self) as run:
            self()
        return run[""]

    def eager(self):
        """Return the map as an array."""
        q, k, _ = self.factors
        logits = q @ k.transpose(-2, -1) * CHANNELS**-0.5
        if self.causal:
            logits.masked_fill_(torch.ones(logits.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)
        return logits.softmax(-1)


def seconds(function):
    begun = time.process_time()
    function()
    return time.process_time() - begun


def readings(layer, length):
    """Return what is timed, by name; the eager way is None where it does not fit."""
    attention = layer.captured()
    fits = 2 * 4 * HEADS * length**2 < free_bytes() / 2
    return {
        "capture": layer.captured,
        **{name: lambda read=read: read(attention) for name, read in READOUTS.items()},
        "eager, N × N": layer.eager if fits else None,
    }


class Cost(NamedTuple):
    """Time in fused forwards, and the peak of memory in bytes."""

    ratio: float
    peak: float


def cost(read, layer, rounds, forward):
    """Measure one reading; the first round watches memory too. A forward that is given is not timed again."""
    forward = forward or seconds(layer)
    taken, peak = peak_of(partial(seconds, read))
    ratios = [taken / forward]
    for _ in range(rounds - 1):
        forward = seconds(layer)
        ratios.append(seconds(read) / forward)
    return Cost(median(ratios), peak)


def measure(length, causal):
    """Return the seconds of one forward, and the costs of a forward and of each reading by name."""
    layer, rounds = Layer(length, causal), max(1, min(7, 2**14 // length * 2 - 1))
    seconds(Layer(1024, causal))  # what is done once is not what is measured
    forward = median(seconds(layer) for _ in range(rounds))
    runs = {"forward": layer, **readings(layer, length)}
    known = forward if length >= LONG else None
    return forward, {name: run and cost(run, layer, rounds, known) for name, run in runs.items()}


def table(title, lengths, costs, cell):
    """Print one row for each length."""
    names = list(costs[lengths[0]])
    print(f"\n| {title} | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for length in lengths:
        cells = (cell(costs[length][name]) if costs[length][name] else "does not fit" for name in names)
        print(f"| {length:,} | {' | '.join(cells)} |", flush=True)


def compare(lengths, causal):
    """Print the times and the peaks of memory."""
    costs = {}
    for length in lengths:
        forward, costs[length] = measure(length, causal)
        print(f"{length:,} tokens: a forward of {forward * 1000:,.0f} ms", flush=True)
    kind = "causal" if causal else "full"
    table(f"{kind}, in fused forwards (CPU)", lengths, costs, lambda cost: f"{cost.ratio:.2f}")
    table(f"{kind}, peak memory (CPU)", lengths, costs, lambda cost: f"{cost.peak / 1e6:,.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shortest", type=int, default=1024)
    parser.add_argument("--longest", type=int, default=16384, help="65536 takes hours on two cores")
    parser.add_argument("--kind", choices=["full", "causal"], help="only one of the two tables")
    parser.add_argument("--quick", action="store_true", help="256 tokens: does it run?")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    lengths = [2**power for power in range(30) if options.shortest <= 2**power <= options.longest]
    print(f"torch {torch.__version__}, CPU, one thread")
    with torch.no_grad():
        for causal in {"full": [False], "causal": [True], None: [False, True]}[options.kind]:
            compare([256] if options.quick else lengths, causal)


if __name__ == "__main__":
    main()
