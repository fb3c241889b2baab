"""Single-fault variants of the plain models, made by machine, and the share of them that the kit catches.

    python -m tests.testing.mutate [--every K] [--first F]

Each variant changes one place of `_plain.py`: an operator, a comparison, a
constant, an index, a name, a branch, an argument that is no longer passed. A
variant that survives all cases is held against the right code on random
instances that the kit does not use: if they never differ it changes no answer.
"""

import argparse
import ast
import collections
import copy
import functools
import multiprocessing
import signal
import sys
from pathlib import Path

import numpy as np

from refimpl.testing import models
from refimpl.testing._candidate import Candidate
from refimpl.testing._case import function_of
from refimpl.testing._cases import MODELS, complete, shared as cases
from refimpl.testing._comparison import Judging, check
from refimpl.testing._portable_numbers import Numbers
from tests.testing._plain import listed, plain

SOURCE = Path(__file__).with_name("_plain.py")
SECONDS = 10        # of one variant, which may loop for ever: then it is caught by the clock
LARGEST = 700       # numbers of w times examples in a case that plain loops run; the two largest cases are left out
CLASSES = {"Regression": ("LinearRegression", "LeastSquares")}
_OPERATORS = {ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Add, ast.Div), ast.Div: (ast.Mult,),
              ast.Pow: (ast.Mult,)}
_COMPARED = {ast.Gt: (ast.GtE, ast.Lt), ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt,), ast.GtE: (ast.Gt,),
             ast.Eq: (ast.NotEq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,)}


def variants(source):
    """(class, line, what was changed, tree) of every single-fault variant of the models of a source."""
    tree = ast.parse(source)
    for place, node in enumerate(tree.body):
        named = isinstance(node, (ast.ClassDef, ast.FunctionDef))
        if not named or node.name in ("Dual", "dual", "leaves", "like", "plain", "listed", "exp", "log", "tanh"):
            continue
        own = node.name if isinstance(node, ast.ClassDef) else ""
        names = sorted({each.arg for part in ast.walk(node) if isinstance(part, ast.FunctionDef)
                        for each in (*part.args.args, *part.args.kwonlyargs)} - {"self"})
        for number, part in enumerate(ast.walk(node)):
            for what, change in changes(part, names):
                fresh = copy.deepcopy(tree)
                target = next(each for k, each in enumerate(ast.walk(fresh.body[place])) if k == number)
                change(target)
                yield own, getattr(part, "lineno", node.lineno), what, ast.fix_missing_locations(fresh)


def changes(node, names):
    """(what is changed, function that changes a node like this one in place)."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        for other in _OPERATORS.get(type(node.op), ()):
            yield f"{type(node.op).__name__} → {other.__name__}", lambda n, other=other: setattr(n, "op", other())
    if isinstance(node, ast.BinOp):
        for side, kept in (("left", "right"), ("right", "left")):
            yield f"{side} operand dropped", lambda n, side=side, kept=kept: setattr(n, "op", _keep(n, side, kept))
    if isinstance(node, ast.Compare):
        for other in _COMPARED.get(type(node.ops[0]), ()):
            yield f"{type(node.ops[0]).__name__} → {other.__name__}", lambda n, other=other: n.ops.__setitem__(
                0, other()
            )
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1, 2 * node.value, node.value / 2):
            if value != node.value:
                whole = int(value) if isinstance(node.value, int) and value == int(value) else value
                yield f"{node.value} → {whole}", lambda n, whole=whole: setattr(n, "value", whole)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign dropped", lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, ast.IfExp):
        yield "branches exchanged", _exchange
        yield "always the first branch", lambda n: setattr(n, "test", ast.Constant(True))
        yield "always the second branch", lambda n: setattr(n, "test", ast.Constant(False))
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        for other in names:
            if other != node.id:
                yield f"{node.id} → {other}", lambda n, other=other: setattr(n, "id", other)
        for value in (0, 1):
            yield f"{node.id} → {value}", lambda n, value=value: _become(n, value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip" and len(node.args) == 2:
        yield "zip exchanged", lambda n: n.args.reverse()
    if isinstance(node, ast.If):
        yield "condition always true", lambda n: setattr(n, "test", ast.Constant(True))
        yield "condition always false", lambda n: setattr(n, "test", ast.Constant(False))


def _keep(node, side, kept):
    """An operator that leaves one operand: the other becomes neutral."""
    neutral = 0 if isinstance(node.op, (ast.Add, ast.Sub)) else 1
    setattr(node, side, ast.Constant(neutral))
    return node.op


def _exchange(node):
    node.body, node.orelse = node.orelse, node.body


def _become(node, value):
    """A name turned into a call that gives a number: nodes keep their class, so that they are changed in place."""
    node.id = f"_constant_{value}"


def caught_by(own, tree):
    """The first check that a variant fails, or ""."""
    scope = {"__name__": "variant", "_constant_0": 0, "_constant_1": 1}
    try:
        exec(compile(tree, "variant", "exec"), scope)
    except Exception:
        return "cannot be imported"
    make = scope["plain"]
    for model in CLASSES.get(own, (own,) if own in models() else models()):
        candidate = Candidate(lambda model=model, **settings: make(model, settings), ("predict",))
        for case, quantity in wanted(model):
            record = check(candidate, case, quantity, Judging(listed))
            if record.status not in ("passed", "skipped"):
                return record.check
    return ""


@functools.cache
def wanted(model):
    """The checks of a model that plain loops can answer, the cheap ones first."""
    found = [(case, quantity) for case in cases(model) for quantity in case.expected
             if case.w.size * len(case.x) <= LARGEST
             and hasattr(plain(model, case.settings), function_of(quantity))]
    return sorted(found, key=lambda each: (each[0].w.size * each[0].x.size) * (6 if ":" in each[1] else 1))


def changes_an_answer(own, tree, instances=10):
    """Where a variant differs from the right code on instances that no case has, or ""."""
    scope = {"__name__": "variant", "_constant_0": 0, "_constant_1": 1}
    exec(compile(tree, "variant", "exec"), scope)
    for model in CLASSES.get(own, (own,) if own in models() else models()):
        entry = MODELS[model]
        for k in range(instances):
            numbers = Numbers(f"mutation {model} {k}")
            size = {
                name: (
                    values[int(numbers.index(len(values)))]
                    if isinstance(values, list)
                    else values[0] + int(numbers.index(values[1] - values[0] + 1))
                )
                for name, values in entry.ranges.items()
            }
            case = complete(model, f"{model}/mutation-{k}", entry.draw(numbers, **size), thresholds=True)
            candidate = Candidate(lambda **settings: scope["plain"](model, settings), ("predict",))
            for quantity in case.expected:
                if hasattr(plain(model, case.settings), function_of(quantity)):
                    if check(candidate, case, quantity, Judging(listed)).status not in ("passed", "skipped"):
                        return f"{case.name}/{quantity}"
    return ""


def _late(*_):
    raise TimeoutError("takes too long")


def judged(job):
    """(class, line, what, caught by, where a survivor differs) of one variant."""
    own, line, what, tree = job
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(SECONDS)
    try:
        with np.errstate(all="ignore"):
            by = caught_by(own, tree)
    except TimeoutError:
        by = "takes too long"
    finally:
        signal.alarm(0)
    return own, line, what, by, "" if by else changes_an_answer(own, tree)


def run(every=1, first=0, processes=1):
    """Judgements of all variants, or of every k-th."""
    jobs = list(variants(SOURCE.read_text(encoding="utf-8")))[first::every]
    for model in models():
        cases(model)
        wanted(model)
    if processes == 1:
        return [judged(job) for job in jobs]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        return pool.map(judged, jobs, chunksize=1)


def main(words=None):
    """Run, and say what survived."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="one variant in so many (default: all)")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args(words)
    found = run(options.every, options.first, options.processes)
    survivors = [each for each in found if not each[3]]
    differing = [each for each in survivors if each[4]]
    kinds = collections.Counter(each[2].split(" → ")[0] if " → " not in each[2] else "replaced" for each in found)
    sys.stdout.write(f"{len(found)} variants ({dict(kinds)}): {len(found) - len(survivors)} caught, {len(survivors)} "
                     f"survive, of which {len(differing)} change an answer\n")
    for own, line, what, _, where in survivors:
        sys.stdout.write(f"  {'changes' if where else 'same   '} {own or 'module'}:{line} {what} {where}\n")
    return bool(differing)


if __name__ == "__main__":
    sys.exit(main())
