"""The scripts of examples/ that need a library which only the long suite has: see the Makefile."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SHIM = REPOSITORY / "tests" / "demo"  # torchvision's stand-in, without which diffusers does not load here
RUN = "import runpy, sys; {}runpy.run_path(sys.argv[1], run_name='__main__')"


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "libraries", "before"),
    [("diffusion_word", "zoo", "import torchvision_shim; "), ("edit_in_nnsight", "beside", "")],
)
def test_an_example_beside_another_library_draws(name, libraries, before, tmp_path):
    paths = [Path(sys.prefix, libraries), SHIM, *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-c", RUN.format(before), str(REPOSITORY / "examples" / f"{name}.py")]
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert not result.returncode, result.stderr
    assert (tmp_path / f"{name}.png").stat().st_size
