"""Draw, try, write, and say what was not caught; see the package."""

import argparse
import ast
import gc
import importlib
import json
import sys
import time
import types
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests import mutation
from tests.mutation._cases import cases_made, forget_cases, of_models
from tests.mutation._faults import ROOT, draw, files
from tests.mutation._processes import Absent, Changed, exchange, exchanges, forked
from tests.mutation._tests import SHARED, Tests, anew, chosen, measured, tried, unmeasured

ARGUMENTS = ["-q", "-x", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]


def options_of(words):
    """What was asked for."""
    parser = argparse.ArgumentParser(description=mutation.__doc__.split("\n")[0])
    parser.add_argument("study")
    parser.add_argument("--faults", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="leave out so many of the faults drawn")
    parser.add_argument("--json", type=Path, help="file that gets each fault and how it went, as it goes")
    parser.add_argument("--measures", type=Path, help="file that keeps what each test executes, for the next run")
    return parser.parse_args(words)


class Run:
    """The faults of one study: those done, and those that must be imported anew."""

    def __init__(self, options):
        faults, self.places = draw(options.study, options.faults, options.seed)
        self.options, self.faults, self.done, self.later = options, faults[options.first:], [], []

    def report(self, fault, status, by, begun):
        """Keep how a fault went."""
        self.done.append(replace(fault, status=status, by=by, seconds=round(time.monotonic() - begun, 2)))
        if self.options.json:
            record = {"study": self.options.study, "seed": self.options.seed, "places": self.places,
                      "faults": [asdict(each) for each in self.done]}
            self.options.json.write_text(json.dumps(record, indent=1))

    def in_place(self, plugin, items):
        """Try the faults of functions by forks of a process that has collected the tests."""
        sys.settrace(None)
        imported, last, items = plugin.lines, unmeasured(items), chosen(items, self.options.study)
        made = cases_made(plugin) if self.options.study == "testing" else {}
        imported = imported.difference(*made.values())
        items = [item for item in items if item not in last]
        measures = measured(plugin, items, self.options.study, self.options.measures)
        seconds = {item: each[0] for item, each in measures.items() if each[0] == each[0]}
        sys.stderr.write(f"{self.options.study}: {self.places} places, {len(seconds)} tests of "
                         f"{sum(seconds.values()):.0f} s, not usable: "
                         f"{[item.nodeid for item in items if item not in seconds]}\n")
        gc.unfreeze()     # what the collection of tests has set aside is not listed
        living = [each for each in gc.get_objects() if isinstance(each, types.FunctionType)]
        for fault, lines in self.faults:
            begun, name = time.monotonic(), str(ROOT / fault.path)
            own = {(name, line) for line in lines}
            mirror = f"test_{Path(fault.path).stem.removeprefix('_')}.py"
            order = sorted(seconds, key=lambda item: seconds[item] * (0.2 if item.path.name == mirror else 1))
            near = [item for item in order if own & measures[item][1]]
            models = [model for model, executed in made.items() if own & executed]
            if models:
                near = of_models(order, near, models)
            if not fault.room or own & imported or exchanges(*compiled(fault)) is None:
                names = [item.nodeid for item in sorted(order, key=lambda item: item not in near)]
                self.later.append((fault, names, sum(seconds.values())))
            else:
                status, by = tried(plugin, near + last, seconds, lambda: plant(fault, living, models))
                self.report(fault, status if near or status == "caught" else "not executed", by, begun)
        return self.done, self.later

    def imported_anew(self):
        """Try the others, each in a process that imports the changed module."""
        for fault, names, seconds in self.later:
            begun = time.monotonic()

            def work(leave):
                changed = Changed(fault.path, fault.tree(parsed(fault.path)))
                sys.meta_path.insert(0, changed)
                try:
                    importlib.import_module(changed.name)
                except Exception as error:
                    return "caught", f"cannot be imported: {type(error).__name__}"
                plugin = Tests(set(), lambda *found: anew(*found, seconds, leave))
                pytest.main(ARGUMENTS + names, plugins=[plugin])
                if plugin.collected:
                    raise RuntimeError("the tests have changed since they were collected")
                return "caught", "cannot be imported"
            status, found = forked(work)
            self.report(fault, *(found or ("caught", f"end of the process, signal {status}")), begun)


def parsed(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def plant(fault, living, models=()):
    """Give the living functions of a module, and those of a later import, the fault; cases are made anew with it."""
    name = str(ROOT / fault.path)
    sys.meta_path.insert(0, Changed(fault.path, fault.tree(parsed(fault.path))))
    exchange([each for each in living if each.__code__.co_filename == name], *compiled(fault))
    if models:
        forget_cases()


def compiled(fault):
    """Its module's code without and with the fault."""
    source, name = parsed(fault.path), str(ROOT / fault.path)
    return compile(source, name, "exec"), compile(fault.tree(source), name, "exec")


def main(words=None):
    """Exit status 1 if a fault was not caught."""
    run = Run(options_of(words))
    sys.meta_path.insert(0, Absent())
    import hypothesis, matplotlib.pyplot, scipy.integrate, scipy.optimize, scipy.stats  # noqa: E401, F401  (once)

    def first(leave):
        plugin = Tests({str(ROOT / path) for path in files(run.options.study)},
                       lambda plugin, items: leave(run.in_place(plugin, items)))
        sys.settrace(plugin.watch)
        pytest.main(ARGUMENTS + [f"tests/{run.options.study}", *SHARED], plugins=[plugin])

    run.done, run.later = forked(first, wall=1e9)[1]
    run.imported_anew()
    missed = [each for each in run.done if each.status != "caught"]
    sys.stdout.write(f"{run.options.study}: {len(run.done)} faults, {len(missed)} not caught\n")
    for each in missed:
        sys.stdout.write(f"  {each.status}: {each.path}:{each.line} {each.room}: {each.what}: {each.text}\n")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
