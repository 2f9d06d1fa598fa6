"""Reading needs no torch; writing says what it needs where that is missing."""

import numpy as np
import pytest

from visualizer import from_arrays

# As where it is not installed: neither found nor imported.
WITHOUT_TORCH = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name="torch")
sys.meta_path.insert(0, Without())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "torch" else real(name, *more)
"""
READ = """
import numpy as np, visualizer as viz
run = viz.load({path!r})
print(repr(run))
for number, call in enumerate(run):
    np.save({path!r} + f".{{number}}.npy", call.map.numpy())
    np.save({path!r} + f".{{number}}.one.npy", call.map[0, 1].numpy())
    np.save({path!r} + f".{{number}}.entropy.npy", call.map.entropy())
assert isinstance(run[0].map.array(), np.ndarray)
assert isinstance(run[0].v, np.ndarray), type(run[0].v)
assert "torch" not in sys.modules
print(run.axis(run.paths[0], row=0).length)
"""


@pytest.fixture(params=["float32", "bfloat16"])
def saved(request, tmp_path):
    import torch

    import visualizer as viz

    config = __import__("transformers").BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    torch.manual_seed(0)
    model = __import__("transformers").BertModel(config).eval().to(getattr(torch, request.param))
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    with torch.no_grad(), viz.capture(model, values=True) as run:
        model(torch.arange(10).reshape(2, 5), attention_mask=mask)
    run.save(tmp_path / "run.zarr", inputs=True)
    return run, str(tmp_path / "run.zarr")


def test_a_run_is_read_without_torch_with_the_same_results(saved, python):
    run, path = saved
    result = python("-c", WITHOUT_TORCH + READ.format(path=path))
    assert not result.returncode, result.stderr
    assert result.stdout.splitlines()[-1] == "5"
    for number, call in enumerate(run):
        found, one, entropy = (np.load(f"{path}.{number}{kind}.npy") for kind in ("", ".one", ".entropy"))
        np.testing.assert_allclose(found, call.map.numpy(), atol=1e-6)
        np.testing.assert_array_equal(one, found[0, 1])
        np.testing.assert_allclose(entropy, call.map.entropy(), atol=1e-5)


def test_opening_a_run_loads_neither_torch_nor_zarr(saved, python):
    _, path = saved
    code = f"import sys, visualizer; visualizer.load({path!r}); print({{'torch', 'zarr'}} & set(sys.modules))"
    assert python("-c", code).stdout.strip() == "set()"


@pytest.mark.parametrize("module", ["zarr", "google_crc32c"])
def test_saving_without_a_package_names_the_pip_line(python, module):
    code = (
        f"import sys; sys.modules[{module!r}] = None; import visualizer as v; v.from_arrays({{}}).save('x')"
    )
    *_, last = python("-c", code).stderr.splitlines()
    assert last.endswith("which is not installed: pip install 'attention-visualizer[store]'")
    assert "MissingExtraError" in last


def test_on_an_older_python_saving_says_in_one_sentence_what_it_needs(monkeypatch, tmp_path):
    import sys

    from visualizer.errors import MissingExtraError

    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(MissingExtraError, match=r"Saving a run needs Python 3\.11 or later, as Zarr 3 does"):
        from_arrays({"a": np.eye(3)}).save(tmp_path / "run.zarr")
    assert not list(tmp_path.iterdir())


def test_pickling_a_run_names_what_to_do(tmp_path):
    import pickle

    from visualizer.errors import VisualizerError

    with pytest.raises(
        VisualizerError, match=r"run\.save\(path\) writes it, visualizer\.load\(path\) reads it"
    ):
        pickle.dumps(from_arrays({"a": np.eye(3)}))
