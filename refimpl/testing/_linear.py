"""Rows of the table of models for the linear studies: quadratics, least squares, the toy with two minima."""

import numpy as np

from refimpl import convex_annealing, linear_stability
from refimpl.testing._entry import Derived, Entry, Inputs
from theory import convex_annealing as annealing_theory
from theory import linear_stability as stability


def _regression(numbers, n, dim):
    return Inputs({"dim": dim}, numbers.real(dim), numbers.real(n, dim), numbers.real(n))


def _unlabelled(numbers, n, dim):
    return _regression(numbers, n, dim).change(y=None)


def _zero_row(numbers):
    inputs = _regression(numbers, 4, 3)
    inputs.x[1] = 0
    return inputs.change(note="example 1 is zero: it has a loss, y²/2 or y², and no gradient, and still counts in n")


def _repeated(numbers):
    inputs = _regression(numbers, 4, 3)
    inputs.x[2], inputs.y[2] = inputs.x[0], inputs.y[0]
    return inputs.change(note="examples 0 and 2 are the same: both count")


def _rank_deficient(numbers):
    inputs = _regression(numbers, 3, 5)
    inputs.x[2] = inputs.x[0] - inputs.x[1]
    return inputs.change(note="rank 2 in 5 dimensions: most directions have no curvature")


def _interpolated(numbers):
    inputs = _regression(numbers, 3, 4)
    return inputs.change(y=inputs.x @ inputs.w, exact=True,
                         note="w fits every example exactly: loss and gradient are exactly 0")


def _far_away(numbers):
    inputs = _regression(numbers, 3, 3)
    return inputs.change(w=inputs.w * 2.0**200, note="w is about 1e60: no intermediate result may overflow")


REGRESSION_HARD = {"zero-row": _zero_row, "repeated-example": _repeated, "rank-deficient": _rank_deficient,
                   "interpolated": _interpolated, "far-away": _far_away}
SIZES = {"n1-d1": {"n": 1, "dim": 1}, "n2-d3": {"n": 2, "dim": 3}, "n3-d3": {"n": 3, "dim": 3},
         "n5-d2": {"n": 5, "dim": 2}, "n64-d40": {"n": 64, "dim": 40}}


def _limits(curvature, data, regular=True):
    """Rates and limits of Wu, Ma and E; the rate lives on range(H) and jumps where the rank does, so only if regular."""
    n = len(next(iter(data.values())))

    def of(function, **options):
        return Derived(lambda array, **rest: function(curvature(array), **rest), data, options)

    found = {"sharpness": of(stability.sharpness), "non_uniformity": of(stability.non_uniformity)}
    for size in sorted({1, min(2, n)}):
        for replacement in (False, True):
            key = f"B{size}{'-replacement' if replacement else ''}"
            options = {"batch_size": size, "replacement": replacement}
            found[f"critical_lr:{key}"] = of(stability.critical_lr, **options)
            if regular:
                found[f"mean_square_rate:{key}"] = of(stability.mean_square_rate, lr=0.125, **options)
            found[f"lambda_max:{key}"] = of(stability.lambda_max, lr=0.125, **options)
    return found


def _factor_limits(inputs):
    x = inputs.x
    if len(x) > 8:
        return {}
    return _limits(stability.GaussNewton, {"factors": x}, regular=np.linalg.matrix_rank(x) == min(x.shape))


def _quadratics(numbers, n, dim):
    factors = numbers.real(n, dim, dim)
    return Inputs({"dim": dim}, numbers.real(dim), factors.swapaxes(1, 2) @ factors, None)


def _flat_example(numbers):
    inputs = _quadratics(numbers, 3, 2)
    inputs.x[0] = 0
    return inputs.change(note="example 0 has no curvature and still counts in n")


def _hessian_limits(inputs):
    return _limits(lambda array: (array + array.swapaxes(1, 2)) / 2, {"hessians": inputs.x})


def _toy(numbers, n):
    return Inputs({}, numbers.real(1), np.abs(numbers.real(n)), None)


def _toy_tie(numbers):
    return Inputs({}, np.array([0.5]), np.array([1.0, 0.25, 4.0]), None, exact=True,
                  note="w² = c₀ (w − 1)²: a tie counts as the branch around 1")


def _annealing_scalars(inputs):
    x = inputs.x
    if len(x) > 8 or x.shape[1] == 1 or np.linalg.matrix_rank(x) < x.shape[1]:
        return {}
    return {"crossover_lr": Derived(lambda x: annealing_theory.crossover_lr(2 * x.T @ x / len(x)), {"x": x})}


LINEAR = {
    "LinearRegression": Entry(linear_stability.LinearRegression, _regression, SIZES, REGRESSION_HARD | {
        "no-labels": lambda numbers: _unlabelled(numbers, 4, 3).change(note="y is None and means zeros"),
    }, big_lr=2.0**40, scalars=_factor_limits),
    "Quadratic": Entry(linear_stability.Quadratic, _quadratics, {
        "n1-d1": {"n": 1, "dim": 1}, "n2-d2": {"n": 2, "dim": 2}, "n3-d4": {"n": 3, "dim": 4},
    }, {"flat-example": _flat_example}, lr=0.0625, big_lr=2.0**40, scalars=_hessian_limits),
    "TwoMinima": Entry(linear_stability.TwoMinima, _toy, {"n1": {"n": 1}, "n2": {"n": 2}, "n7": {"n": 7}},
                       {"tie": _toy_tie}, big_lr=2.0**40),
    "LeastSquares": Entry(convex_annealing.LeastSquares, _regression, SIZES, REGRESSION_HARD, lr=0.0625,
                          big_lr=2.0**40, scalars=_annealing_scalars),
}
