"""Ways to all attention maps of a model: this package, and what people use otherwise.

Each takes a `Subject` and returns a function that runs the model once and returns a list with each layer's
map, or None where it does not apply. Whatever stays on a model is put on a copy of it.
"""

from __future__ import annotations

import copy
from functools import partial

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

import visualizer

SOFTMAXES = {functional.softmax, torch.softmax, torch.Tensor.softmax}


def formed(  # noqa: PLR0913, PLR0917  # the arguments of the function that it stands for
    query,
    key,
    _value,
    attn_mask=None,
    dropout_p=0.0,  # noqa: ARG001
    is_causal=False,
    scale=None,
):
    """Return the map of `scaled_dot_product_attention` with these arguments, formed a second time."""
    logits = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        logits = logits.masked_fill(torch.ones(logits.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)
    if attn_mask is not None:
        boolean = attn_mask.dtype == torch.bool
        logits = logits.masked_fill(~attn_mask, -torch.inf) if boolean else logits + attn_mask
    return logits.softmax(-1)


def formed_in_transformers(module, query, key, value, mask, *, scaling=None, **_):  # noqa: PLR0913
    """Return the map of transformers' attention interface with these arguments, formed a second time."""
    causal = module.is_causal and mask is None
    return formed(query, key, value, mask, is_causal=causal, scale=scaling)


def capture(subject, **options):
    def run():
        with visualizer.capture(subject.model, **options) as run:
            subject.plain()
        return run

    return run


class Softmaxes(TorchFunctionMode):
    """The hook that people write: softmaxes kept, maps of fused calls formed a second time."""

    def __init__(self):
        super().__init__()
        self.maps = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function in SOFTMAXES:
            self.maps.append(result.detach())
        elif function is functional.scaled_dot_product_attention:
            self.maps.append(formed(*args, **(kwargs or {})))
        return result


def function_mode(subject):
    def run():
        with Softmaxes() as mode:
            subject.plain()
        return mode.maps

    return run


def _eager(subject):
    """Return a copy whose model forms its maps."""
    model = copy.deepcopy(subject.model)
    if hasattr(model, "set_attn_implementation"):
        model.set_attn_implementation("eager")
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False
    return subject._replace(model=model)


def module_hooks(subject):
    if subject.droppings is None:
        return None
    subject = _eager(subject)

    def run():
        maps = []
        modules = subject.droppings(subject.model)
        handles = [
            module.register_forward_hook(lambda _module, given, _result: maps.append(given[0].detach()))
            for module in modules
        ]
        subject.plain()
        for handle in handles:
            handle.remove()
        return maps

    return run


def output_attentions(subject):
    if not hasattr(subject.model, "set_attn_implementation"):
        return None
    subject = _eager(subject)
    subject.options["output_attentions"] = True
    return lambda: list(subject.plain().attentions)


def by_nnsight(subject):
    from nnsight import NNsight, save

    wrapped = NNsight(copy.deepcopy(subject.model))

    def run():
        with wrapped.trace(*subject.inputs, **subject.options):
            maps = save([])
            for source in subject.sources(wrapped):
                maps.append(_at(source))
        return list(maps)

    return run


def _at(source):
    if "softmax" in source.name:
        return source.output
    args, kwargs = source.inputs
    return (formed_in_transformers if "interface" in source.name else formed)(*args, **kwargs)


def by_transformer_lens(subject):
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    if not subject.bridge:
        return None
    model = _eager(subject).model
    bridge = build_bridge_from_module(model, subject.bridge, hf_config=model.config)

    def run():
        chosen = {"names_filter": lambda name: name.endswith("hook_pattern"), **subject.options}
        return list(bridge.run_with_cache(*subject.inputs, **chosen)[1].values())

    return run


def by_torchlens(subject):
    import torchlens

    subject = _eager(subject)
    capture = torchlens.options.CaptureOptions(unwrap_when_done=True)  # else all of torch stays wrapped
    chosen = {"save": torchlens.func("softmax"), "capture": capture}

    def run():
        trace = torchlens.trace(subject.model, list(subject.inputs), subject.options, **chosen)
        return [op.out for layer in trace.layers for op in layer.ops if op.has_saved_activation]

    return run


WAYS = {
    "capture": capture,
    "capture, `check=False`": partial(capture, check=False),
    'capture, `keep="dense"`': partial(capture, keep="dense"),
    "a `TorchFunctionMode` by hand": function_mode,
    "eager, module hooks by hand": module_hooks,
    "transformers, eager, `output_attentions`": output_attentions,
    "nnsight": by_nnsight,
    "TransformerLens": by_transformer_lens,
    "torchlens": by_torchlens,
}
