"""Whether there is somebody before a screen of this machine, and how to come here from another."""

from __future__ import annotations

import getpass
import os
import socket
import sys


def has_screen() -> bool:
    """Tell whether a browser that is opened here is seen: not through ssh, and not without a display."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def tunnel_to(port: int) -> str:
    """Return the command that brings a port of this machine's loopback to the machine one sits at."""
    try:
        user = f"{getpass.getuser()}@"
    except (KeyError, OSError):  # of a container, whose user may have no name
        user = ""
    return f"ssh -N -L {port}:127.0.0.1:{port} {user}{socket.gethostname()}"
