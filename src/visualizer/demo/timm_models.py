"""Vision transformers of the timm library: loaded, their attention not fused, given an image to read."""

from __future__ import annotations

from visualizer.demo.attention import record_attention
from visualizer.demo.images import as_seen, fit_grid, load_image
from visualizer.demo.readings import Given, ImageReading
from visualizer.loading.timm_models import load, source_of, timm_library


def read_with_timm(name: str, given: Given) -> ImageReading:
    """Let a timm model read the given image.

    Parameters
    ----------
    name
        A local folder as `timm.models.save_for_hf` writes it, a name of timm's (``vit_tiny_patch16_224``), or
        a repository on the hub (``timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k``).
    given
        What it reads; a scene of digits where no image is given.

    Raises
    ------
    MissingExtraError
        If timm is not installed, or does not load.
    ModelNotFoundError
        If the model cannot be loaded.
    TargetError
        If none of its parts holds attention maps.
    VisualizerError
        If the image cannot be read.
    """
    timm = timm_library()
    model = load(timm, source_of(timm, name)).eval()
    for part in model.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False  # a fused kernel has no map to record
    settings = timm.data.resolve_model_data_config(model)
    pixels = timm.data.create_transform(**settings, is_training=False)(load_image(given.image))[None]
    maps = record_attention(model, pixels)
    grid = getattr(getattr(model, "patch_embed", None), "grid_size", None)
    image = as_seen(pixels, settings["mean"], settings["std"])
    return ImageReading(name, maps, image, *fit_grid(maps, grid))
