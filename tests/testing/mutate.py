"""Single-fault variants of the plain models, made by machine, and the share of them that the kit catches.

    python -m tests.testing.mutate [--source models | scalars] [--every K] [--first F]

Each variant changes one place of `_plain.py` (or `_scalars.py`): an operator, a
comparison, a constant, an index, a name, a branch, an argument that is no
longer passed. It gets the checks that reach that place, the cheap ones first,
up to the first that fails. A variant that survives is held against the right
code on random instances that the kit does not use: one that differs there is a
hole, one that never does is listed, to be judged by eye.
"""

import argparse
import ast
import collections
import functools
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from collections.abc import Callable

import numpy as np

from refimpl.testing import models
from refimpl.testing._candidate import Candidate
from refimpl.testing._cases import MODELS, complete, shared
from refimpl.testing._comparison import Judging, check
from refimpl.testing._portable_numbers import Numbers
from tests.testing import _plain, _scalars
from tests.testing._variants import NEUTRAL, room_of, variants

SECONDS = 5.0       # of one variant's own time: one that loops for ever is caught by the clock
LARGEST = 700       # numbers of w times examples in a case that plain loops run; the two largest cases are left out
INSTANCES = 24      # random instances per model that survivors are held against
HELPERS = ("plain", "listed")
_MORE = {           # settings that random instances of the kit do not vary
    "MLP": {"loss_kind": ["squared", "cross-entropy"]},
    "ConvNet": {"shape": [(1, 4, 4), (2, 3, 5), (1, 5, 4)], "size": [1, 2, 3], "stride": [None, 1, 2, 3],
                "pad": [0, 1, 2]},
    "TwoLayerReLU": {"w_scale": [1.0, 0.375, 1.5], "v_scale": [2.0, 0.75, 1.25]},
}


class TooLong(KeyboardInterrupt):
    """The clock's: it ends the run of the kit, as an interrupt does."""


@dataclass(frozen=True)
class Source:
    """A file whose variants are judged, and how a candidate is made of its names."""

    path: str
    make: Callable            # (names, model): what `check_model` takes
    convert: Callable | None

    @functools.cached_property
    def tree(self):
        return ast.parse(Path(self.path).read_text(encoding="utf-8"))

    def candidate(self, names, model):
        made = self.make(names, model)
        return Candidate(made, ("predict", "sharpness", *(made if isinstance(made, dict) else ())))


def _model(names, model):
    return lambda **settings: names["plain"](model, settings)


SOURCES = {"models": Source(_plain.__file__, _model, _plain.listed),
           "scalars": Source(_scalars.__file__, lambda names, model: names["SCALARS"].get(model, {}), None)}


@dataclass(frozen=True)
class Reached:
    """One check and the rooms (class, method) of the source that the right code enters in it."""

    model: str
    case: object
    quantity: str
    rooms: frozenset
    seconds: float


def reach(source, model, cases):
    """`Reached` of every check of some cases that the right code answers."""
    scope = names_of(compile(source.tree, source.path, "exec"))
    for case in cases:
        if case.w.size * len(case.x) > LARGEST:
            continue
        for quantity in case.expected:
            candidate, entered = source.candidate(scope, model), set()
            if candidate.why_skipped(case, quantity):
                continue
            candidate = source.candidate(scope, model)

            def watch(frame, event, _):
                if event == "call" and frame.f_code.co_filename == source.path:
                    entered.add(frame.f_code.co_firstlineno)

            sys.setprofile(watch)
            begun = time.perf_counter()
            record = check(candidate, case, quantity, Judging(source.convert))
            seconds = time.perf_counter() - begun
            sys.setprofile(None)
            if record.status == "passed":
                yield Reached(model, case, quantity, frozenset(room_of(source.tree, line) for line in entered), seconds)
            elif record.status != "skipped":
                raise AssertionError(str(record))


def names_of(code):
    """The names that compiled source defines."""
    scope = {"__name__": "variant", **NEUTRAL}
    exec(code, scope)
    return scope


def instances(model):
    """Random cases that the kit does not have, some with an example that is repeated or zero."""
    entry = MODELS[model]
    for k in range(INSTANCES):
        numbers = Numbers(f"mutation {model} {k}")
        size = {name: values[int(numbers.index(len(values)))] if isinstance(values, list) else values[0] + int(
            numbers.index(values[1] - values[0] + 1)) for name, values in (entry.ranges | _MORE.get(model, {})).items()}
        if size.get("loss_kind") == "cross-entropy" and size["widths"][-1] == 1:
            size["widths"] = (2, 3, 3)
        inputs = entry.draw(numbers, **size)
        if len(inputs.x) > 1 and k % 3:
            inputs.x[0] = inputs.x[-1] if k % 3 == 1 and inputs.y is None else 0
        yield complete(model, f"{model}/mutation-{k}", inputs, thresholds=not k % 3)


def first_failure(source, scope, checks):
    """The record of the first check that a variant fails, or None."""
    made = {}
    for each in checks:
        if each.model not in made:
            made[each.model] = source.candidate(scope, each.model)
        record = check(made[each.model], each.case, each.quantity, Judging(source.convert))
        if record.status not in ("passed", "skipped"):
            return record
    return None


def _late(*_):
    raise TooLong


def judged(source, variant, of_kit, of_instances):
    """(how it ended: "raises", "differs", "no end" or "", the check, where a survivor differs from the right code)."""
    signal.signal(signal.SIGVTALRM, _late)
    room = variant.room
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        scope = names_of(compile(variant.tree(source.tree), "variant", "exec"))
        with np.errstate(all="ignore"):
            record = first_failure(source, scope, (each for each in of_kit if room in each.rooms))
            if record is not None:
                return "raises" if record.status == "error" else "differs", record.check, ""
            signal.setitimer(signal.ITIMER_VIRTUAL, 6 * SECONDS)
            others = (each for model in dict.fromkeys(each.model for each in of_kit if room in each.rooms)
                      for each in of_instances(model))
            record = first_failure(source, scope, (each for each in others if room in each.rooms))
        return "", "", "" if record is None else record.check
    except TooLong:
        return "no end", "", ""
    except Exception as error:    # what cannot even be imported
        return "raises", repr(error), ""
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def run(source, every=1, first=0, tell=lambda line: None):
    """{room's class: Counter} of all variants or every k-th; survivors are told as they are found."""
    of_kit = sorted((each for model in models() for each in reach(source, model, shared(model))),
                    key=lambda each: each.seconds)
    of_instances = functools.cache(lambda model: list(reach(source, model, instances(model))))
    reached = {room for each in of_kit for room in each.rooms}
    found = collections.defaultdict(collections.Counter)
    for number, variant in enumerate(variants(source.tree)):
        if number % every != first or variant.room[0] in HELPERS:
            continue
        if variant.room not in reached:
            tell(f"not reached: {variant.room}:{variant.line} {variant.what}")
        ended, _, where = judged(source, variant, of_kit, of_instances)
        found[variant.room[0]][ended or ("hole" if where else "same")] += 1
        if not ended:
            tell(f"{'hole' if where else 'same'}: {'.'.join(filter(None, variant.room))}:{variant.line} {variant.what} "
                 f"{where}")
        done = sum(each.total() for each in found.values())
        if done % 250 == 0:
            tell(f"… {done} variants, {time.process_time():.0f} s")
    return found


def table(found):
    """Rows of Markdown: what the variants of each class did."""
    lines = ["| in | variants | change an answer | caught | by value | by an error | by the clock | holes | same |",
             "|---|---|---|---|---|---|---|---|---|"]
    total = sum(found.values(), collections.Counter())
    for name, counts in (*found.items(), ("all", total)):
        caught = counts["differs"] + counts["raises"] + counts["no end"]
        lines.append(f"| {name} | {counts.total()} | {caught + counts['hole']} | {caught} | {counts['differs']} | "
                     f"{counts['raises']} | {counts['no end']} | {counts['hole']} | {counts['same']} |")
    return "\n".join(lines)


def main(words=None):
    """Run, and say what survived; exit status 1 if there is a hole."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--source", choices=tuple(SOURCES), default="models")
    parser.add_argument("--every", type=int, default=1, help="one variant in so many (default: all)")
    parser.add_argument("--first", type=int, default=0, help="number of the first of these (default: 0)")
    options = parser.parse_args(words)
    found = run(SOURCES[options.source], options.every, options.first, lambda line: print(line, flush=True))
    sys.stdout.write(f"{table(found)}\n{time.process_time():.0f} s\n")
    return int(any(counts["hole"] for counts in found.values()))


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
