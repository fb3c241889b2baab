"""Command line of the benchmarks: ``python -m tests.benchmarks [NAME …]``."""

import argparse
import platform

import numpy as np

from tests.benchmarks import benign_oscillation, images, learning_order, linear_stability, network
from tests.benchmarks._measure import load

BENCHMARKS = {**linear_stability.BENCHMARKS, **benign_oscillation.BENCHMARKS, **learning_order.BENCHMARKS,
              **network.BENCHMARKS, **images.BENCHMARKS}


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (default: all)")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    versions = {name: getattr(load(name), "__version__", "not installed") for name in ("torch", "jax", "numba")}
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    for name in names:
        BENCHMARKS[name]()


main()
