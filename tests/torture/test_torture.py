"""CPython's own tests have the same results while every local of every function they run is tapped.

Each file of tests runs in a fork, so this needs a POSIX system.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .modules import EXCEPTIONS, MODULES

SCRIPT = Path(__file__).with_name("tapped.py")
SMOKE = ("argparse", "asyncio.locks", "contextlib", "enum", "heapq", "textwrap")
FRONT_ENDS = {"syntax": ["syntax", "bytecode"], "bytecode": ["bytecode"]}


class Subject:
    """Some modules, and CPython's tests of them run without taps."""

    def __init__(self, modules, folder):
        self.modules = modules
        self.folder = folder
        self.plain = self.run([], list(dict.fromkeys(test for name in modules for test in MODULES[name])))

    def run(self, front_ends, tests):
        """Run files of tests with the modules tapped by some front ends, or by none."""
        logs = Path(tempfile.mkdtemp(dir=self.folder))
        order, report = logs / "order.json", logs / "report.json"
        wanted = {"front_ends": front_ends, "modules": self.modules, "tests": tests}
        order.write_text(json.dumps({**wanted, "ignored": list(EXCEPTIONS), "jobs": 2, "folder": str(logs)}))
        subprocess.run([sys.executable, "-X", "faulthandler", SCRIPT, order, report], check=True)
        return json.loads(report.read_text())


@pytest.fixture(
    scope="module",
    params=[pytest.param(SMOKE, id="smoke"), pytest.param(tuple(MODULES), id="all", marks=pytest.mark.long)],
)
def subject(request, tmp_path_factory):
    return Subject(request.param, tmp_path_factory.mktemp("torture"))


@pytest.fixture(scope="module", params=FRONT_ENDS)
def front_end(request):
    return request.param


@pytest.fixture(scope="module")
def tapped(subject, front_end):
    report = subject.run(FRONT_ENDS[front_end], list(subject.plain["tests"]))
    print(json.dumps({key: value for key, value in report.items() if key != "tests"}))
    return report


def test_every_local_of_every_function_takes_a_tap(subject, tapped):
    assert len(tapped["functions"]) >= min(len(subject.modules), 40)
    assert tapped["refused"] == []
    assert [each["refused"] for each in tapped["tests"].values() if each["refused"]] == []


def test_each_front_end_does_its_part(front_end, tapped):
    by_syntax, by_bytecode = tapped["front_ends"]["syntax"], tapped["front_ends"]["bytecode"]
    assert by_syntax > 4 * by_bytecode if front_end == "syntax" else by_bytecode > by_syntax == 0


def test_the_taps_are_live(tapped):
    assert sum(each["fired"] for each in tapped["tests"].values()) > 100_000


def test_without_the_taps_every_function_has_its_own_code_object_again(tapped):
    assert tapped["changed_for_good"] == []


def test_tests_of_cpython_come_out_as_without_taps(subject, front_end, tapped):
    changed = differences(subject.plain, tapped)
    if changed:  # what depends on time may differ without any tap
        again = subject.run([], list(changed)), subject.run(FRONT_ENDS[front_end], list(changed))
        changed = {name: text for name, text in differences(*again).items() if name in changed}
    assert not changed, "\n".join(changed.values())


def differences(plain, tapped):
    """Return, for each file of tests whose result the taps changed, what is changed."""
    found = {}
    for name, before in plain["tests"].items():
        after = tapped["tests"][name]
        if (before["exit"], before["outcomes"]) != (after["exit"], after["outcomes"]):
            found[name] = "\n".join(
                [f"{name}: exit {before['exit']}, tapped {after['exit']}", *_cases(before, after)]
            )
    return found


def _cases(before, after):
    """Yield the tests that come out otherwise, and the end of what a failing file says."""
    for case in {**before["outcomes"], **after["outcomes"]}:
        was, now = before["outcomes"].get(case), after["outcomes"].get(case)
        if was != now:
            yield f"  {case}: {was}, tapped {now}\n{after['details'].get(case, '')}"
    yield after["log"][-2000:]
