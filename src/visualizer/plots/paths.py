"""What layers are called beside a picture, where their paths are long."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 18  # characters of a layer's path that are shown


def layer_names(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what layers are called beside a picture, and a sentence on what all their paths share.

    Examples
    --------
    >>> layer_names(["model.layers.0.self_attn.attention", "model.layers.1.self_attn.attention"])
    (['0', '1'], ['Layers are model.layers.*.self_attn.attention.'])
    """
    if max(map(len, paths)) <= LONGEST:
        return [path or "the model" for path in paths], []
    parts = [path.split(".") for path in paths]
    before, after = _shared(parts), _shared([one[::-1] for one in parts])
    names = [".".join(one[before : len(one) - after]) for one in parts]
    if not before + after or not all(names):
        ends = [path if len(path) <= LONGEST else "…" + path[1 - LONGEST :] for path in paths]
        return ends if len(set(ends)) == len(set(paths)) else list(paths), []
    shared = ".".join([*parts[0][:before], "*", *parts[0][len(parts[0]) - after :]])
    return names, [f"Layers are {shared}."]


def _shared(parts: Sequence[Sequence[str]]) -> int:
    """Return how many parts all begin with."""
    same = [len(set(each)) == 1 for each in zip(*parts, strict=False)]
    return [*same, False].index(False)
