"""Runs on disk, as Zarr v3: written whole or call by call, read without torch."""

from visualizer.store.opening import load
from visualizer.store.saving import save_run

__all__ = ["load", "save_run"]
