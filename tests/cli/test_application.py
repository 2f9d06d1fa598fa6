import importlib.metadata
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("visualizer do", ["doctor"]),
        ("visualizer plot run.zarr --spe", ["--special"]),
        ("visualizer capture x --dtype b", ["bfloat16"]),
    ],
)
def test_completion_knows_commands_options_and_choices(python, words, found):
    asked = {
        "_VISUALIZER_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    code = f"import os, sys; os.environ.update({asked}); sys.argv = ['/x/__main__.py']"
    assert python("-c", f"{code}; from visualizer.cli import main; main()").stdout.split() == found


def test_completion_is_installed_and_shown_for_the_command_s_own_name(command, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert command("--install-completion", "bash").returncode == 0
    script = tmp_path.joinpath(".bash_completions", "visualizer.sh")
    assert script.name in tmp_path.joinpath(".bashrc").read_text()
    assert command("--show-completion", "bash").stdout.strip() == script.read_text().strip()
    shell = subprocess.run(["bash", "-c", f"source {script}; complete -p visualizer"], capture_output=True)
    assert b"_visualizer_completion" in shell.stdout


@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "--json"], ["plot", "--help"]])
def test_who_reads_one_line_alone_sees_no_stack_trace(arguments):
    command = [sys.executable, "-m", "visualizer", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert "Traceback" not in said
    assert "Broken" not in said


def test_a_full_disk_is_one_sentence():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "visualizer", "doctor"]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 2
    assert (
        result.stderr.splitlines()[-1] == "visualizer: The result cannot be written: No space left on device"
    )


def test_without_colours_and_on_a_narrow_terminal_help_is_whole(run, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    code, page, _ = run("table", "--help")
    assert code == 0
    assert all(len(line) <= 40 for line in page.splitlines())
    assert "\x1b[3" not in page
