"""Command line of the figures: ``python -m figures --help``."""

import argparse
import os
import sys
import time
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path

from figures._all import FIGURES, draw
from figures._figure import EFFORTS
from figures._files import clear_pending, load_rows
from figures._report import report
from refimpl._atomic import write
from refimpl._parallel import process_pool

OUTPUT = Path(__file__).parent / "output"


def arguments(words):
    """The parsed command line; exits with status 2 where it makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m figures", description="Draw the figures and write report.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures to draw (default: all; see --list)")
    parser.add_argument("--list", action="store_true", help="say what there is, with the expected seconds of each")
    parser.add_argument("--effort", choices=EFFORTS, default="standard",
                        help="quick: a smoke run; full: the sizes of the sources")
    parser.add_argument("--out", type=Path, default=OUTPUT, metavar="DIR", help="where to write (default: figures/output)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: all cores)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of all random numbers (default: 0)")
    parser.add_argument("--data", type=Path, metavar="DIR",
                        help="MNIST or FashionMNIST IDX files, or CIFAR-10 binary files, for the figures that can use "
                             "them (see --list); default: synthetic sets")
    options = parser.parse_args(words)
    known = [figure.name for figure in FIGURES]
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no figure {', '.join(unknown)}; there are {', '.join(known)}")
    if options.workers < 1:
        parser.error(f"--workers must be at least 1, got {options.workers}")
    if options.seed < 0:
        parser.error(f"--seed must be at least 0, got {options.seed}")
    if options.data is not None and not options.data.is_dir():
        parser.error(f"--data must be a directory, got {options.data}")
    options.names = list(dict.fromkeys(options.names)) or known
    return options


def main(words=None):
    """Run the command; returns the exit status: 1 when a verdict fails, else 0."""
    options = arguments(words)
    if options.list:
        print(f"{'figure':<24}{'seconds at ' + '/'.join(EFFORTS):<34}title [claims]")
        for figure in FIGURES:
            seconds = "/".join(f"{s:g}" for s in figure.seconds)
            print(f"{figure.name:<24}{seconds:<34}{figure.title} [{', '.join(figure.claims)}]"
                  f"{' (--data)' if figure.reads_data else ''}")
        return 0
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"python -m figures: error: cannot write to {options.out}: {error}", file=sys.stderr)
        return 2
    clear_pending(options.out)
    failures = _draw_all(options)
    text = report(load_rows(options.out, [figure.name for figure in FIGURES]))
    write(options.out / "report.md", text.encode())
    print(f"report: {options.out / 'report.md'}")
    for name, row in failures:
        print(f"DIFFERS {row.claim} in {name}: {row.quantity}: predicted {row.predicted}, measured {row.measured}, "
              f"tolerance {row.tolerance}", file=sys.stderr)
    return 1 if failures else 0


def _draw_all(options):
    seconds = {figure.name: figure.seconds[EFFORTS.index(options.effort)] for figure in FIGURES}
    order = sorted(options.names, key=lambda name: -seconds[name])  # the longest first
    tasks = {name: (name, options.effort, options.seed, options.out, options.data) for name in order}
    progress = _Progress(order, seconds, options.workers)
    failures = []

    def finished(name, outcome):
        took, failed = outcome
        failures.extend((name, row) for row in failed)
        progress.finished(name, took, failed)

    if options.workers == 1 or len(order) == 1:
        for name in order:
            progress.show()
            finished(name, draw(*tasks[name]))
        return failures
    with process_pool(min(options.workers, len(order))) as pool:
        pending = {pool.submit(draw, *tasks[name]): name for name in order}
        while pending:
            done, _ = wait(pending, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in done:
                finished(pending.pop(future), future.result())
            if pending:
                progress.show()
    return failures


class _Progress:
    """Elapsed and expected time on a terminal; one line a figure otherwise."""

    def __init__(self, names, seconds, workers):
        self.names, self.seconds, self.started = names, seconds, time.monotonic()
        self.expected = max(sum(seconds[name] for name in names) / workers, *(seconds[name] for name in names))
        self.done = 0
        self.live = sys.stderr.isatty()

    def show(self):
        if self.live:
            elapsed = time.monotonic() - self.started
            print(f"\r\033[K{self.done} of {len(self.names)} figures, {elapsed:.0f} s of about {self.expected:.0f} s",
                  end="", file=sys.stderr, flush=True)

    def finished(self, name, took, failed):
        self.done += 1
        if self.live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        verdict = f", {len(failed)} rows differ" if failed else ""
        print(f"{name}: {took:.1f} s (expected {self.seconds[name]:g}){verdict}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
