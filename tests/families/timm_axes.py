"""Runs in a process of its own: where the tokens lie that change with one part of the image, as JSON."""

import json
from functools import partial

import timm
import torch
from perturbing import places_of_moved_keys, record, unmixed, unspread
from torchvision.models import swin_transformer, vision_transformer

SMALL = {"embed_dim": 16, "depth": 2, "num_heads": 2, "num_classes": 0}
WIDE = {"img_size": (32, 48), "patch_size": 8, **SMALL}
SWIN = {"img_size": (64, 96), "embed_dim": 16, "depths": (2, 2), "num_heads": (2, 2), "num_classes": 0}
MODELS = {
    "vit_tiny_patch16_224": WIDE,
    "vit_base_patch16_224 of any size": {**WIDE, "dynamic_img_size": True},
    "vit_base_patch16_siglip_224": {**WIDE, "num_heads": 2},
    "vit_relpos_small_patch16_224": WIDE,
    "deit_tiny_distilled_patch16_224": WIDE,
    "vit_small_patch14_reg4_dinov2": WIDE,
    "eva02_tiny_patch14_224": WIDE,
    "vit_small_patch16_dinov3": WIDE,
    "beit_base_patch16_224": WIDE,
    "cait_xxs24_224": {**WIDE, "depth_token_only": 1},
    "swin_tiny_patch4_window7_224": {**SWIN, "window_size": 4},
    "swinv2_tiny_window8_256": {**SWIN, "window_size": 4},
    "swin_tiny_patch4_window7_224 that is filled up": {**SWIN, "img_size": (56, 72), "window_size": 4},
    "swinv2_tiny_window8_256 of any size": {**SWIN, "window_size": 4, "strict_img_size": False},
    "swin_tiny_patch4_window7_224 of any size": {**SWIN, "window_size": 4, "strict_img_size": False},
    "samvit_base_patch16_224": {
        **{**WIDE, "img_size": (64, 96), "window_size": 3},
        "global_attn_indexes": (1,),
    },
    "torchvision's swin": {"img_size": (56, 72)},
    "torchvision's swin v2": {"img_size": (56, 72)},
    "torchvision's vit": {"img_size": (32, 32)},
    "pvt_v2_b1": {"img_size": (64, 96), "num_classes": 0},
    "pvt_v2_b2_li": {"img_size": (224, 448), "num_classes": 0},
    "test_maxvit": {"img_size": (64, 96), "num_classes": 0},
    "mvitv2_tiny": {"img_size": 64, "num_classes": 0},
    "vit_base_patch16_224 that is filled up": {**WIDE, "dynamic_img_size": True, "dynamic_img_pad": True},
    "mobilevit_xxs": {"img_size": (128, 192), "features_only": True, "out_indices": (3,)},
    "coat_tiny": {"img_size": (64, 96), "num_classes": 0},
    "hiera_tiny_224": {"img_size": (64, 96), "num_classes": 0},
}
SWIN_TV = {
    "patch_size": [4, 4],
    "embed_dim": 16,
    "depths": [2, 2],
    "num_heads": [2, 2],
    "window_size": [4, 4],
}
VIT_TV = {"image_size": 32, "patch_size": 8, "num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 16}
SECOND = {
    "block": swin_transformer.SwinTransformerBlockV2,
    "downsample_layer": swin_transformer.PatchMergingV2,
}
TORCHVISION = {
    "torchvision's swin": partial(swin_transformer.SwinTransformer, **SWIN_TV),
    "torchvision's swin v2": partial(swin_transformer.SwinTransformer, **SWIN_TV, **SECOND),
    "torchvision's vit": partial(vision_transformer.VisionTransformer, **VIT_TV),
}
PARTS = {  # (x, y, width, height) of what is changed; else one patch of 8
    "pvt_v2_b1": (64, 32, 32, 32),
    "pvt_v2_b2_li": (128, 96, 64, 32),
    "test_maxvit": (88, 40, 4, 4),
    "mvitv2_tiny": (32, 48, 16, 16),
    "vit_base_patch16_224 that is filled up": (40, 24, 4, 3),  # what there is of the last patch
    "mobilevit_xxs": (128, 64, 32, 32),
    "coat_tiny": (64, 32, 32, 32),
    "hiera_tiny_224": (64, 32, 32, 32),
}
ONLY = {"hiera_tiny_224": "blocks.[4-9]*,blocks.1?.attn".split(",")}  # those before attend within units
TOLD = ["xcit_nano_12_p8_224"]


def outcome(name):
    torch.manual_seed(0)
    kwargs = dict(MODELS[name])
    height, width = kwargs["img_size"] if isinstance(kwargs["img_size"], tuple) else [kwargs["img_size"]] * 2
    if name.startswith(("pvt", "mobilevit")):
        kwargs.pop("img_size")
    make = partial(timm.create_model, name.partition(" ")[0], **kwargs)
    model = unspread(unmixed(TORCHVISION.get(name, make)()))
    if name.endswith("of any size"):
        height, width = (40, 24) if "vit" in name else (56, 72)
    elif name.startswith("vit") and name.endswith("that is filled up"):
        height, width = 27, 44
    image = torch.randn(2, 3, height, width, dtype=torch.float64)
    part = PARTS.get(name, (width - 8, height - 16, 8, 8))
    return {"part": part, "found": places_of_moved_keys(model, image, part, modules=ONLY.get(name))}


def told(name):
    model = timm.create_model(name, num_classes=0).eval()
    return record(model, torch.randn(1, 3, 224, 224)).remarks()


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({**{name: outcome(name) for name in MODELS}, **{name: told(name) for name in TOLD}}))
