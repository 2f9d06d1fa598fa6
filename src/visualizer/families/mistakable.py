"""Tokens that are no cells of an image, though they may be as many: ids that were read, learned queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from visualizer.families.layouts import Given, reads

READ = "ids that embeddings were given"
LEARNED = ("quer", "latent", "slot")
"""In names of parameters and embeddings that are tokens themselves."""
POSITIONS = "pos"
"""In names of embeddings that are given the numbers of tokens."""


@reads("torch", "Embedding")
def embedding(module: Any, given: Given) -> None:
    """Keep how many ids (batch, token) are looked up."""
    shape = getattr(given.get("input"), "shape", ())
    given.memory.setdefault(READ, {})[id(module)] = tuple(shape)


def read_lengths(read: Mapping[str, tuple[int, ...]], batch: int) -> Iterator[tuple[str, int]]:
    """Yield what ids were read in a batch, by path of the embedding, and how many each row has."""
    for path, shape in read.items():
        if len(shape) == 2 and shape[0] == batch and POSITIONS not in path.rpartition(".")[2].lower():
            yield path, shape[1]


def learned_lengths(modules: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the parameters that are tokens, as they are named, and how many these are."""
    for path, module in modules.items():
        for name, weight in module.named_parameters(recurse=False):
            named = path.rpartition(".")[2] if type(module).__name__ == "Embedding" else name
            if weight.dim() > 1 and any(word in named.lower() for word in LEARNED):
                yield f"{path}.{name}".lstrip("."), int(weight.shape[-2])
