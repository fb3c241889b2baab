"""Median times over alternated runs, the limits of the machine, and peak memory."""

import importlib
import importlib.util
import subprocess
import sys
import tracemalloc
from statistics import median
from time import process_time

import numpy as np


def load(name):
    """The module, or None where it is not installed."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def alternate(functions, rounds=9, seconds=np.inf):
    """{name: (median seconds, median ratio to the first function, round by round)} of functions run in turn.

    Seconds are of the processor, which other jobs on the machine disturb less. After so many `seconds` no further round
    begins. In every other round the second goes before the first: who follows whom decides what lies in the cache.
    """
    times, names = {name: [] for name in functions}, list(functions)
    for _ in range(rounds):
        if sum(map(sum, times.values())) > seconds:
            break
        for name in names:
            times[name].append(seconds_of(functions[name]))
        names[:2] = names[:2][::-1]
    first = next(iter(times.values()))
    return {name: (median(taken), median(b / a for a, b in zip(first, taken))) for name, taken in times.items()}


def seconds_of(function):
    """Of the processor, for one call; a function in another process tells its own."""
    if hasattr(function, "seconds"):
        return function.seconds()
    started = process_time()
    function()
    return process_time() - started


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


def apart(code, directory=None):
    """(seconds of the processor, peak bytes resident) of a Python process that runs `code`, or None where it fails."""
    tail = """
import resource, sys
used = resource.getrusage(resource.RUSAGE_SELF)
peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
if sys.platform == "linux":     # where the peak before counts what the parent held when it forked
    with open("/proc/self/status") as status:
        peak = 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(used.ru_utime + used.ru_stime, peak)
"""
    done = subprocess.run([sys.executable, "-c", code + tail], cwd=directory, capture_output=True, text=True,
                          check=directory is None)
    return tuple(map(float, done.stdout.split()[-2:])) or None
