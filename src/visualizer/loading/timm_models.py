"""Models of the timm library, from a folder, by its names or from the hub."""

from __future__ import annotations

import difflib
from importlib.metadata import version
from typing import Any

from visualizer.errors import MissingExtraError, ModelNotFoundError
from visualizer.loading.sources import check_hub, first_sentence, local_folder


def timm_library() -> Any:
    """Import timm.

    Raises
    ------
    MissingExtraError
        If it is not installed, or does not load.
    """
    try:
        import timm
        import timm.data
    except ModuleNotFoundError as error:
        keep = (
            f"'torch=={version('torch').partition('+')[0]}'"  # or pip may bring another torch for torchvision
        )
        message = f"A model of timm needs {error.name}, which is not installed: pip install timm {keep}"
        raise MissingExtraError(message, name=error.name) from None
    except Exception as error:  # what a broken package raises is open
        message = (
            f"A model of timm needs timm, which is installed but does not load ({first_sentence(error)})"
        )
        remedy = "often its torchvision was made for another torch: install the two together"
        raise MissingExtraError(f"{message}: {remedy}", name="timm") from error
    return timm


def source_of(timm: Any, name: str) -> str:
    """Return what timm's own loader calls a model, once it is sure to be there.

    A local folder as `timm.models.save_for_hf` writes it, a name of timm's (``vit_tiny_patch16_224``), or a
    repository on the hub (``timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k``).

    Raises
    ------
    ModelNotFoundError
        If it is not there.
    """
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


def load(timm: Any, source: str) -> Any:
    """Load a model with its trained weights.

    Raises
    ------
    ModelNotFoundError
        If that fails, with timm's reason.
    """
    try:
        return timm.create_model(source, pretrained=True)
    except Exception as error:  # whatever is wrong with the files, timm words it
        raise ModelNotFoundError(f"timm could not load {source}: {first_sentence(error)}") from error
