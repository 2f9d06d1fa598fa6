"""What shows a run in a process of its own, as it runs until Ctrl-C."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager


def viewing(folder, *arguments, **environment):
    """Start `visualizer view`, as `showing` does."""
    return showing(folder, "-m", "visualizer", "view", *arguments, **environment)


@contextmanager
def showing(folder, *arguments, **environment):
    """Start Python in a folder, with a screen if the environment has one; give it and the address it says."""
    own = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    child = subprocess.Popen(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env=own | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # what began the tests may ignore it
    )
    try:
        yield child, next(filter(None, map(address_in, iter(child.stdout.readline, ""))))
    finally:
        child.kill()
        child.communicate()


def address_in(line):
    """The address in a line of what it says; None if there is none."""
    found = re.search(r"(http:/)?/\S+/[\w-]{32}/", line)
    return found and found[0]


def interrupted(child):
    """Press Ctrl-C; return the exit code, and what it said since and besides."""
    child.send_signal(signal.SIGINT)
    output, said = child.stdout.read(), child.stderr.read()
    return child.wait(120), output, said


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]
