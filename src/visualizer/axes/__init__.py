"""What tokens are: axes made of segments, each of which knows its tokens' names and places in the input."""

from visualizer.axes.axis import Axis, as_axis
from visualizer.axes.cells import Frames, Grid, Patches, Volume
from visualizer.axes.ids import Ids
from visualizer.axes.lines import Lines
from visualizer.axes.scattered import Scattered
from visualizer.axes.segments import Segment, Special, Time, Unknown
from visualizer.axes.text import Text
from visualizer.axes.windows import Windows

__all__ = [
    "Axis", "Frames", "Grid", "Ids", "Lines", "Patches", "Scattered", "Segment", "Special", "Text", "Time",
    "Unknown", "Volume", "Windows", "as_axis",
]  # fmt: skip
