"""What `capture` and other ways to every attention map cost: `python benchmarks/capture_cost.py` (CPU).

Each way is timed right after a plain forward, in an order that rotates from round to round, and the median of
the ratios is printed: CPU time of one thread, which a busy machine disturbs least. Memory is how much higher
its peak was than the plain forward's. `make bench` has the other tools installed into a folder of their own,
.venv/beside; by itself the script wants that folder in PYTHONPATH, and names the tools that it did not find.
"""

from __future__ import annotations

import argparse
import time
import warnings
from statistics import median

import torch
from compared.memory import peak_of
from compared.models import MODELS, QUICK, Size
from compared.ways import WAYS

SLOW = 3.0  # times the plain forward: timed in every third round only
TOLERANCE = 1e-4


def seconds(run):
    begun = time.process_time()
    run()
    return time.process_time() - begun


def maps_of(result):
    """Return each layer's map as a tensor, and the bytes that are held."""
    if hasattr(result, "paths"):  # a run
        return [call.map.tensor() for call in result], result.nbytes
    return result, sum(value.nbytes for value in result)


class Way:
    """A way that works, what it held, and its times as multiples of a plain forward."""

    def __init__(self, run, plain_peak):
        self.run, self.ratios = run, []
        result, added = peak_of(run)
        self.maps, self.held = maps_of(result)
        self.added = added - plain_peak

    def check(self, maps):
        """Make sure that what is compared did the same work."""
        assert len(self.maps) == len(maps), f"{len(self.maps)} maps, not {len(maps)}"
        worst = max(float((mine - other).abs().max()) for mine, other in zip(self.maps, maps, strict=True))
        assert worst < TOLERANCE, f"another map, by {worst}"
        self.maps = None

    def time(self, plain, number):
        """Time it once, right after a plain forward."""
        if number % 3 and self.ratios and self.ratios[0] > SLOW:
            return
        before = seconds(plain)
        self.ratios.append(seconds(self.run) / before)

    def cells(self, dense):
        """Return its row of the table."""
        ratios = sorted(self.ratios)
        middle = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
        spread = "–".join(f"{ratio:.2f}" for ratio in middle)
        return f"× {median(ratios):.2f} | {spread} | {self.added / 1e6:+,.0f} MB | {self.held / dense:.0%}"


def ways_of(subject):
    """Return the ways that apply by name, and why the others do not."""
    plain_peak = peak_of(subject.plain).added
    maps = maps_of(WAYS["capture"](subject)())[0]
    ways, missing = {}, {}
    for name, prepare in WAYS.items():
        try:
            run = prepare(subject)
        except ImportError as error:
            missing[name] = f"not installed ({error.name})"
            continue
        if run is None:
            missing[name] = "does not apply here"
            continue
        run()  # what is done once is not what is measured
        ways[name] = Way(run, plain_peak)
        ways[name].check(maps)
    return ways, missing, sum(one.nbytes for one in maps)


def compare(subject, rounds):
    """Print one model's table."""
    subject.plain()
    ways, missing, dense = ways_of(subject)
    plain, noise = [], []
    for number in range(rounds):
        names = list(ways)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            ways[name].time(subject.plain, number)
        plain.append(seconds(subject.plain))
        noise.append(seconds(subject.plain) / plain[-1])
    print(f"\n| {subject.name} (CPU) | time | middle half | peak memory | held, of the dense maps |")
    print(f"|---|---|---|---|---|\n| plain forward | {median(plain):.2f} s | | | |")
    print(f"| plain forward, again | × {median(noise):.2f} | {min(noise):.2f}–{max(noise):.2f} | | |")
    for name, way in ways.items():
        print(f"| {name} | {way.cells(dense)} |")
    for name, reason in missing.items():
        print(f"| {name} | {reason} | | | |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(MODELS), help=f"of {', '.join(MODELS)}")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="small models, one round: does it run?")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the other tools' own
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, CPU, one thread")
    for name in options.models:
        try:
            subject = MODELS[name](QUICK if options.quick else Size())
        except ImportError as error:
            print(f"\n{name}: not installed ({error.name})")
            continue
        with torch.no_grad():
            compare(subject, 1 if options.quick else options.rounds)


if __name__ == "__main__":
    main()
