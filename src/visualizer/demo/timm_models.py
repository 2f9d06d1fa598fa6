"""Vision transformers of the timm library: loaded, their attention not fused, given an image to read."""

from __future__ import annotations

import difflib
from importlib.metadata import version
from typing import Any

from visualizer.demo.attention import record_attention
from visualizer.demo.images import as_seen, fit_grid, load_image
from visualizer.demo.readings import Given, ImageReading
from visualizer.demo.sources import check_hub, first_sentence, local_folder
from visualizer.errors import MissingExtraError, ModelNotFoundError


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
    timm = _timm()
    model = _load(timm, _source(timm, name)).eval()
    for part in model.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False  # a fused kernel has no map to record
    settings = timm.data.resolve_model_data_config(model)
    pixels = timm.data.create_transform(**settings, is_training=False)(load_image(given.image))[None]
    maps = record_attention(model, pixels)
    grid = getattr(getattr(model, "patch_embed", None), "grid_size", None)
    image = as_seen(pixels, settings["mean"], settings["std"])
    return ImageReading(name, maps, image, *fit_grid(maps, grid))


def _timm() -> Any:
    try:
        import timm
        import timm.data
    except ModuleNotFoundError as error:
        keep = (
            f"'torch=={version('torch').partition('+')[0]}'"  # or pip may bring another torch for torchvision
        )
        message = f"--model timm: needs {error.name}, which is not installed: pip install timm {keep}"
        raise MissingExtraError(message, name=error.name) from None
    except Exception as error:  # what a broken package raises is open
        message = f"--model timm: needs timm, which is installed but does not load ({first_sentence(error)})"
        remedy = "often its torchvision was made for another torch: install the two together"
        raise MissingExtraError(f"{message}: {remedy}", name="timm") from error
    return timm


def _source(timm: Any, name: str) -> str:
    """Return what timm's own loader calls a model, once it is sure to be there."""
    if timm.is_model(name):
        trained = timm.models.get_pretrained_cfg(name)
        if trained is None or not trained.hf_hub_id:
            raise ModelNotFoundError(f"timm has no trained weights for {name!r}")
        check_hub(trained.hf_hub_id, "timm")
        return name
    folder = local_folder(name)
    if folder is not None:
        return f"local-dir:{folder}"
    if "/" not in name:
        near = difflib.get_close_matches(name, timm.list_models())
        hint = f"; near it are {', '.join(near)}" if near else ""
        raise ModelNotFoundError(f"timm {timm.__version__} has no model {name!r}{hint}")
    check_hub(name, "timm")
    return f"hf-hub:{name}"


def _load(timm: Any, source: str) -> Any:
    try:
        return timm.create_model(source, pretrained=True)
    except Exception as error:  # whatever is wrong with the files, timm words it
        raise ModelNotFoundError(f"timm could not load {source}: {first_sentence(error)}") from error
