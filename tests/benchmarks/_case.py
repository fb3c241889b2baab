"""What a benchmark is made of: cases timed side by side, and how cost grows with size."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from tests.benchmarks._measure import alternate, peak_memory


@dataclass(frozen=True)
class Case:
    """One piece of work that several contenders do to the same answer.

    `make` returns {contender: function}, ours first; each function returns
    what is compared. The least work of a call, by which the machine's limit is
    computed, is given as arithmetic, bytes moved in cache, and normals drawn.
    """

    name: str
    unit: str                # what is counted
    count: int               # units in one call
    make: Callable
    flops: float = 0.0
    traffic: float = 0.0
    normals: float = 0.0
    rtol: float = 1e-9
    rounds: int = 5
    note: str = ""           # what holds ours back, where something does


@dataclass(frozen=True)
class Scaling:
    """Time and peak memory of one function over sizes: ``make(size)`` returns it, set up."""

    name: str
    variable: str            # what the sizes are
    sizes: tuple
    make: Callable
    rounds: int = 3


def timed(case, limits):
    """A case's record for the table and the JSON file."""
    functions = case.make()
    first, answers = {}, {}
    for name, function in functions.items():
        started = perf_counter()
        answers[name] = np.asarray(function())
        first[name] = perf_counter() - started
    ours = next(iter(functions))
    scale = np.abs(answers[ours]).max()
    differences = {name: float(np.abs(answer - answers[ours]).max() / scale) for name, answer in answers.items()}
    wrong = [name for name, difference in differences.items() if not difference <= case.rtol]
    if wrong:
        raise AssertionError(
            f"{case.name}: {wrong[0]} differs from {ours} by {differences[wrong[0]]:.1e}, more than {case.rtol:g}"
        )
    measured = alternate(functions, case.rounds)
    limit = max(case.flops / limits["flops"], case.traffic / limits["bytes"]) + case.normals / limits["normals"]
    return {
        "kind": "case",
        "name": case.name,
        "unit": case.unit,
        "count": case.count,
        "note": case.note,
        "limit": limit,
        "peak_memory": peak_memory(functions[ours]),
        "contenders": {
            name: {"seconds": seconds, "ratio": ratio, "first_call": first[name], "difference": differences[name]}
            for name, (seconds, ratio) in measured.items()
        },
    }


def grown(scaling):
    """A scaling's record: seconds, peak bytes, and the exponents fitted to the larger half of the sizes."""
    seconds, peaks = [], []
    for size in scaling.sizes:
        function = scaling.make(size)
        seconds.append(alternate({"": function}, scaling.rounds)[""][0])
        peaks.append(peak_memory(function))
    upper = slice(len(scaling.sizes) // 2, None)
    logs = np.log(np.array([scaling.sizes, seconds, peaks], float))[:, upper]
    exponents = [float(np.polyfit(logs[0], values, 1)[0]) for values in logs[1:]]
    return {"kind": "scaling", "name": scaling.name, "variable": scaling.variable, "sizes": list(scaling.sizes),
            "seconds": seconds, "peak_memory": peaks, "time_exponent": exponents[0], "memory_exponent": exponents[1]}
