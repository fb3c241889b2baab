"""Models without their fast paths, a loop in plain Python, and a problem for both."""

from refimpl.convex_annealing import LeastSquares
from refimpl.linear_stability import LinearRegression, Quadratic


class PlainRegression(LinearRegression):
    """The same model without its fast path."""

    kernel = None


class PlainLeastSquares(LeastSquares):
    """The same model without its fast path."""

    kernel = None


class PlainQuadratic(Quadratic):
    """The same model without its fast paths."""

    kernel = None


def problem(rng, replicas=6, n=7, dim=3, size=2, steps=9):
    return {"x": rng.standard_normal((n, dim)), "y": rng.standard_normal(n), "w0": rng.standard_normal((replicas, dim)),
            "indices": rng.integers(0, n, (steps, replicas, size)), "lrs": rng.uniform(0.05, 0.3, (steps, replicas)),
            "noise": rng.standard_normal((steps, replicas, dim))}


def plain_loop(x, y, w0, indices, lrs, noise, decay):
    """SGD on linear regression for one replica, as the docstring of `refimpl.sgd` writes it."""
    w = w0.copy()
    for batch, lr, kick in zip(indices, lrs, noise):
        gradient = sum((x[i] @ w - y[i]) * x[i] for i in batch) / len(batch)
        w = (1 - lr * decay) * w - lr * (gradient + kick)
    return w
