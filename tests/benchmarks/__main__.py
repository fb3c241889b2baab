"""Command line of the benchmarks: ``python -m tests.benchmarks [NAME …]``.

Every row times contenders in turn, in one thread, on the same work, and stops if their answers differ.
"""

import argparse
import datetime
import os
import platform
from pathlib import Path

import numpy as np

from tests.benchmarks import benign_oscillation, convex_annealing, images, learning_order, linear_stability, network
from tests.benchmarks._case import record_of
from tests.benchmarks._measure import limits, load
from tests.benchmarks._output import lines, save

BENCHMARKS = {
    **linear_stability.BENCHMARKS,
    **convex_annealing.BENCHMARKS,
    **benign_oscillation.BENCHMARKS,
    **learning_order.BENCHMARKS,
    **network.BENCHMARKS,
    **images.BENCHMARKS,
}


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
    parser.add_argument("--out", type=Path, metavar="DIR", help="write results.json and table.md there")
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="S",
                        help="about so long per row: fewer rounds, and the largest sizes left out")
    options = parser.parse_args()
    names = options.names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    versions = {name: getattr(load(name), "__version__", "not installed") for name in ("torch", "jax", "numba")}
    machine = limits()
    today, cores = datetime.date.today().isoformat(), f"{_processor()}, {os.cpu_count()} cores"
    environment = {"date": today, "machine": cores, "Python": platform.python_version(), "NumPy": np.__version__,
                   **versions, "limits": machine}
    print(", ".join(f"{name} {version}" for name, version in environment.items() if name != "limits"))
    print(f"limits of this machine, one thread: {machine['flops'] / 1e9:.0f} GFLOP/s in matrix products, "
          f"{machine['bytes'] / 1e9:.0f} GB/s copied in the L2 cache, {1e9 / machine['normals']:.1f} ns a normal")
    records = []
    for name in names:
        print(f"\n{name}")
        for entry in BENCHMARKS[name]():
            records.append(record_of(entry, machine, options.seconds))
            print("  " + "\n  ".join(lines(records[-1])), flush=True)
            if options.out is not None:
                save(records, environment, options.out)


main()
