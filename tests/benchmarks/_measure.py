"""Median times over alternated runs, the limits of the machine, and peak memory."""

import importlib
import importlib.util
import tracemalloc
from statistics import median
from time import perf_counter

import numpy as np


def load(name):
    """The module, or None where it is not installed."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def alternate(functions, rounds=9):
    """{name: (median seconds, median ratio to the first function, round by round)} of functions run in turn.

    Each is called once beforehand, which compiles what is compiled.
    """
    for function in functions.values():
        function()
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            started = perf_counter()
            function()
            times[name].append(perf_counter() - started)
    first = next(iter(times.values()))
    return {name: (median(taken), median(b / a for a, b in zip(first, taken))) for name, taken in times.items()}


def matrix_product_rate(size=768):
    """Floating-point operations a second of a large float64 matrix product."""
    a = np.ones((size, size))
    seconds, _ = alternate({"gemm": lambda: a @ a}, rounds=7)["gemm"]
    return 2 * size**3 / seconds


def memory_rate(size=2**16):
    """Bytes a second moved (read and written) by a copy that stays in the L2 cache (512 KB each way)."""
    source, target = np.ones(size), np.empty(size)

    def copy():
        for _ in range(50):
            np.copyto(target, source)

    seconds, _ = alternate({"copy": copy}, rounds=7)["copy"]
    return 50 * 2 * source.nbytes / seconds


def normal_rate(size=2**16):
    """Standard normal numbers (float64) that NumPy draws in a second, into an array that is there."""
    generator, out = np.random.default_rng(0), np.empty(size)
    seconds, _ = alternate({"draw": lambda: generator.standard_normal(out=out)}, rounds=9)["draw"]
    return size / seconds


def limits():
    """What this machine can do in a second, in one thread: the rates that cases are held against."""
    return {"flops": matrix_product_rate(), "bytes": memory_rate(), "normals": normal_rate()}


def peak_memory(function):
    """Bytes that NumPy and Python had allocated at the most during a call."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
