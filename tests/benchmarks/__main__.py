"""Command line of the benchmarks: ``python -m tests.benchmarks [NAME …]``.

Every row times contenders in turn, in one thread, on the same work, and stops if their answers differ. With ``--out``
a table that was broken off goes on where it stopped.
"""

import argparse
import datetime
import os
import platform
from pathlib import Path

import numpy as np

from tests.benchmarks import benign_oscillation, convex_annealing, images, learning_order, linear_stability, network
from tests.benchmarks._before import BEFORE, State
from tests.benchmarks._case import record_of
from tests.benchmarks._measure import limits, load
from tests.benchmarks._output import kept, lines, save

MODULES = linear_stability, convex_annealing, benign_oscillation, learning_order, network, images
BENCHMARKS = {name: rows for module in MODULES for name, rows in module.BENCHMARKS.items()}


def _processor():
    """The machine's class, as Linux names it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")),
                platform.machine())


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="write results.json and table.md there; rows that results.json has are not run again")
    parser.add_argument("--before", type=Path, metavar="DIR", help="a checkout of an earlier state: a contender too")
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="S",
                        help="about so long per row: fewer rounds, and the largest sizes left out")
    options = parser.parse_args()
    names = options.names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})     # an earlier state shares the caches of one core
    earlier = State(options.before, [module.__name__.split(".")[-1] for module in MODULES]) if options.before else None
    machine = limits()
    environment = _environment(earlier, machine)
    print(", ".join(f"{name} {version}" for name, version in environment.items() if name != "limits"))
    print(f"limits of this machine, one thread: {machine['flops'] / 1e9:.0f} GFLOP/s in matrix products, "
          f"{machine['bytes'] / 1e9:.0f} GB/s copied in the L2 cache, {1e9 / machine['normals']:.1f} ns a normal")
    records = kept(options.out)
    done = {record["name"] for record in records}
    for name in names:
        print(f"\n{name}")
        for entry in BENCHMARKS[name]():
            if entry.name in done:
                continue
            records.append(record_of(entry, machine, options.seconds, earlier))
            print("  " + "\n  ".join(lines(records[-1])), flush=True)
            if options.out is not None:
                save(records, environment, options.out)


def _environment(earlier, machine):
    versions = {name: getattr(load(name), "__version__", "not installed") for name in ("torch", "jax", "numba")}
    today, cores = datetime.date.today().isoformat(), f"{_processor()}, {os.cpu_count()} cores"
    return {"date": today, "machine": cores, "Python": platform.python_version(), "NumPy": np.__version__, **versions,
            **({BEFORE: earlier.name()} if earlier else {}), "limits": machine}


main()
