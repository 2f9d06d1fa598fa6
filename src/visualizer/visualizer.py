"""Where the original package had `get_local`."""

from visualizer.classic import get_local

__all__ = ["get_local"]
