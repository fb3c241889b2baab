"""The whole suite in two processes where there are two cores: each takes the next file that neither has taken.

The second is a pytest of its own with the same arguments; what it reports the
first tells as its own, and a test of which neither tells is a failure. A part
of the suite, and whatever stops at a failure, runs in one process, as does all
with ``--processes 1``. Tests draw the same numbers either way.
"""

import os
import pickle
import subprocess
import sys
import zlib
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

_WHOLE = 3000  # tests: what is less is not the suite


def add_options(parser):
    parser.addoption("--processes", type=int, default=2, help="1: the suite in this process (default: %(default)s)")
    parser.addoption("--shared", help="of the second process alone: the directory by which files are shared")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    config = session.config
    if shared := config.getoption("--shared"):
        with open(Path(shared) / "reports", "wb") as file:
            config.pluginmanager.register(_Writer(config, file))
            run(session, Path(shared))
        return True
    options = config.option
    if (len(session.items) < _WHOLE or config.getoption("--processes") < 2 or (os.cpu_count() or 1) < 2
            or session.testsfailed or options.collectonly or options.maxfail or options.usepdb
            or config.pluginmanager.hasplugin("dsession")):
        return None
    with TemporaryDirectory() as shared:
        words = [sys.executable, "-m", "pytest", *config.invocation_params.args, f"--shared={shared}",
                 f"--basetemp={shared}/tmp"]
        with open(Path(shared) / "said", "w", encoding="utf-8") as said:
            second = subprocess.Popen(words, cwd=config.invocation_params.dir, stdout=said, stderr=said)
        try:
            told = run(session, Path(shared))
            second.wait()
        finally:
            second.kill()
            second.wait()
        tell(session, Path(shared), told)
    return True


def run(session, shared):
    """Run the tests of the files that this process takes; their names."""
    mine = (item for file, items in groupby(session.items, key=lambda item: item.path) if taken(shared, file)
            for item in items)
    names, item = set(), next(mine, None)
    while item is not None:
        following = next(mine, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        names.add(item.nodeid)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
    return names


def taken(shared, file):
    """Whether this process takes a file, which only one does."""
    try:
        (shared / f"taken-{zlib.crc32(str(file).encode()):08x}-{file.name}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class _Writer:
    """Writes each report as it comes."""

    def __init__(self, config, file):
        self.config, self.file = config, file

    def pytest_runtest_logreport(self, report):
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        pickle.dump(data, self.file)
        self.file.flush()


def written(shared):
    """The reports of the second process, up to where it was killed."""
    with suppress(FileNotFoundError, EOFError, pickle.UnpicklingError), open(shared / "reports", "rb") as file:
        while True:
            yield pickle.load(file)


def tell(session, shared, told):
    """Tell what the second process wrote, and fail for whatever test nobody told of."""
    hook = session.config.hook
    for data in written(shared):
        report = hook.pytest_report_from_serializable(config=session.config, data=data)
        if report.when == "setup":
            hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
        hook.pytest_runtest_logreport(report=report)
        if report.when == "teardown":
            hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)
            told.add(report.nodeid)
    untold = [item for item in session.items if item.nodeid not in told]
    last = (shared / "said").read_text(encoding="utf-8", errors="replace")[-2000:] if untold else ""
    for item in untold:
        hook.pytest_runtest_logreport(report=pytest.TestReport(
            item.nodeid, item.location, {}, "failed", f"not run: the second process ended before\n{last}", "call"))
