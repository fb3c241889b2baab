"""What a benchmark is made of: cases timed side by side, and how cost grows with size."""

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

import numpy as np

from tests.benchmarks._before import BEFORE
from tests.benchmarks._measure import alternate, apart, peak_memory


@dataclass(frozen=True)
class Case:
    """One piece of work that several contenders do to the same answer.

    `make` returns {contender: function}, ours first; each function returns
    what is compared, or None. The limit is a contender too, `_bare.BARE`; where
    there is none the least work of a call is given as arithmetic, bytes moved
    in cache, and normals drawn, and the limit is computed from the machine's rates.
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


@dataclass(frozen=True)
class Footprint:
    """Time and peak memory resident of a process of its own that runs `code`."""

    name: str
    code: str


def record_of(entry, limits, seconds=np.inf, earlier=None):
    """The record of a `Case`, `Scaling` or `Footprint`, in about so many seconds where it can be cut short."""
    if isinstance(entry, Footprint):
        taken, peak = apart(entry.code)
        return {"kind": "footprint", "name": entry.name, "seconds": taken, "peak_memory": peak,
                BEFORE: apart(entry.code, earlier.directory) if earlier else None}
    return (timed if isinstance(entry, Case) else grown)(entry, limits, seconds, earlier)


def timed(case, limits, seconds=np.inf, earlier=None):
    """A case's record for the table and the JSON file; rounds end after so many seconds."""
    functions = case.make()
    ours = next(iter(functions))
    if earlier:
        functions = {ours: functions[ours], **earlier.contender(case.name), **functions}
    first, answers = {}, {}
    for name, function in functions.items():
        started = process_time()
        answer = function()
        first[name] = process_time() - started
        if answer is not None:
            answers[name] = np.asarray(answer)
    scale = np.abs(answers[ours]).max() if answers else 1.0
    differences = {name: float(np.abs(answer - answers[ours]).max() / scale) for name, answer in answers.items()}
    wrong = [name for name, difference in differences.items() if not difference <= case.rtol]
    if wrong:
        raise AssertionError(
            f"{case.name}: {wrong[0]} differs from {ours} by {differences[wrong[0]]:.1e}, more than {case.rtol:g}"
        )
    measured = alternate(functions, case.rounds, seconds)
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
            name: {"seconds": taken, "ratio": ratio, "first_call": first[name], "difference": differences.get(name)}
            for name, (taken, ratio) in measured.items()
        },
    }


def grown(scaling, limits=None, seconds=np.inf, earlier=None):
    """A scaling's record: seconds, peak bytes, and the exponents fitted to the larger half of the sizes.

    Sizes are left out, but for the first three, once a call has taken a tenth of so many seconds.
    """
    sizes, taken, peaks, before = [], [], [], []
    for size in scaling.sizes:
        if len(sizes) > 2 and taken[-1] > seconds / 10:
            break
        functions = {"ours": scaling.make(size), **(earlier.contender(scaling.name, size) if earlier else {})}
        functions["ours"]()
        measured = alternate(functions, scaling.rounds, seconds)
        sizes.append(size)
        taken.append(measured["ours"][0])
        before.append(measured[BEFORE][1] if BEFORE in measured else None)
        peaks.append(peak_memory(functions["ours"]))
    upper = slice(len(sizes) // 2, None)
    logs = np.log(np.array([sizes, taken, peaks], float))[:, upper]
    exponents = [float(np.polyfit(logs[0], values, 1)[0]) for values in logs[1:]]
    return {"kind": "scaling", "name": scaling.name, "variable": scaling.variable, "sizes": sizes, BEFORE: before,
            "seconds": taken, "peak_memory": peaks, "time_exponent": exponents[0], "memory_exponent": exponents[1]}
