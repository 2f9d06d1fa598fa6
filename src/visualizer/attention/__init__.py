"""Attention maps as lazy linear operators, from the factors of a call: softmax(scale · q kᵀ + bias).

What a fused kernel computes without forming it can be had later, exactly, a block of rows at a time. Works on
torch tensors of any device and, without torch, on numpy arrays.
"""

from visualizer.attention._reading import is_reading, reading
from visualizer.attention._wanted import Unwanted, while_wanted
from visualizer.attention.dense import Dense
from visualizer.attention.factors import Band, Factors
from visualizer.attention.levels import SampledLevel
from visualizer.attention.lowrank import LowRank
from visualizer.attention.map import AttentionMap
from visualizer.attention.stitched import Stitched

__all__ = [
    "AttentionMap",
    "Band",
    "Dense",
    "Factors",
    "LowRank",
    "SampledLevel",
    "Stitched",
    "Unwanted",
    "is_reading",
    "reading",
    "while_wanted",
]
