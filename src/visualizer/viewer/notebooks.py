"""Whether this Python runs the cells of a notebook, and what shows something below one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def in_kernel() -> bool:
    """Tell whether this is a kernel of Jupyter, as JupyterLab, VS Code and Colab have."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def display_below() -> Callable[[Any], Any] | None:
    """Return what shows a value below the cell that runs; None where this is no notebook."""
    if in_kernel():
        from IPython.display import display

        return display
    marimo = sys.modules.get("marimo")
    if marimo is not None and marimo.running_in_notebook():
        return marimo.output.append  # type: ignore[no-any-return]
    return None
