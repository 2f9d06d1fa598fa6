import importlib.metadata

import pytest

COMMANDS = ["capture", "demo", "doctor", "export", "find", "info", "plot", "run", "table"]


def test_the_version_is_the_package_s(run):
    assert run("--version") == (0, f"visualizer {importlib.metadata.version('attention-visualizer')}\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_has_an_example(run, name):
    assert name in run("--help")[1]
    assert f"visualizer {name}" in run(name, "--help")[1]


def test_help_has_an_example(run):
    assert "visualizer demo" in run("--help")[1]


def test_nothing_heavy_is_loaded_for_help(python):
    code = "import sys, visualizer.cli; print(*(set(sys.modules) & {'torch', 'numpy', 'matplotlib', 'zarr'}))"
    assert python("-c", code).stdout == "\n"


def test_the_module_is_the_command(python):
    assert python("-m", "visualizer", "--version").stdout.startswith("visualizer ")


def test_an_unknown_command_and_a_wrong_option_are_mistakes(run):
    assert run("nonsense")[0] == 2
    assert run("find")[0] == 2
    assert run("demo", "--layer", "x")[0] == 2


def test_completion_knows_the_commands(python):
    words = {"_VISUALIZER_COMPLETE": "complete_bash", "COMP_WORDS": "visualizer do", "COMP_CWORD": "1"}
    code = f"import os; os.environ.update({words}); from visualizer.cli import main; main()"
    result = python("-c", f"import sys; sys.argv = ['visualizer']; {code}")
    assert result.stdout.split() == ["doctor"]
