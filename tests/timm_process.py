"""Models of timm and of diffusers, in a process of their own, where torchvision may be a stand-in."""

import json
import os
import subprocess
import sys
from pathlib import Path


def outcomes_of(script, folder, libraries="timm"):
    """What a script prints last, read."""
    paths = [Path(sys.prefix, libraries), script.parent, Path(__file__).parent / "demo", *map(Path, sys.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    code = f"import torchvision_shim, runpy; runpy.run_module({script.stem!r}, run_name='__main__')"
    command = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr
    return json.loads(result.stdout.splitlines()[-1])
