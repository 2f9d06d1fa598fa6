"""Where a model comes from: a folder, the hub's cache or the hub itself, and whether it is there at all.

The libraries' own loaders try for minutes to reach a hub that is out of reach; this asks once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visualizer.errors import ModelNotFoundError, require

TIMEOUT = 10.0  # seconds for the hub to answer whether it has a model
WITHOUT_HUB = "give a local folder instead, as in {kind}:/path/to/folder"


def local_folder(name: str) -> Path | None:
    """Return the folder that a model is named by, or None if it is named as on the hub.

    Raises
    ------
    ModelNotFoundError
        If it is a path and there is no such folder.

    Examples
    --------
    >>> local_folder("google-bert/bert-base-uncased") is None
    True
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
        raise ModelNotFoundError(f"There is no folder {path} to load a model from")
    return None


def check_hub(repository: str, kind: str) -> None:
    """Make sure that the hub, or what was once downloaded from it, has a repository.

    Raises
    ------
    MissingExtraError
        If huggingface_hub is not installed.
    ModelNotFoundError
        If it has none of this name, or cannot be asked.
    """
    hub: Any = require("huggingface_hub", "demo", "Loading a model from the hub")
    if _is_cached(hub, repository):
        return
    try:
        hub.HfApi().model_info(repository, timeout=TIMEOUT)
    except hub.errors.RepositoryNotFoundError:
        message = f"The hub {hub.constants.ENDPOINT} has no public model {repository!r}"
        raise ModelNotFoundError(f"{message}: check its name, or {WITHOUT_HUB.format(kind=kind)}") from None
    except Exception as error:  # noqa: BLE001  the hub's client has changed its network library, and so its errors
        reason = first_sentence(error)
        message = f"{repository!r} is not on this machine and the hub could not be asked for it ({reason})"
        raise ModelNotFoundError(f"{message}: {WITHOUT_HUB.format(kind=kind)}") from None


def first_sentence(error: BaseException) -> str:
    r"""Return the first line of an error's message, or its kind if it has none.

    Examples
    --------
    >>> first_sentence(ValueError("no such thing\nmore about it"))
    'no such thing'
    """
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def _is_cached(hub: Any, repository: str) -> bool:
    try:
        hub.snapshot_download(repository, local_files_only=True)
    except (hub.errors.LocalEntryNotFoundError, hub.errors.HFValidationError):
        return False
    return True
