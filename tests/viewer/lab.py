"""A real JupyterLab, and notebooks for it."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
from nbformat.sign import NotebookNotary

TOKEN = "of-the-tests"
OPTIONS = [
    *("--no-browser", "--allow-root", f"--IdentityProvider.token={TOKEN}", "--LabApp.news_url=None"),
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]
PATIENCE = 120  # seconds until it must answer


def notebook(*cells):
    """A notebook of cells of code."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


def trust(made, folder):
    """Sign a notebook, as the JupyterLab of a folder does with one that was run in it."""
    data = folder / "jupyter_data_dir"
    data.mkdir(exist_ok=True)
    NotebookNotary(data_dir=str(data)).sign(made)


@contextmanager
def jupyterlab(folder):
    """Yield what makes the address of a notebook in a folder, of a JupyterLab that knows no settings."""
    own = {name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    here = [f"--port={port}", f"--ServerApp.root_dir={folder}"]
    environment = os.environ | own | {"JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *here, *OPTIONS],
            cwd=folder, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/api", process, folder / "log")
        yield lambda name: f"http://127.0.0.1:{port}/lab/tree/{name}?token={TOKEN}"
    finally:
        process.terminate()
        process.wait(60)


def wait_for(address, process, log):
    """Return as soon as an address answers."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        try:
            return urlopen(address).close()
        except URLError:
            time.sleep(0.2)
    raise RuntimeError(f"{address} does not answer: {log.read_text()}")
