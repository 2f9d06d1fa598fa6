"""timm needs torchvision, whose build for another torch does not load: declare the operators it looks for."""

import sys

import torch

SIGNATURES = [
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, "
    "int sampling_ratio, bool aligned) -> Tensor",
]

try:
    import torchvision  # noqa: F401  whether it loads is the question
except RuntimeError:  # operator torchvision::nms does not exist
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")  # lives as long as this module
    for signature in SIGNATURES:
        library.define(signature)
