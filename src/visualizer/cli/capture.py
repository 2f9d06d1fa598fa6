"""``visualizer capture``: a model's attention on one input."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

import visualizer
from visualizer.cli.choices import (
    Arrays,
    Budget,
    Device,
    Dtype,
    Image,
    Inputs,
    Json,
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
from visualizer.cli.generating import generated
from visualizer.cli.inputs import Given, label
from visualizer.cli.models import Wanted
from visualizer.cli.runs import check_free
from visualizer.cli.showing import print_json, show
from visualizer.cli.summaries import summary
from visualizer.escaping import visible

EXAMPLES = """Examples:

  visualizer capture hf:google-bert/bert-base-uncased --text "The bank." -o run.zarr --inputs

  visualizer capture hf:openai-community/gpt2 --text "The bank" --generate 8 --device cuda

  visualizer capture timm:vit_tiny_patch16_224 --image photo.jpg --modules "*.11.*"

  visualizer capture mypackage.models:build_vit --weights best.safetensors --input batch.npz
"""


def capture(  # noqa: PLR0913  each option is a parameter
    model: Model,
    *,
    weights: Weights = None,
    device: Device = None,
    dtype: Dtype = None,
    text: TextToRead = None,
    text_pair: TextPair = None,
    image: Image = None,
    arrays: Arrays = None,
    random: Random = None,
    generate: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Have the model add as many tokens, recorded step by step."),
    ] = None,
    modules: Modules = None,
    queries: Queries = None,
    budget: Budget = None,
    out: Out = None,
    inputs: Inputs = False,
    json: Json = False,
) -> None:
    """Run a model on one input, and record its attention."""
    check_free(out)
    given = Given(text, text_pair, image, arrays, random)
    stored: dict[str, Any] = {} if out is None else {"path": out, "inputs": inputs}
    options: dict[str, Any] = {"modules": modules or None, "queries": queries, "budget": budget, **stored}
    wanted, added = Wanted(model, weights, device, dtype, generate is not None), None
    with fed(wanted, given) as feed, visualizer.capture(feed.model, **options) as run:
        if generate is None:
            feed.model(*feed.args, **feed.kwargs)
        else:
            added = generated(feed, model, generate)
        label(run, feed)
    if json:
        print_json({"run": out, "generated": added and asdict(added), **summary(run)})
        return
    show(repr(run))
    if added is not None:
        show(f"generated: {visible(added.text or str(added.ids))}")
