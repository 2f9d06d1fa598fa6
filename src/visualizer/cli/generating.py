"""Text that a model generates, each step of it recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from visualizer.cli.inputs import Feed
from visualizer.errors import ModelNotFoundError, OptionError


@dataclass(frozen=True)
class Generated:
    """What a model added to what it read.

    Attributes
    ----------
    ids
        The new tokens of the first row of the batch.
    text
        What they read; None where no tokenizer is known.
    """

    ids: list[int]
    text: str | None


def generating_class(library: Any, config: Any, name: str) -> Any:
    """Return the transformers class that a model was saved as, if that generates.

    Raises
    ------
    ModelNotFoundError
        If it does not: its files hold no trained head that names the next token.
    """
    saved = next(iter(getattr(config, "architectures", None) or ()), type(config).__name__)
    found = getattr(library, saved, None)
    if found is None or not getattr(found, "can_generate", lambda: False)():
        raise ModelNotFoundError(
            f"--generate was asked for, but {name} was saved as {saved}, which generates nothing: "
            "give a model such as a ...ForCausalLM or ...ForConditionalGeneration"
        )
    return found


def generated(feed: Feed, name: str, count: int) -> Generated:
    """Have a model go on, each token the likeliest one.

    Raises
    ------
    OptionError
        If it is a model of one's own that has no `generate`.
    """
    if not hasattr(feed.model, "generate"):
        raise OptionError(f"--generate was asked for, but {name} is a model without generate(): leave it out")
    found = feed.model.generate(*feed.args, **feed.kwargs, max_new_tokens=count, do_sample=False, num_beams=1)
    ids = _without(_prompt(feed), found[0].tolist())
    text = None if feed.tokenizer is None else feed.tokenizer.decode(ids, skip_special_tokens=True)
    return Generated(ids, text)


def _prompt(feed: Feed) -> list[int]:
    """Return the ids that a model goes on from: a decoder beside an encoder has its own."""
    given = [feed.kwargs.get(name) for name in ("decoder_input_ids", "input_ids")]
    prompt = next((one for one in [*given, *feed.args] if one is not None), None)
    return [] if prompt is None else prompt[0].tolist()


def _without(prompt: list[int], ids: list[int]) -> list[int]:
    """Return what was added: some models return the prompt with it, some do not."""
    return ids[len(prompt) :] if ids[: len(prompt)] == prompt else ids
