"""The script that trained the packaged model still trains one like it."""

from pathlib import Path

from safetensors import safe_open

from visualizer.demo.digits_vit import WEIGHTS

SCRIPT = Path(__file__).parents[2] / "examples" / "train_digits_vit.py"


def described(path):
    with safe_open(path, "np") as file:
        return {
            name: (file.get_slice(name).get_shape(), file.get_slice(name).get_dtype()) for name in file.keys()
        }


def test_the_training_script_writes_weights_like_those_in_the_package(python, tmp_path):
    result = python(str(SCRIPT), "--steps", "20", "--out", "weights.safetensors")
    assert not result.returncode, result.stderr
    assert "accuracy on 1,000 scenes of held-back digits: 0." in result.stdout
    assert described(tmp_path / "weights.safetensors") == described(WEIGHTS)
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]
