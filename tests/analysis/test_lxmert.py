"""Relevance of two streams on a real LXMERT is what its authors' rules give on the model's own dense maps."""

import numpy as np
import torch
from tests.analysis.test_relevance import normalised, positive
from tests.sharpening import sharpened
from transformers import LxmertConfig, LxmertModel

import visualizer as viz
from visualizer import analysis

LAYERS = {"l_layers": 2, "r_layers": 1, "x_layers": 2}


def made():
    """Return a model and inputs: two texts, the second padded, and five objects of an image each."""
    torch.manual_seed(0)
    config = LxmertConfig(
        vocab_size=50,
        hidden_size=32,
        num_attention_heads=4,
        intermediate_size=32,
        visual_feat_dim=12,
        max_position_embeddings=16,
        **LAYERS,
    )
    model = sharpened(LxmertModel(config), ("query", "key"), 20)
    mask = torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
    image = {"visual_feats": torch.rand(2, 5, 12), "visual_pos": torch.rand(2, 5, 4)}
    return model, {"input_ids": torch.randint(3, 50, (2, 7)), "attention_mask": mask, **image}


def steps_of(run, gradients):
    """Return the steps of a run, in the order of execution: both directions of a layer together."""
    for layer in range(LAYERS["l_layers"]):
        path = f"encoder.layer.{layer}.attention.self"
        yield "text", "text", run[path], gradients[path]
    for layer in range(LAYERS["r_layers"]):
        path = f"encoder.r_layers.{layer}.attention.self"
        yield "image", "image", run[path], gradients[path]
    for layer in range(LAYERS["x_layers"]):
        path = f"encoder.x_layers.{layer}"
        both = zip(*(one.calls(f"{path}.visual_attention.att") for one in (run, gradients)), strict=True)
        ways = ("text", "image"), ("image", "text")
        yield [(*way, *pair) for way, pair in zip(ways, both, strict=True)]
        for stream, name in (("text", "lang"), ("image", "visn")):
            own = f"{path}.{name}_self_att.self"
            yield stream, stream, run[own], gradients[own]


def dense_of(model, inputs):
    """Return the model's own maps times their gradients by module, (call, batch, query, key)."""
    kept = {}

    def keep(path):
        def hook(_module, _inputs, output):
            output.retain_grad()
            kept.setdefault(path, []).append(output)

        return hook

    hooks = [
        module.register_forward_hook(keep(path.removesuffix(".dropout")))
        for path, module in model.named_modules()
        if path.endswith(("self.dropout", "att.dropout"))
    ]
    model(**inputs).pooled_output[:, 0].sum().backward()
    for hook in hooks:
        hook.remove()
    numpy = {
        path: [
            (a.detach().numpy(), (torch.zeros_like(a) if a.grad is None else a.grad).numpy()) for a in maps
        ]
        for path, maps in kept.items()
    }
    return {
        path: [[positive([a[b]], [g[b]])[0] for b in (0, 1)] for a, g in many] for path, many in numpy.items()
    }


def published(dense, b):
    """The rules in the order of the authors' code for this model, on whole matrices."""
    tt, ii, ti, it = np.eye(7), np.eye(5), np.zeros((7, 5)), np.zeros((5, 7))

    def a(path, call=0):
        return dense[f"encoder.{path}"][call][b]

    for layer in range(LAYERS["l_layers"]):
        tt, ti = tt + (own := a(f"layer.{layer}.attention.self")) @ tt, ti + own @ ti
    for layer in range(LAYERS["r_layers"]):
        ii, it = ii + (own := a(f"r_layers.{layer}.attention.self")) @ ii, it + own @ it
    for layer in range(LAYERS["x_layers"]):
        to_image, to_text = (a(f"x_layers.{layer}.visual_attention.att", call) for call in (0, 1))
        more_ti, more_tt = normalised(tt).T @ to_image @ normalised(ii), to_image @ it
        more_it, more_ii = normalised(ii).T @ to_text @ normalised(tt), to_text @ ti
        ti, tt, it, ii = ti + more_ti, tt + more_tt, it + more_it, ii + more_ii
        tt, ti = tt + (own := a(f"x_layers.{layer}.lang_self_att.self")) @ tt, ti + own @ ti
        ii, it = ii + (own := a(f"x_layers.{layer}.visn_self_att.self")) @ ii, it + own @ it
    return {("text", "text"): tt, ("text", "image"): ti, ("image", "image"): ii, ("image", "text"): it}


def test_two_streams_of_lxmert():
    model, inputs = made()
    with viz.capture(model, gradients=True) as run:
        score = model(**inputs).pooled_output[:, 0].sum()
    found = analysis.co_relevance(steps_of(run, run.gradients(score)))
    dense = dense_of(model, inputs)
    for b in (0, 1):
        for streams, expected in published(dense, b).items():
            np.testing.assert_allclose(found[streams][b], expected, rtol=1e-3, atol=1e-6)
    assert np.ptp(found["text", "image"][:, 0], -1).min() > 1e-4  # objects are told from one another
    assert not found["text", "text"][1, 0, 5:].any()  # of the padding nothing is read
