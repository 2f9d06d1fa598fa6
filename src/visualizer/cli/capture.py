"""``visualizer capture``: a model's attention on one input."""

from __future__ import annotations

from typing import Any

import typer

import visualizer
from visualizer.cli.choices import (
    Arrays,
    Budget,
    Image,
    Inputs,
    Model,
    Modules,
    Out,
    Queries,
    Random,
    TextPair,
    TextToRead,
    Weights,
)
from visualizer.cli.feeding import fed
from visualizer.cli.inputs import Given, label
from visualizer.cli.runs import check_free

EXAMPLES = """Examples:

  visualizer capture hf:google-bert/bert-base-uncased --text "The bank." -o run.zarr --inputs

  visualizer capture timm:vit_tiny_patch16_224 --image photo.jpg --modules "*.11.*"

  visualizer capture mypackage.models:build_vit --weights best.safetensors --input batch.npz
"""


def capture(  # noqa: PLR0913  each option is a parameter
    model: Model,
    *,
    weights: Weights = None,
    text: TextToRead = None,
    text_pair: TextPair = None,
    image: Image = None,
    arrays: Arrays = None,
    random: Random = None,
    modules: Modules = None,
    queries: Queries = None,
    budget: Budget = None,
    out: Out = None,
    inputs: Inputs = False,
) -> None:
    """Run a model on one input, and record its attention."""
    check_free(out)
    given = Given(text, text_pair, image, arrays, random)
    stored: dict[str, Any] = {} if out is None else {"path": out, "inputs": inputs}
    options: dict[str, Any] = {"modules": modules or None, "queries": queries, "budget": budget, **stored}
    with fed(model, weights, given) as feed, visualizer.capture(feed.model, **options) as run:
        feed.model(*feed.args, **feed.kwargs)
        label(run, feed)
    typer.echo(repr(run))
