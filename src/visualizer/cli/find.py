"""``visualizer find``: what could be captured of a model, what not, and why."""

from __future__ import annotations

import visualizer
from visualizer.cli.choices import (
    Arrays,
    Device,
    Dtype,
    Image,
    Json,
    Model,
    Random,
    TextPair,
    TextToRead,
    Weights,
)
from visualizer.cli.feeding import fed
from visualizer.cli.inputs import Given
from visualizer.cli.models import Wanted
from visualizer.cli.showing import print_json, show

EXAMPLES = """Examples:

  visualizer find hf:google-bert/bert-base-uncased

  visualizer find timm:vit_tiny_patch16_224 --image photo.jpg

  visualizer find mypackage.models:build_vit --weights best.safetensors --random 1x3x224x224
"""


def find(  # noqa: PLR0913  each option is a parameter
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
    json: Json = False,
) -> None:
    """Run a model once and say which attention calls can be captured, which not, and why."""
    given = Given(text, text_pair, image, arrays, random)
    with fed(Wanted(model, weights, device, dtype), given) as feed:
        found = visualizer.find(feed.model, *feed.args, **feed.kwargs)
    if not json:
        show(repr(found))
        return
    taken = [{"path": path, "how": how, "shape": shape} for path, how, shape in found.taken]
    print_json({"taken": taken, "left": found.left, "refused": found.refused, "reason": found.reason})
