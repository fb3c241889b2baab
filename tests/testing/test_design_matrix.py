"""The design of the cases: whoever ignores an argument of a function, squares it, or takes another's, fails.

The candidates are right but for one argument. An argument that no value depends
on is exempt, with the reason why it does not.
"""

import functools
import itertools

import numpy as np
import pytest

from refimpl.testing import models
from refimpl.testing._candidate import Candidate
from refimpl.testing._case import PATHS, STATIC, function_of, leading_names
from refimpl.testing._cases import shared as cases
from refimpl.testing._comparison import Judging, check
from tests.testing._faults import MAKE, RIGHT, only
from tests.testing._plain import listed, plain
from tests.testing._scalars import SCALARS
from theory import linear_stability as stability

LINEAR_HVP = "the Hessian of a quadratic does not depend on {}"
EXEMPT = {
    ("LinearRegression", "hvp", "w"): LINEAR_HVP, ("LinearRegression", "hvp", "y"): LINEAR_HVP,
    ("LeastSquares", "hvp", "w"): LINEAR_HVP, ("LeastSquares", "hvp", "y"): LINEAR_HVP,
    ("Quadratic", "hvp", "w"): LINEAR_HVP,
    ("TwoLayerReLU", "hvp", "y"): "log(1 + exp(−y f)) has the second derivative σ(f) σ(−f) by f, whatever the sign y",
}
# Labels of ±1 have the square 1, class numbers are no numbers, and models without labels get None.
SIGNS = {"TwoLayerCNN", "TwoLayerReLU"}
UNLABELLED = {"Quadratic", "TwoMinima"}


made = functools.cache(cases)   # nothing in here changes a case


@functools.cache
def functions_of(model):
    """{function: (names of leading arguments, {name of another: its axes})} of all cases of a model."""
    found = {}
    for case in made(model):
        for quantity, each in case.expected.items():
            first, rest = found.setdefault(function_of(quantity), (leading_names(quantity), {}))
            rest |= {key: 2 if isinstance(value, tuple) else np.ndim(value) for key, value in each.arguments.items()}
    return found


def right(model, function, settings):
    """The right function: the project's own for models and SGD, plain loops for runs, brute force for scalars."""
    if function in STATIC and function != "losses":
        return getattr(MAKE[model](**settings), function)
    if function == "losses":
        loss = MAKE[model](**settings).loss
        return lambda w, x, y: [loss(w, x[i:i + 1], None if y is None else y[i:i + 1]) for i in range(len(x))]
    if function == "sgd":
        return only("sgd", RIGHT.sgd)(model)(**settings)["sgd"]
    if function in PATHS:
        loops = getattr(plain(model, settings), function)
        return lambda *first, **rest: loops(*map(listed, first), **{
            key: listed(value) if isinstance(value, np.ndarray) else value for key, value in rest.items()})
    if model in ("LinearRegression", "Quadratic"):    # by theory: brute force takes a second for each
        def limit(factors=None, hessians=None, **rest):
            data = hessians if factors is None else stability.GaussNewton(factors)
            return getattr(stability, function)(data, **rest)
        return limit
    table = SCALARS[model]
    return (table(**settings) if callable(table) else table)[function]


def held(value, first):
    """An array of one number, or the first value that the function ever gets."""
    if isinstance(value, np.ndarray) and np.ndim(first) and value.shape != first.shape:
        return np.zeros_like(value) if value.dtype.kind in "iu" else np.full_like(value, 0.75)
    return np.full_like(value, 0.75) if first is None and value is not None else first


def taken(value, other):
    """The number or array `other` in the kind of `value`."""
    if isinstance(value, np.ndarray):
        return np.broadcast_to(np.asarray(other, value.dtype).flat[0] if np.shape(other) != value.shape else other,
                               value.shape)
    number = float(np.asarray(other).flat[0])
    return max(1, round(number)) if isinstance(value, int) else number


def squared(value):
    return value if isinstance(value, bool) or value is None else value * value


def wrong(model, function, name, change):
    """A candidate whose function is right on all arguments but one; ``change(all arguments)`` gives that one."""
    first, rest = functions_of(model)[function]

    def candidate(**settings):
        compute = right(model, function, settings)

        def called(*given, **options):
            every = dict(zip(first, given)) | options
            if every.get(name) is not None:
                every[name] = change(every)
            return compute(*(every[key] for key in first), **{key: every[key] for key in options})
        return {function: called}
    return candidate


def caught(candidate, model, function, by=("failed",), name=None):
    """Whether some check of the function fails that gives the argument, by its value where it may; cheap ones first."""
    under_test = Candidate(candidate, (function,))
    wanted = [(case, quantity) for case in made(model) for quantity in case.expected
              if function_of(quantity) == function
              and (name is None or name in leading_names(quantity) or name in case.expected[quantity].arguments)]
    wanted.sort(key=lambda each: each[0].w.size * each[0].x.size)
    return any(check(under_test, case, quantity, Judging()).status in by for case, quantity in wanted)


def rows(model):
    """(function, argument, what is done to it, how) of a model's part of the matrix."""
    for function, (first, rest) in functions_of(model).items():
        for name in (*first, *rest):
            if name == "y" and model in UNLABELLED or (model, function, name) in EXEMPT:
                continue
            ones = name == "y" and model in SIGNS   # others are refused
            given = (each.arguments[name] for case in made(model) for quantity, each in case.expected.items()
                     if function_of(quantity) == function and name in each.arguments)
            constant = False if name == "nesterov" else next(given, None)
            yield function, name, "ignored", lambda every, name=name, ones=ones, constant=constant: (
                np.ones_like(every[name]) if ones else held(every[name], constant))
            labels = name == "y" and (model in SIGNS or model == "ConvNet")
            if name not in ("indices", "nesterov", "replacement") and not labels:
                yield function, name, "squared", lambda every, name=name: squared(every[name])
        numbers = [key for key, axes in rest.items() if axes < 2 and key not in ("indices", "replacement", "nesterov")]
        matrices = [key for key, axes in rest.items() if axes == 2 and key not in ("indices", "noise")]
        for name, other in (*itertools.permutations(numbers, 2), *itertools.permutations(matrices, 2)):
            yield function, name, f"taken from {other}", (
                lambda every, name=name, other=other: taken(every[name], every.get(other, every[name])))


@pytest.mark.parametrize("model", models())
def test_whoever_ignores_squares_or_mistakes_an_argument_fails(model):
    passed, tried = [], 0
    for function, name, what, change in rows(model):
        tried += 1
        # Another's value may be outside the domain, where the right formula raises.
        by = ("failed", "error") if what.startswith("taken") else ("failed",)
        if not caught(wrong(model, function, name, change), model, function, by, name):
            passed.append((function, name, what))
    assert not passed and tried >= 40


@pytest.mark.parametrize("model", models())
def test_whoever_changes_nothing_passes(model):
    """The null: the same candidates without their mistake."""
    for function in functions_of(model):
        assert not caught(wrong(model, function, "", None), model, function), function


@pytest.mark.parametrize("model", models())
def test_every_number_comes_at_three_values(model):
    """But for flags, and for settings with fewer kinds than that."""
    for function, (_, rest) in functions_of(model).items():
        for name in rest:
            found = {repr(each.arguments[name]) for case in made(model) for quantity, each in case.expected.items()
                     if function_of(quantity) == function and name in each.arguments}
            absent = any(name not in each.arguments for case in made(model) for quantity, each in case.expected.items()
                         if function_of(quantity) == function)
            least = {"replacement": 2, "nesterov": 1, "dampening": 2}.get(name, 3)
            assert len(found) + absent >= least, (function, name, found)
