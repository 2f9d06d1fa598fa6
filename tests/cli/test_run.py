"""A script runs as Python runs it: this is compared with what Python itself makes of it."""

import json
import signal
import subprocess
import sys

import pytest

import visualizer

NET = """
import torch

def net():
    torch.manual_seed(0)
    return torch.nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()

x = torch.ones(1, 5, 8)
"""
TABLE = "path       calls  shape         recorded from"


@pytest.fixture(autouse=True)
def sibling(tmp_path):
    """Beside each script, a module that it imports."""
    folder = tmp_path / "mein Projekt ü"
    folder.mkdir()
    folder.joinpath("nets.py").write_text(NET)
    return folder


@pytest.fixture
def both(python, sibling):
    """Run a script by Python and by the command; return what came of both."""

    def both(source, *arguments, options=()):
        script = sibling / "main.py"
        script.write_text(source, encoding="utf-8")
        return python(str(script), *arguments), python(
            "-m", "visualizer", "run", *options, str(script), *arguments
        )

    return both


def same(plain, recorded):
    """Assert that both ended alike, and said the same; return what the command said besides."""
    assert (recorded.returncode, recorded.stdout) == (plain.returncode, plain.stdout), recorded.stderr
    assert plain.stderr in recorded.stderr
    return recorded.stderr.replace(plain.stderr, "", 1)


def test_arguments_siblings_and_names_are_python_s_and_outputs_the_same_to_the_last_bit(both):
    said = same(
        *both(
            "import argparse, sys, os, nets\n"
            "parser = argparse.ArgumentParser()\n"
            "parser.add_argument('--eval', action='store_true'); parser.add_argument('rest', nargs='*')\n"
            "def main():\n"
            "    print(parser.parse_args(), sys.argv, sys.path, os.getcwd(), parser.prog)\n"
            "    print(__file__, __spec__, __package__, sys.modules['__main__'].main is main)\n"
            "    print(nets.net()(nets.x).flatten().tolist())\n"
            "if __name__ == '__main__': main()\n",
            "--eval",
            "a b",
            "--",
            "--first",
            "ü",
        )
    )
    assert said.startswith(TABLE)
    assert "self_attn  1 " in said


@pytest.mark.parametrize(
    "end",
    [
        "sys.exit(3)",
        "sys.exit('a reason')",
        "raise ValueError('no')",
        pytest.param(
            "import visualizer; raise visualizer.errors.OptionError('its own')", marks=pytest.mark.long
        ),
        pytest.param("import typer; raise typer.Exit(4)", marks=pytest.mark.long),
        pytest.param(
            "import atexit; atexit.register(lambda: print('bye', file=sys.stdout))", marks=pytest.mark.long
        ),
        "raise KeyboardInterrupt",
        pytest.param("del nets; import os; os._exit(5)", marks=pytest.mark.long),
    ],
)
def test_it_ends_as_the_script_ends(both, end):
    plain, recorded = both(
        f"import sys, torch, nets\nprint(nets.net()(nets.x).sum().item())\nsys.stdout.flush()\n{end}\n"
    )
    if "KeyboardInterrupt" in end:
        assert recorded.returncode == 130
        assert plain.stderr in recorded.stderr
        return
    said = same(plain, recorded)
    assert said.startswith(TABLE) or "_exit" in end


def test_a_script_that_cannot_be_compiled_says_where(both):
    plain, recorded = both("print(1\n")
    assert recorded.returncode == plain.returncode == 1
    assert plain.stderr in recorded.stderr
    assert "Traceback" not in recorded.stderr


def test_only_some_modules_and_calls_are_recorded_if_so_asked(both):
    source = "import nets\nnet = nets.net()\nfor _ in range(3): net(nets.x)\n"
    assert "self_attn  2 " in same(*both(source, options=["--first", "2", "--modules", "*attn"]))
    assert "everything was left out: 3 by modules=" in same(*both(source, options=["--modules", "nowhere.*"]))


def test_a_script_without_torch_is_told_apart_and_runs_without_it(both):
    said = same(*both("import sys\nprint('torch' in sys.modules)\n"))
    assert said == "visualizer: nothing was recorded: the program did not import torch\n"


def test_json_has_standard_output_for_itself(both, sibling):
    source = (
        "import subprocess, sys, nets\nprint('a metric', 0.5)\nnets.net()(nets.x)\n"
        "subprocess.run([sys.executable, '-c', 'print(1 + 1)'])\nsys.exit(3)\n"
    )
    _, recorded = both(source, options=["--json", "-o", str(sibling / "lauf ü.zarr")])
    found = json.loads(recorded.stdout)
    assert recorded.returncode == 3
    assert [(call["path"], call["shape"]) for call in found["calls"]] == [("self_attn", [1, 2, 5, 5])]
    assert (found["run"], found["reason"]) == (str(sibling / "lauf ü.zarr"), "")
    assert set(recorded.stderr.splitlines()) >= {"a metric 0.5", "2"}
    _, recorded = both("print('on')\n", options=["--json"])
    assert json.loads(recorded.stdout)["reason"] == "nothing was recorded: the program did not import torch"


def test_what_is_set_before_torch_is_imported_counts(both):
    same(
        *both(
            "import os\nos.environ['OMP_NUM_THREADS'] = '3'\nimport torch\nprint(torch.get_num_threads())\n"
        )
    )


def test_training_is_its_own_to_the_last_bit(both):
    said = same(
        *both(
            "import torch, nets\n"
            "net, loss = nets.net().train(), torch.nn.MSELoss()\n"
            "optimizer = torch.optim.Adam(net.parameters())\n"
            "for _ in range(4):\n"
            "    optimizer.zero_grad(); loss(net(nets.x), nets.x).backward(); optimizer.step()\n"
            "print([p.sum().item() for p in net.parameters()])\n"
        )
    )
    assert "self_attn  4 " in said


@pytest.mark.parametrize("way", ["fork", pytest.param("spawn", marks=pytest.mark.long)])
def test_workers_of_a_data_loader_find_the_script_s_own_classes(both, way):
    said = same(
        *both(
            "import torch, nets, warnings\n"
            "warnings.filterwarnings('ignore')\n"
            "class Rows(torch.utils.data.Dataset):\n"
            "    def __len__(self): return 4\n"
            "    def __getitem__(self, i): return torch.full((5, 8), float(i))\n"
            "if __name__ == '__main__':\n"
            "    net = nets.net()\n"
            f"    loading = {{'num_workers': 1, 'multiprocessing_context': '{way}'}}\n"
            "    for batch in torch.utils.data.DataLoader(Rows(), 2, **loading):\n"
            "        print(net(batch).sum().item())\n"
        )
    )
    assert "self_attn  2 " in said


def test_pickles_of_a_script_s_own_classes_are_python_s(both):
    same(
        *both(
            "import pickle, torch\n"
            "class Net(torch.nn.Linear): pass\n"
            "torch.save(Net(1, 1), 'net.pt')\n"
            "print(type(torch.load('net.pt', weights_only=False)), pickle.dumps(Net))\n"
        )
    )


def test_threads_that_outlive_the_script_s_last_line_are_recorded(both):
    said = same(
        *both(
            "import nets, threading, time\n"
            "threading.Thread(target=lambda: (time.sleep(0.2), nets.net()(nets.x))).start()\n"
        )
    )
    assert "self_attn  1 " in said


def test_a_module_runs_as_python_m_does(python, sibling, tmp_path):
    tmp_path.joinpath("package").mkdir()
    for name in ("__init__", "nets"):
        tmp_path.joinpath("package", f"{name}.py").write_text(NET)
    tmp_path.joinpath("package", "evaluate.py").write_text(
        "import sys\nfrom . import nets\nfrom .nets import x\n"
        "print(sys.argv, nets.net()(x).sum().item(), __package__)\n"
    )
    plain = python("-m", "package.evaluate", "--split", "test")
    recorded = python("-m", "visualizer", "run", "-m", "package.evaluate", "--split", "test")
    assert not plain.returncode
    assert same(plain, recorded).startswith(TABLE)
    missing = python("-m", "visualizer", "run", "-m", "package.nowhere")
    assert missing.returncode == 2
    assert (
        missing.stderr == "visualizer: There is no module package.nowhere, as python -m would look for it\n"
    )


def test_a_folder_with_a_main_runs(python, sibling):
    sibling.joinpath("__main__.py").write_text(
        "import nets, sys\nprint(sys.argv, nets.net()(nets.x).sum().item())\n"
    )
    assert same(python(str(sibling), "a"), python("-m", "visualizer", "run", str(sibling), "a")).startswith(
        TABLE
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.py"], "The script nowhere.py is not there"),
        (["."], "The folder . has no __main__.py that could be run: give a script"),
        (["--queries", "first", "{}"], "queries='first' was asked for; give 'last', a slice or a function"),
        (["--budget", "much", "{}"], "A memory budget of 'much' was asked for"),
    ],
)
def test_a_mistake_is_one_sentence(python, sibling, arguments, sentence):
    script = sibling / "main.py"
    script.write_text("import torch\n")
    result = python("-m", "visualizer", "run", *(one.format(script) for one in arguments))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"visualizer: {sentence}")
    assert len(result.stderr.splitlines()) == 1


@pytest.fixture
def interrupted():
    """Run the command line, interrupt it once it has printed a line, and return what came of it."""

    def interrupted(*arguments, **options):
        # a shell that starts tests in the background makes them deaf to interrupts
        hearing = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        code = f"{hearing}; import sys; sys.argv[1:] = {arguments}; from visualizer.cli import main; main()"
        command = [sys.executable, "-c", code]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
        return process.returncode, said

    return interrupted


def test_an_interrupt_ends_a_capture_and_keeps_what_was_recorded(interrupted, sibling):
    sibling.joinpath("slow.py").write_text(
        "import nets, time, torch\n"
        "class Slow(torch.nn.Module):\n"
        "    def __init__(self): super().__init__(); self.net = nets.net()\n"
        "    def forward(self, x): self.net(x); print('on', flush=True); time.sleep(60)\n"
    )
    code, said = interrupted("capture", "slow:Slow", "--random", "1x5x8", "-o", "kept.zarr", cwd=sibling)
    assert code == 130
    assert "Traceback" not in said
    assert [call.path for call in visualizer.load(sibling / "kept.zarr")] == ["net.self_attn"]


def test_an_interrupt_ends_the_script_and_keeps_what_was_recorded(interrupted, sibling):
    script = sibling / "main.py"
    script.write_text("import nets, time\nnets.net()(nets.x)\nprint('on', flush=True)\ntime.sleep(60)\n")
    code, said = interrupted("run", str(script))
    assert code == 130
    assert "KeyboardInterrupt" in said
    assert TABLE in said
