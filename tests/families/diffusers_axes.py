"""Runs in a process of its own: which keys of diffusers' models change with a part of the input, as JSON."""

import json

import torch
from diffusers import FluxTransformer2DModel, SD3Transformer2DModel, UNet2DConditionModel
from perturbing import moved_keys, record, unmixed, unspread

UNET = {
    **{"sample_size": 8, "block_out_channels": (16, 16), "layers_per_block": 1, "norm_num_groups": 4},
    **{"down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "cross_attention_dim": 16},
    **{"up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"), "attention_head_dim": 2},
}
JOINT = {
    **{"in_channels": 4, "num_layers": 2, "attention_head_dim": 8, "num_attention_heads": 2},
    **{"joint_attention_dim": 16, "pooled_projection_dim": 16},
}
SD3 = {
    **JOINT,
    **{"sample_size": 16, "patch_size": 2, "caption_projection_dim": 16, "out_channels": 4},
    "dual_attention_layers": (0,),
}
FLUX = {**JOINT, "patch_size": 1, "num_layers": 1, "num_single_layers": 1, "axes_dims_rope": (2, 2, 4)}
PROMPT, POOLED = torch.randn(1, 7, 16).double(), torch.randn(1, 16).double()


def found(before, after):
    """By path: both axes in words, and the names of the keys that change."""
    return {
        path: (
            before.axis(path, "queries").arithmetic,
            before.axis(path).arithmetic,
            [before.axis(path).name(key) for _, key in moved_keys(before, after, path)],
        )
        for path in before.paths
    }


def unet():
    model, latent = unspread(unmixed(UNet2DConditionModel(**UNET))), torch.randn(1, 4, 8, 12).double()
    changed, words = latent.clone(), PROMPT.clone()
    changed[..., 2:4, 10:12] += 1  # one cell of the half as large maps
    words[:, 3] += 1
    return found(record(model, latent, 1, PROMPT), record(model, changed, 1, words))


def sd3():
    model, latent = unmixed(SD3Transformer2DModel(**SD3)), torch.randn(1, 4, 8, 12).double()
    changed = latent.clone()
    changed[..., 2:4, 10:12] += 1  # of patches of 2 × 2
    given = PROMPT, POOLED, torch.tensor([1.0]).double()
    return found(*(record(model, one, *given) for one in (latent, changed)))


def flux(order):
    """Cells in an order, as the model is told it."""
    model, latent = unmixed(FluxTransformer2DModel(**FLUX)), torch.randn(1, 24, 4).double()
    changed, places = latent.clone(), torch.zeros(4, 6, 3)
    changed[:, order.tolist().index(1 * 6 + 5)] += 1
    places[..., 1], places[..., 2] = torch.arange(4)[:, None], torch.arange(6)
    given = {"encoder_hidden_states": PROMPT, "pooled_projections": POOLED, "txt_ids": torch.zeros(7, 3)}
    given |= {"timestep": torch.tensor([1.0]).double(), "img_ids": places.reshape(-1, 3)[order]}
    return found(*(record(model, hidden_states=one, **given) for one in (latent, changed)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(
        json.dumps(
            {
                "unet": unet(),
                "sd3": sd3(),
                "flux": flux(torch.arange(24)),
                "shuffled": flux(torch.randperm(24)),
            }
        )
    )
