"""What `get_local` costs, as a multiple of the same thing without it: `python benchmarks/get_local_cost.py`.

In each round every way is timed right after the plain one, and the median of the rounds' ratios is printed:
a busy machine slows both alike. The second table, a vision transformer, needs torch.
"""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Callable
from functools import partial
from statistics import median
from timeit import repeat, timeit
from typing import NamedTuple

from visualizer.classic import get_local
from visualizer.instrument.switch import install, remove
from visualizer.instrument.taps import final_tap


class Way(NamedTuple):
    """A way of running a function, and how to get there from plain and back."""

    name: str
    switch_on: Callable[[], None]
    switch_off: Callable[[], None]


def make():
    """Return a function that does next to nothing; each has the same code object."""

    def function(x):
        a = x * 2
        return a + 1

    return function


def nothing():
    pass


def drop(value):
    pass


def stop():
    get_local.deactivate()
    get_local.clear()


INACTIVE = Way("inactive: the same code object", nothing, nothing)


def ways(function, name):
    """Ask for a local of a function, and return the ways of running it."""
    code = function.__code__
    get_local(name)(function)
    assert function.__code__ is code
    tap = final_tap(function, name, drop)
    return [
        Way("active, each value dropped", partial(install, function, tap), partial(remove, function, tap)),
        *(
            Way(f'active, `keep="{keep}"`', partial(get_local.activate, keep=keep), stop)
            for keep in ("reference", "tensor", "numpy")
        ),
        Way("deactivated again", nothing, nothing),
    ]


def compare(title, ways, time_plain, time_recorded, rounds):
    """Print each way's median ratio to the plain run just before it."""
    ratios = {way.name: [] for way in ways}
    seconds = []
    for _ in range(rounds):
        for way in ways:
            seconds.append(time_plain())
            way.switch_on()
            ratios[way.name].append(time_recorded() / seconds[-1])
            way.switch_off()
    print(f"| {title}: {median(seconds) * 1e9:,.0f} ns | × 1 |\n|---|---|")
    for name, found in ratios.items():
        print(f"| {name} | × {median(found):.2f} |")
    print()


def compare_function():
    """Time the worst case: a function that does next to nothing, with a number to record."""
    plain, recorded, number = make(), make(), 4_000

    def seconds(function):  # the shortest, since whatever else runs can only add
        return min(repeat("f(3)", globals={"f": function}, number=number, repeat=9)) / number

    time_plain, time_recorded = partial(seconds, plain), partial(seconds, recorded)
    asked = ways(recorded, "a")
    compare("A function call", [INACTIVE], time_plain, time_recorded, 31)
    compare("The same", asked, time_plain, time_recorded, 31)


def compare_model():
    """Time the usual case: the attention maps of every layer."""
    import torch

    from visualizer.demo.digits_vit import Attention, DigitsViT

    torch.set_num_threads(1)
    model, scenes = DigitsViT(channels=192, heads=3, layers=12).eval(), torch.rand(8, 48, 80)

    @torch.inference_mode()
    def seconds():
        return timeit(lambda: model(scenes), number=2) / 2

    seconds()
    asked = ways(Attention.forward, "attn")
    compare("A forward of 12 layers", [INACTIVE, *asked], seconds, seconds, 31)


if __name__ == "__main__":
    print(f"CPython {platform.python_version()}\n")
    compare_function()
    if importlib.util.find_spec("torch"):
        compare_model()
