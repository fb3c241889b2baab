"""What ``python -m figures`` does: read the words, check what can be checked, draw, report."""

import argparse
import os
import signal
import sys
import time
from datetime import datetime, UTC
from pathlib import Path

from figures import _all, _data_set, _names, report
from figures._all import Task
from figures._figure import EFFORTS
from figures._files import clear_pending, current, probe
from figures._processes import draw_all
from figures._progress import Progress
from theory.claims import CLAIMS

OUTPUT = Path(__file__).parent / "output"
NAME = "python -m figures"


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message):
        self.exit(2, f"{NAME}: error: {message}\n")


def arguments(words):
    """The parsed command line; exits with status 2 where it makes no sense."""
    parser = _Parser(prog=NAME, description="Draw figures; write report.html and report.md.")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="figures, studies, ids of claims, or globs of these (default: all; see --list)")
    parser.add_argument("--list", action="store_true", help="say what there is, with the expected seconds of each")
    parser.add_argument("--effort", choices=EFFORTS, default="standard",
                        help="quick: a smoke run; full: the sizes of the sources")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: figures/output/EFFORT)")
    parser.add_argument("--missing", action="store_true",
                        help="draw only what is not there for this effort, seed, data set and version")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="processes (default: all cores)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of all random numbers (default: 0)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="IDX files of the MNIST family, or CIFAR-10 or -100 "
                             "binary files, for the figures that can use them (see --list); default: synthetic sets")
    parser.add_argument("--gallery", action="store_true",
                        help="draw nothing; write figures/README.md from what was drawn at standard effort")
    options = parser.parse_args(words)
    for name, least in (("workers", 1), ("seed", 0)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}, got {getattr(options, name)}")
    try:
        options.chosen = _names.chosen(options.names)
    except ValueError as error:
        parser.error(error)
    options.out = options.out or OUTPUT / options.effort
    return options


def run(words=None):
    """Run the command; returns the exit status."""
    options = arguments(words)
    if options.list:
        print("\n".join(_names.listing(_all.STUDIES)))
        return 0
    try:
        if options.gallery:
            from figures import _gallery

            print(f"gallery: {_gallery.write(options.out)}")
            return 0
        probe(options.out)
        data_set = _data_set.identity(options.data)
    except (OSError, ValueError) as error:
        print(f"{NAME}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return _draw_and_report(options, data_set)


def _draw_and_report(options, data_set):
    clear_pending(options.out)
    started, clock = datetime.now(UTC), time.monotonic()
    seconds = {figure.name: figure.expected(options.effort, options.data) for figure in options.chosen}
    tasks = [Task(figure.name, options.effort, options.seed, options.out, options.data,
                  data_set if figure.reads_data else _data_set.SYNTHETIC)
             for figure in sorted(options.chosen, key=lambda figure: -seconds[figure.name])]  # the longest first
    missing = [task for task in tasks if not (options.missing and current(task))]
    progress = Progress({task.name: seconds[task.name] for task in missing}, options.workers)
    if len(missing) < len(tasks):
        progress.say(f"{len(tasks) - len(missing)} of {len(tasks)} figures are there")
    outcomes, interrupted = draw_all(missing, options.workers, progress)
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN) if interrupted else None  # the report is next, and short
    summary = report.write(options.out, tasks, outcomes, started=started, seconds=time.monotonic() - clock,
                           interrupted=interrupted)
    print(f"report: {options.out / report.HTML}")
    _complain(summary, outcomes)
    if interrupted:
        print(f"{NAME}: interrupted: {len(summary.records)} of {len(tasks)} figures are drawn; --missing goes on from "
              "there", file=sys.stderr)
        signal.signal(signal.SIGINT, ignored)
        return 130
    lacking = len(summary.records) < len(tasks)
    return 1 if summary.differing or lacking or any(outcome.failed for outcome in outcomes) else 0


def _known(claim, record):
    """What the ledger says of a claim on the real set that a record was made with."""
    return "".join(f"; the ledger on {one.data_set}, {one.verdict}: {one.regime}" for own in CLAIMS if own.id == claim
                   for one in own.elsewhere if (record.get("data") or "").startswith(one.data_set))


def _complain(summary, outcomes):
    """On standard error: each row that differs and each figure that could not be drawn; in one line after Ctrl-C."""
    lines = [f"DIFFERS {row['claim']} in {record['figure']}: {row['quantity']}: predicted {row['predicted']}, "
             f"measured {row['measured']}, tolerance {row['tolerance']}{_known(row['claim'], record)}"
             for record, row in summary.differing]
    lines += [f"NOT DRAWN {outcome.name}: {outcome.error}" for outcome in outcomes if outcome.error]
    if summary.interrupted and len(lines) > 2:
        lines = [f"{len(lines)} rows differ or figures were not drawn; the report names them"]
    for line in lines:
        print(line, file=sys.stderr)
