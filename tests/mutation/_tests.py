"""The tests of a study: which statements each executes, and whether they notice a fault."""

import os
import pickle
import signal
import sys
import time
import zlib

import pytest

from tests.mutation._faults import ROOT, files, names_of
from tests.mutation._processes import forked

SHARED = ("tests/reference/test_reference.py", "tests/reference/test_defaults.py", "tests/test_arguments.py",
          "tests/test_laws.py")
OFTEN = 3000    # events of one function and test, after which its lines are known


def chosen(items, study):
    """The tests of a study's folder, and those of the shared files that name it: of the laws only those of values."""
    names = names_of(study)
    return [item for item in items if f"tests/{study}/" in item.nodeid or any(name in item.nodeid for name in names)
            and ("test_law[" not in item.nodeid or "derivative" in item.nodeid)]


def unmeasured(items):
    """Refusals of bad arguments, of which none says its study: cheap, and tried last on every fault."""
    return [item for item in items if "test_arguments.py" in item.nodeid and item.path.parent == ROOT / "tests"
            and "test_examples" not in item.nodeid]


class Tests:
    """A plugin of pytest that takes the loop over: measures each test once, then tries the faults."""

    def __init__(self, paths, job):
        self.paths, self.job, self.lines, self.often = paths, job, set(), {}
        self.failed, self.collected = None, True

    def watch(self, frame, event, _):
        """A tracer of the study's own lines; what has run often in a test is left alone, for speed."""
        code = frame.f_code
        if code.co_filename not in self.paths or code.co_name == "<module>":
            return None
        self.lines.add((code.co_filename, frame.f_lineno))
        self.often[code] = self.often.get(code, 0) + 1
        return self.watch if self.often[code] < OFTEN else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self):
        """A failing example is not made smaller: that it fails is enough."""
        import hypothesis
        hypothesis.settings.register_profile(
            "mutation", parent=hypothesis.settings.get_profile("house"), report_multiple_bugs=False,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate))
        hypothesis.settings.load_profile("mutation")

    def pytest_collectreport(self, report):
        self.collected = self.collected and not report.failed

    def pytest_runtest_logreport(self, report):
        if report.failed and self.failed is not None:
            self.failed(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """Called with the tests collected."""
        session.config.get_terminal_writer()._file = open(os.devnull, "w")
        self.job(self, session.items)
        return True

    def measured(self, item):
        """(seconds of CPU, lines of the study that it executes) of one test run by itself."""
        def work(leave):
            self.failed, self.lines = (lambda test: leave((float("nan"), set()))), set()
            self.often.clear()
            begun = time.process_time()
            sys.settrace(self.watch)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            sys.settrace(None)
            return time.process_time() - begun, self.lines
        return forked(work)[1] or (float("nan"), set())


def tried(plugin, chosen, seconds, change):
    """("survived" or "caught", by what) of a fault that `change()` plants, by the chosen tests in their order."""
    def work(leave):
        plugin.failed = lambda test: leave(("caught", test))
        change()
        for item, following in zip(chosen, [*chosen[1:], None]):
            signal.setitimer(signal.ITIMER_PROF, 10 + 10 * seconds.get(item, 1))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        signal.setitimer(signal.ITIMER_PROF, 0)
        return "survived", f"{len(chosen)} tests"
    status, found = forked(work)
    return found or ("caught", f"end of the process, signal {os.WTERMSIG(status)}")


def measured(plugin, items, study, kept):
    """{test: (seconds, lines)}; kept in a file for as long as neither the study nor the test's file changes."""
    source = "".join((ROOT / path).read_text(encoding="utf-8") for path in files(study))
    keys = {item: (item.nodeid, zlib.crc32((source + item.path.read_text(encoding="utf-8")).encode()))
            for item in items}
    known = pickle.loads(kept.read_bytes()) if kept and kept.exists() else {}
    fresh = {}
    for number, (item, key) in enumerate(keys.items(), 1):
        fresh[key] = known.get(key) or plugin.measured(item)
        if kept and (number % 25 == 0 or number == len(keys)):   # a run that is ended early is not lost
            kept.write_bytes(pickle.dumps({**known, **fresh}))
    return {item: fresh[key] for item, key in keys.items()}


def anew(plugin, items, seconds, leave):
    """Run the tests of a process that has imported a fault."""
    plugin.failed = lambda test: leave(("caught", test))
    signal.setitimer(signal.ITIMER_PROF, 30 + 10 * seconds)
    for item, following in zip(items, [*items[1:], None]):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    leave(("survived", f"{len(items)} tests, imported anew"))
