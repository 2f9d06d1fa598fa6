"""Run CPython's own tests in an interpreter whose standard library is tapped in every local.

Run as a script by the Python under test. The functions of the wanted modules are tapped once; then each test
file runs in a fork of its own, so that no test sees what another left behind and a crash is one result. The
report (JSON) tells what was tapped and, for each test, its outcome.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import time
import traceback
import weakref
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from types import FunctionType

sys.path.pop(0)  # the tests of CPython must not find this folder's modules

from visualizer.instrument import codes
from visualizer.instrument.sites import Site
from visualizer.instrument.stores import bound_names
from visualizer.instrument.switch import install, remove

_EDGES = tuple(Site(kind) for kind in ("enter", "return", "leave", "raise"))
_LIMIT_SECONDS = 400

drop = functools.lru_cache(maxsize=0)(functools.partial({}.get, object()))
"""Gives its argument back and counts its calls, all in C: tracers and the recursion limit do not see it."""


def fired():
    """Return how many hooks were called so far."""
    return drop.cache_info().misses


def _counted(name, counts, label):
    """Count the calls of a function of ``codes``."""
    plain = getattr(codes, name)

    def counting(*args):
        counts[label] += 1
        return plain(*args)

    setattr(codes, name, counting)


class EveryLocal:
    """A tap in all bindings of one function, and where its calls begin and end."""

    def __init__(self, function):
        self.names = bound_names(function.__code__)
        self.sites = (*_EDGES, *(Site("bind", name) for name in self.names))

    def hook(self, site):
        return drop


class Taps:
    """Taps in all functions of some modules, also of copies of them that tests import afresh."""

    def __init__(self, modules):
        self.modules = {name for name in modules if _imported(name)}
        self.functions = Counter()
        self.names = Counter()
        self.refused = []
        self.originals = weakref.WeakKeyDictionary()

    def extend(self):
        """Tap every function alive that belongs to one of the modules and is not tapped yet."""
        for found in gc.get_objects():
            if type(found) is FunctionType and found.__globals__.get("__name__") in self.modules:
                self._tap(found)

    def _tap(self, function):
        if function in self.originals:
            return
        module = function.__globals__["__name__"]
        tap = EveryLocal(function)
        self.originals[function] = tap, function.__code__
        try:
            install(function, tap)
        except Exception:
            self.refused.append(f"{module}:{function.__qualname__}: {traceback.format_exc()}")
            return
        self.functions[module] += 1
        self.names[module] += len(tap.names)

    def withdraw(self):
        """Take all taps out; return the functions that did not get their own code object back."""
        for function, (tap, _) in self.originals.items():
            remove(function, tap)
        return [str(each) for each, (_, code) in self.originals.items() if each.__code__ is not code]


def _imported(name):
    try:
        importlib.import_module(name)
    except ImportError:  # not in this version
        return False
    return True


def _follow_fresh_imports(taps):
    """Tap the pure Python copies, too, that tests import with the C versions blocked."""
    from test.support import import_helper

    plain = import_helper.import_fresh_module

    def import_fresh_module(*args, **kwargs):
        module = plain(*args, **kwargs)
        taps.extend()
        return module

    import_helper.import_fresh_module = import_fresh_module


def _run_tests(name, taps, ignored, folder):
    """Run one file of tests in a fork; return the fork's process id."""
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    before = fired()
    _follow_fresh_imports(taps)
    options = [option for pattern in ignored for option in ("--ignore", pattern)]
    sys.argv = ["test", "-u", "none", *options, "--junit-xml", str(folder / f"{name}.xml"), name]
    try:
        runpy.run_module("test", run_name="__main__", alter_sys=True)
    finally:
        facts = {"fired": fired() - before, "refused": taps.refused}
        (folder / f"{name}.json").write_text(json.dumps(facts))
    sys.exit()


def _exists(name):
    relative = name.removeprefix("test.").replace(".", "/")
    tests = Path(importlib.import_module("test").__file__).parent
    return (tests / relative).is_dir() or (tests / f"{relative}.py").is_file()


def _run_all(names, taps, ignored, folder, jobs):
    """Run files of tests, ``jobs`` at a time; return the report of each."""
    waiting, running, reports = list(reversed(names)), {}, {}
    while waiting or running:
        while waiting and len(running) < jobs:
            name = waiting.pop()
            running[_run_tests(name, taps, ignored, folder)] = (name, time.monotonic())
        time.sleep(0.05)
        for pid, (name, start) in list(running.items()):
            if time.monotonic() - start > _LIMIT_SECONDS:
                os.killpg(pid, signal.SIGKILL)
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del running[pid]
                reports[name] = _report(
                    name, folder, os.waitstatus_to_exitcode(status), time.monotonic() - start
                )
    return reports


def _report(name, folder, code, seconds):
    facts, xml = folder / f"{name}.json", folder / f"{name}.xml"
    outcomes, details = _outcomes(xml) if xml.exists() else ({}, {})
    return {
        "exit": code,
        "seconds": round(seconds, 1),
        "outcomes": outcomes,
        "details": details,
        "log": (folder / f"{name}.log").read_text(errors="replace")[-20_000:] if code else "",
        **(json.loads(facts.read_text()) if facts.exists() else {"fired": 0, "refused": []}),
    }


def _outcomes(xml):
    """Return the outcome of each test, the worst of its subtests', and what is said of those that failed."""
    outcomes, details = {}, {}
    for case in ET.parse(xml).iter("testcase"):
        name, parts = case.get("name"), {part.tag: part.text for part in case}
        failure = parts.get("error") or parts.get("failure")
        if failure:
            outcomes[name] = "failed"
            details[name] = failure[-4000:]
        else:
            outcomes.setdefault(name, "skipped" if "skipped" in parts else "passed")
    return outcomes, details


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "order", type=Path, help="JSON: front_ends (none: no taps), modules, tests, ignored, jobs, folder"
    )
    parser.add_argument("report", type=Path)
    options = parser.parse_args()
    order = json.loads(options.order.read_text())
    codes.front_ends = tuple(order["front_ends"])
    used = Counter(syntax=0, bytecode=0)
    _counted("tap_bindings", used, "syntax")
    _counted("tap_stores", used, "bytecode")
    start = time.monotonic()
    taps = Taps(order["modules"] if codes.front_ends else [])
    taps.extend()
    if taps.modules:
        gc.collect()
        gc.freeze()  # or each collection, of which tests ask for many, walks through all taps in every fork
    tapping = time.monotonic() - start
    tests = [name for name in order["tests"] if _exists(name)]
    reports = _run_all(tests, taps, order["ignored"], Path(order["folder"]), order["jobs"])
    report = {
        "python": sys.version.split()[0],
        "functions": taps.functions,
        "names": taps.names,
        "refused": taps.refused,
        "front_ends": used,
        "changed_for_good": taps.withdraw(),
        "tapping_seconds": round(tapping, 1),
        "tests": reports,
    }
    options.report.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
