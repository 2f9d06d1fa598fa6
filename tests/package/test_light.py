"""`import visualizer` is light."""

import pytest

HEAVY = [
    *("jax", "matplotlib", "numpy", "safetensors", "sklearn", "timm", "torch", "transformers", "typer"),
    *("starlette", "uvicorn", "xarray", "zarr"),
]


def loaded_by(python, code):
    result = python("-c", f"import sys; {code}; print(*(set(sys.modules) & set({HEAVY})))")
    assert not result.returncode, result.stderr
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import visualizer",
        "from visualizer import get_local; get_local('x')(lambda: 1)",
        "import visualizer.visualizer",
        "import visualizer; visualizer.plots, visualizer.watch",
        "import visualizer; dir(visualizer)",
        "import visualizer.viewer; dir(visualizer.viewer)",
    ],
)
def test_nothing_heavy_is_loaded(python, code):
    assert loaded_by(python, code) == set()


@pytest.mark.parametrize("module", ["numpy", "matplotlib", "torch"])
def test_the_test_above_sees_a_heavy_module_that_is_loaded(python, module):
    assert module in loaded_by(python, f"import visualizer, {module}")
