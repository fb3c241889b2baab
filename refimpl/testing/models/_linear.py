"""Rows of the table of models for the linear studies: quadratics, least squares, the toy with two minima."""

import numpy as np

from refimpl import convex_annealing, linear_stability
from refimpl.testing._model_table import Derived, Entry, Inputs
from theory import convex_annealing as annealing_theory, linear_stability as stability


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

RANGES = {"n": (1, 6), "dim": (1, 5)}


def _limits(curvature, data, regular=True):
    """Rates and limits of Wu, Ma and E; the rate on range(H) jumps where the rank does, so only if regular."""
    n = len(next(iter(data.values())))

    def of(function, **options):
        return Derived(lambda array, **rest: function(curvature(array), **rest), data, options)

    found = {"sharpness": of(stability.sharpness), "non_uniformity": of(stability.non_uniformity)}
    for size in sorted({1, min(2, n), min(3, n)}):
        for replacement in (False, True):
            drawn = "-replacement" if replacement else ""
            options = {"batch_size": size, "replacement": replacement}
            found[f"critical_lr:B{size}{drawn}"] = of(stability.critical_lr, **options)
            for lr in {1: (0.125, 0.3125), 2: (0.125,), 3: (0.1875,)}[size]:
                key = f"B{size}{'' if lr == 0.125 else f'-lr{lr}'}{drawn}"
                if regular:
                    found[f"mean_square_rate:{key}"] = of(stability.mean_square_rate, lr=lr, **options)
                found[f"lambda_max:{key}"] = of(stability.lambda_max, lr=lr, **options)
    return found


def _momentum_limits(curvature, data):
    """The same with momentum, Nesterov's step, dampening and decay; no two share a number."""
    def of(function, **options):
        return Derived(lambda array, **rest: function(curvature(array), **rest), data, options)

    found = {}
    for key, lr, options in (
            ("momentum", 0.1875, {"batch_size": 1, "replacement": False, "momentum": 0.75}),
            ("momentum-pairs", 0.28125, {"batch_size": 2, "replacement": False, "momentum": 0.5625}),
            ("momentum-decay", 0.3125, {"batch_size": 2, "replacement": True, "momentum": 0.375,
                                        "weight_decay": 0.25}),
            ("nesterov", 0.09375, {"batch_size": 1, "replacement": True, "momentum": 0.625, "nesterov": True,
                                   "weight_decay": 0.4375}),
            ("dampening", 0.4375, {"batch_size": 1, "replacement": False, "momentum": 0.8125, "dampening": 0.3125}),
            ("everything", 0.15625, {"batch_size": 2, "replacement": True, "momentum": 0.6875, "dampening": 0.125,
                                     "weight_decay": 0.1875}),
            ("decay", 0.21875, {"batch_size": 1, "replacement": False, "weight_decay": 0.625})):
        found[f"critical_lr:{key}"] = of(stability.critical_lr, **options)
        found[f"mean_square_rate:{key}"] = of(stability.mean_square_rate, lr=lr, **options)
    return found


def _factor_limits(inputs):
    x = inputs.x
    if len(x) > 8:
        return {}
    found = _limits(stability.GaussNewton, {"factors": x}, regular=np.linalg.matrix_rank(x) == min(x.shape))
    return found | (_momentum_limits(stability.GaussNewton, {"factors": x}) if _is_plain(inputs) else {})


def _is_plain(inputs):
    """Whether it is a case of two or three examples in general position: those that have limits with momentum."""
    return len(inputs.x) in (2, 3) and not inputs.note


def _quadratics(numbers, n, dim):
    factors = numbers.real(n, dim + 2, dim)  # two more rows than needed: well away from singular
    return Inputs({"dim": dim}, numbers.real(dim), factors.swapaxes(1, 2) @ factors, None)


def _flat_example(numbers):
    inputs = _quadratics(numbers, 3, 2)
    inputs.x[0] = 0
    return inputs.change(note="example 0 has no curvature and still counts in n")


def _indefinite(numbers):
    inputs = _quadratics(numbers, 2, 2)
    turn = np.array([[1.0, 0.0], [0.0, -1.0]])
    return inputs.change(x=np.array([inputs.x[0] @ turn + turn @ inputs.x[0], -inputs.x[1]]),
                         note="Hessians with negative eigenvalues: losses may be negative")


def _hessian_limits(inputs):
    if np.linalg.eigvalsh(inputs.x)[:, 0].min() < 0:
        return {}

    def symmetric(array):
        return (array + array.swapaxes(1, 2)) / 2

    found = _limits(symmetric, {"hessians": inputs.x})
    return found | (_momentum_limits(symmetric, {"hessians": inputs.x}) if _is_plain(inputs) else {})


def _toy(numbers, n):
    return Inputs({}, numbers.real(1), np.abs(numbers.real(n)), None)


def _toy_exponents(inputs):
    """Growth around the minimum at 1, where the examples have second derivative 2c."""
    data = {"curvatures": 2 * inputs.x}
    n, found = len(inputs.x), {}

    def exponent(lr, batch_size, replacement):
        options = {"lr": lr, "batch_size": batch_size, "replacement": replacement}
        return Derived(stability.lyapunov_exponent, data, options)

    for size in sorted({1, min(2, n), min(3, n)}):
        key = "" if size == 1 else f":B{size}"
        found[f"almost_sure_lr{key}"] = Derived(stability.almost_sure_lr, data, {"batch_size": size})
    for replacement in (False, True):
        key = ":replacement" if replacement else ""
        found[f"lyapunov_exponent{key}"] = exponent(0.25, min(2, n), replacement)
        for lr, size in ((0.375, 1), (0.15625, min(3, n))):
            found[f"lyapunov_exponent:lr{lr}-B{size}{'-replacement' if replacement else ''}"] = exponent(
                lr, size, replacement)
    return found


def _toy_tie(numbers):
    return Inputs({}, np.array([0.5]), np.array([1.0, 0.25, 4.0]), None, exact=True,
                  note="w² = c₀ (w − 1)²: a tie counts as the branch around 1")


def _toy_at(w, x, where):
    """Examples on both branches, at any w; two of them near where the branches cross."""
    return lambda numbers: Inputs({}, np.array([w]), np.array(x), None, note=f"w {where}: examples on either branch")


def _slides(numbers):
    problem = convex_annealing.three_samples()
    return Inputs({"dim": 2}, np.zeros(2), problem.x, problem.y, note="the sample of the slides, from their start 0")


def _slides_scalars(inputs):
    """Laws of the slides' sample at points that share no number: sharp and flat losses, targets, rates, steps."""
    x, theory, found = inputs.x, annealing_theory, {}
    points = (("", 2 / 3, 1 / 3, 0.125, 0.03125, 1.25, 3), (":sharper", 0.875, 0.25, 0.0625, 0.015625, 1.3125, 2),
              (":flatter", 0.375, 1.5, 0.75, 0.25, 0.625, 1))
    for key, sharp, flat, target, later, lr, steps in points:
        losses = {"sharp_loss": sharp, "flat_loss": flat}
        found |= {
            f"flow_loss_ratio{key}": Derived(theory.flow_loss_ratio, losses | {"target": target}),
            f"flow_stop_time{key}": Derived(theory.flow_stop_time, losses | {"target": target}),
            f"annealed_loss_ratio{key}": Derived(theory.annealed_loss_ratio, losses | {"target": later, "lr": lr},
                                                 {"large_steps": steps})}
    hessian = 2 * x.T @ x / 3
    turned = np.array([[1.5, 0.5], [0.5, 0.75]])
    for key, train, test in (("", hessian, np.eye(2)), (":turned", turned, np.array([[2.0, -0.25], [-0.25, 0.5]])),
                             (":steeper", 3 * turned, hessian)):
        found[f"limit_ratios{key}"] = Derived(
            lambda train_hessian, test_hessian: theory.limit_ratios(
                (train_hessian + train_hessian.T) / 2, (test_hessian + test_hessian.T) / 2),
            {"train_hessian": train, "test_hessian": test})
    return found | {"crossover_lr": _crossover(x)}


def _crossover(x):
    return Derived(lambda x: annealing_theory.crossover_lr(2 * x.T @ x / len(x)), {"x": x})


def _annealing_scalars(inputs):
    x = inputs.x
    if not inputs.w.any() and x.shape == (3, 2):
        return _slides_scalars(inputs)
    if len(x) > 8 or x.shape[1] == 1 or np.linalg.matrix_rank(x) < x.shape[1]:
        return {}
    return {"crossover_lr": _crossover(x)}


def _stopped(w, x, y, *, lr, large_lr, anneal_loss, target):
    """Iterates of gradient descent up to the first train loss of at most `target`."""
    problem = convex_annealing.Problem(x, y, x, y)
    return convex_annealing.descend(problem, target, lr=lr, large_lr=large_lr, anneal_loss=anneal_loss, w0=w,
                                    max_steps=10_000, record=True).path


def _at_the_threshold(numbers):
    return Inputs({"dim": 1}, np.array([1.0]), np.array([[1.0]]), np.array([0.0]), exact=True,
                  note="losses that are exactly anneal_loss, and exactly the target, count as reached")


def _descents(inputs):
    """Runs that stop at a loss; every threshold lies well between two losses of the run, or is exactly one."""
    x, y = inputs.x, inputs.y
    if inputs.exact and x.shape == (1, 1):      # w = 1, 1/2, 3/8
        return {"descend:threshold": (_stopped, {"lr": 0.125, "large_lr": 0.25, "anneal_loss": 0.25,
                                                 "target": 0.140625})}
    if inputs.exact or len(x) > 8 or np.abs(inputs.w).max() > 1e6 or len(x) > x.shape[1]:
        return {}
    start = float(convex_annealing.LeastSquares(x.shape[1]).loss(inputs.w, x, y))
    rate = 1 / float(np.linalg.eigvalsh(2 * x.T @ x / len(x))[-1])
    found = {"descend:annealed": {"lr": rate / 8, "large_lr": 1.75 * rate, "anneal_loss": start / 8,
                                  "target": start / 16}}
    for key, small, large, switch, target in (("late-switch", 0.375, 1.25, 1 / 3, 1 / 5),
                                              ("growing-rate", 0.875, 0.25, 3 / 4, 1 / 9)):
        found[f"descend:{key}"] = {"lr": small * rate, "large_lr": large * rate, "anneal_loss": switch * start,
                                   "target": target * start}
    return {key: (_stopped, options) for key, options in found.items()
            if key == "descend:annealed" or _clear(inputs, options)}


def _clear(inputs, options, share=1e-3):
    """Whether no loss of a run is within a share of a threshold, so that rounding, in float32 too, moves no switch."""
    model = convex_annealing.LeastSquares(inputs.x.shape[1])
    losses = np.array([model.loss(w, inputs.x, inputs.y) for w in _stopped(inputs.w, inputs.x, inputs.y, **options)])
    return all((np.abs(losses / options[key] - 1) > share).all() for key in ("anneal_loss", "target"))


LINEAR = {
    "LinearRegression": Entry(linear_stability.LinearRegression, _regression, SIZES, RANGES, REGRESSION_HARD | {
        "no-labels": lambda numbers: _unlabelled(numbers, 4, 3).change(note="y is None and means zeros"),
    }, single=("interpolated",), big_lr=2.0**40, scalars=_factor_limits, loss="half-square"),
    "Quadratic": Entry(linear_stability.Quadratic, _quadratics, {
        "n1-d1": {"n": 1, "dim": 1}, "n2-d2": {"n": 2, "dim": 2}, "n3-d4": {"n": 3, "dim": 4},
        "n5-d2": {"n": 5, "dim": 2},
    }, {"n": (1, 4), "dim": (1, 3)}, {
        "flat-example": _flat_example, "indefinite": _indefinite,
    }, lr=0.0625, big_lr=2.0**40, scalars=_hessian_limits),
    "TwoMinima": Entry(linear_stability.TwoMinima, _toy, {
        "n1": {"n": 1}, "n2": {"n": 2}, "n7": {"n": 7},
    }, {"n": (1, 6)}, {
        "tie": _toy_tie, "beyond": _toy_at(1.75, [0.5, 7.0, 5.0], "beyond both minima"),
        "between": _toy_at(0.375, [0.25, 0.5, 3.0], "between the minima"),
        "below": _toy_at(-1.25, [0.125, 0.5, 0.25], "below both minima"),
    }, single=("tie",), big_lr=2.0**40, scalars=_toy_exponents),
    "LeastSquares": Entry(convex_annealing.LeastSquares, _regression, SIZES, RANGES, REGRESSION_HARD | {
        "slides": _slides, "at-the-threshold": _at_the_threshold,
    }, single=("interpolated",), lr=0.0625, big_lr=2.0**40, scalars=_annealing_scalars, algorithms=_descents,
       loss="square"),
}
