"""Whether this Python is the kernel of a notebook."""

from __future__ import annotations

import sys


def in_kernel() -> bool:
    """Tell whether this is a kernel of Jupyter, as JupyterLab, VS Code and Colab have."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None
