import json
import sys
from pathlib import Path

import visualizer


def test_the_doctor_names_the_file_the_versions_and_the_extras(run):
    code, output, _ = run("doctor")
    assert code == 0
    assert visualizer.__file__ in output
    assert f"torch         {sys.modules['torch'].__version__}" in output
    assert "[plots] is there" in output
    assert "may be used by scaled_dot_product_attention" in output
    assert output.splitlines()[-1] == "problem: none"


def test_a_program_may_read_it(run):
    code, output, _ = run("doctor", "--json")
    report = json.loads(output)
    assert (code, report["problems"], report["visualizer"]["file"]) == (0, [], visualizer.__file__)
    assert "math" in report["torch"]["kernels"]


def test_a_file_that_would_be_imported_in_its_place_is_a_problem(run):
    Path("visualizer.py").touch()
    code, output, _ = run("doctor")
    assert code == 1
    assert output.splitlines()[-1].endswith(
        "visualizer.py would be imported in the place of this package: rename it"
    )


def test_a_package_that_does_not_load_is_a_problem(run, monkeypatch, tmp_path):
    tmp_path.joinpath("timm.py").write_text("raise RuntimeError('made for another torch')")
    monkeypatch.syspath_prepend(tmp_path)
    code, output, _ = run("doctor")
    assert code == 1
    assert output.splitlines()[-1].startswith("problem: timm ")
    assert output.splitlines()[-1].endswith("does not load: made for another torch")
