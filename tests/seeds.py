"""The tests that draw, under fresh seeds: ``python -m tests.seeds --first 80200 --count 40 [pytest's arguments]``.

One line a seed: its tests, how many failed, CPU seconds, and which failed; then
the sums. Tests that draw are those that ask for `rng` or `rng_seed` and
hypothesis's; ``--fixed`` takes those of the fixture `fixed` in their place.
All seeds run in one process, which collects its modules once.
"""

import argparse
import contextlib
import io
import sys
import time

import hypothesis
import pytest

# From the second seed on modules are there already, which pytest warns of.
QUIETLY = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")


class Drawn:
    """A plugin: keeps the tests that draw, and says how they ended."""

    def __init__(self, fixtures):
        self.fixtures, self.tests, self.failures = fixtures, set(), {}

    def draws(self, item):
        if not self.fixtures.isdisjoint(item.fixturenames):
            return True
        return "fixed" not in self.fixtures and hypothesis.is_hypothesis_test(getattr(item, "obj", None))

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self.draws(item)]

    def pytest_runtest_logreport(self, report):
        self.tests.add(report.nodeid)
        if report.failed:
            self.failures[report.nodeid] = report.longreprtext


def run(seed, fixed, arguments):
    """The tests that draw, under one seed: a plugin that knows how they ended, CPU seconds."""
    plugin = Drawn({"fixed"} if fixed else {"rng", "rng_seed"})
    option = ["--fixed-seed" if fixed else "--rng-seed", str(seed)]
    start, output = time.process_time(), io.StringIO()
    with contextlib.redirect_stdout(output):
        status = pytest.main([*QUIETLY, *option, *arguments], plugins=[plugin])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise SystemExit(output.getvalue())
    return plugin, time.process_time() - start


def main(words=None):
    parser = argparse.ArgumentParser(prog="python -m tests.seeds", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--first", type=int, required=True, help="first seed")
    parser.add_argument("--count", type=int, default=40, help="how many seeds (default: %(default)s)")
    parser.add_argument("--fixed", action="store_true", help="tests that take the fixture `fixed`, under other seeds")
    options, arguments = parser.parse_known_args(words)
    tests = failures = 0
    for seed in range(options.first, options.first + options.count):
        plugin, seconds = run(seed, options.fixed, arguments or ["tests"])
        tests, failures = tests + len(plugin.tests), failures + len(plugin.failures)
        print(seed, len(plugin.tests), len(plugin.failures), f"{seconds:.0f}", *plugin.failures, flush=True)
        for name, text in plugin.failures.items():
            print(f"{seed} {name}\n{text}\n", file=sys.stderr, flush=True)
    print(f"{options.count} seeds, {tests} tests, {failures} failed")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
