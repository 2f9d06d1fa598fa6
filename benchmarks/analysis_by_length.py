"""What measures of attention cost by length: `python benchmarks/analysis_by_length.py` (CPU).

Of one causal layer of 8 heads of 64 channels in float32, in fused forwards of the same length, and the peak
of memory above what was there before, as in `attention_by_length.py`. Rollout and relevance are of one token
and of one layer: a model of L layers takes L times as long; `cross_relevance` is of a layer of an encoder and
one of a decoder, `co_relevance` of two streams that look at one another once, for all their tokens: it forms
matrices, which do not fit at the longest. No map is formed.
"""

from __future__ import annotations

import argparse

import torch
from attention_by_length import CHANNELS, HEADS, LONG, Layer, cost, seconds

from visualizer import analysis
from visualizer.attention import AttentionMap, LowRank

WAYS = ("text", "image"), ("image", "text")
MEASURES = {
    "entropy": lambda a, _: analysis.entropy(a),
    "entropy, relative": lambda a, _: analysis.entropy(a, unit="relative"),
    "first_token": lambda a, _: analysis.first_token(a),
    "between_groups": lambda a, _: analysis.between_groups(a, {"a": slice(0, 100), "b": slice(100, None)}),
    "sinks": lambda a, _: analysis.sinks(a),
    "sink_mass": lambda a, _: analysis.sink_mass(a),
    "padding": lambda a, more: analysis.padding(a, more["valid"]),
    "previous_token": lambda a, _: analysis.previous_token(a),
    "distance": lambda a, _: analysis.distance(a),
    "same_token": lambda a, more: analysis.same_token(a, more["ids"]),
    "duplicate_token": lambda a, more: analysis.duplicate_token(a, more["ids"]),
    "induction": lambda a, more: analysis.induction(a, more["ids"]),
    "similarity": lambda a, _: analysis.similarity(a),
    "rollout": lambda a, _: analysis.rollout([a], -1),
    "rollout, max": lambda a, _: analysis.rollout([a], -1, fusion="max"),
    "rollout, 90 % discarded": lambda a, _: analysis.rollout([a], -1, discard=0.9),
    "value_weighted, received": lambda a, more: analysis.value_weighted(a, more["v"]).received(),
    "attention_times_gradient": lambda a, more: analysis.attention_times_gradient(a, more["gradient"], -1),
    "relevance": lambda a, more: analysis.relevance([a], [more["gradient"]], -1),
    "cross_relevance": lambda a, more: analysis.cross_relevance(*[([a], [more["gradient"]])] * 3, -1),
    "co_relevance": lambda a, more: analysis.co_relevance([[(*way, a, more["gradient"]) for way in WAYS]]),
    "differences": lambda a, more: analysis.differences(a, more["other"]),
}
FORMING = {"co_relevance"}  # N × N, some of them


def beside(length):
    """Return what measures take besides a map."""
    left, right = torch.randn(2, 1, HEADS, length, CHANNELS).unbind(0)
    return {
        "ids": analysis.repeated_tokens(50_000, length // 2)[0],
        "v": right,
        "valid": torch.arange(length)[None] < length * 9 // 10,
        "gradient": AttentionMap(LowRank(left, right)),
        "other": Layer(length, causal=True).captured(),
    }


def measure(length, names):
    """Return the costs of some measures at one length by name."""
    layer, more = Layer(length, causal=True), beside(length)
    a = layer.captured()
    rounds, forward = (1, seconds(layer)) if length >= LONG else (max(1, 2**13 // length), None)
    print(f"{length:,} tokens: a forward of {(forward or seconds(layer)) * 1000:,.0f} ms", flush=True)
    fitting = [name for name in names if name not in FORMING or length < LONG]
    return {name: cost(lambda read=MEASURES[name]: read(a, more), layer, rounds, forward) for name in fitting}


def cell(cost):
    return f"{cost.ratio:.1f} | {cost.peak / 1e6:,.0f} MB" if cost else "does not fit |"


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lengths", nargs="*", type=int, default=[1024, 8192, 32768])
    parser.add_argument("--only", nargs="+", default=list(MEASURES), choices=MEASURES, help="some measures")
    parser.add_argument("--quick", action="store_true", help="256 tokens: does it run?")
    options = parser.parse_args()
    lengths = [256] if options.quick else options.lengths
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with torch.no_grad():
        costs = {length: measure(length, options.only) for length in lengths}
    print(
        f"\n| | {' | '.join(f'{length:,} | peak' for length in lengths)} |\n|---{'|---' * 2 * len(lengths)}|"
    )
    for name in options.only:
        print(f"| {name} | {' | '.join(cell(costs[length].get(name)) for length in lengths)} |", flush=True)


if __name__ == "__main__":
    main()
