"""Runs on disk, as Zarr v3: written whole or call by call, read without torch."""

from visualizer.store.labelled import map_to_xarray, run_to_xarray
from visualizer.store.opening import load
from visualizer.store.saving import save_run
from visualizer.store.streaming import Stream, Written

__all__ = ["Stream", "Written", "load", "map_to_xarray", "run_to_xarray", "save_run"]
