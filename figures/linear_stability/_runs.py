"""Runs and numbers that the figures of linear stability and their tests share; nothing here draws."""

from dataclasses import dataclass
from itertools import permutations
from math import comb, sqrt

import numpy as np

from refimpl import linear_stability as simulated
from theory import linear_stability as predicted

SIGMAS = 6.0  # standard errors that a comparison may use: a false alarm once in 5e8
SIX = "(6 standard errors)"
TOY = np.array([0.2, 3.8])  # curvatures of the toy's examples at x = 1
LEFT, RIGHT = sqrt(1.9) / (sqrt(1.9) + 1), sqrt(1.9) / (sqrt(1.9) - 1)  # where f₂ leaves its branch around 1


@dataclass(frozen=True)
class Sizes:
    """How many independent runs a figure averages over."""

    replicas: int


def inside(w, x, y):
    """Whether the toy's x is in the basin of its minimum at 1."""
    return (w[:, 0] > LEFT) & (w[:, 0] < RIGHT)


def outside(w, x, y):
    """Whether a linear x − 1 has left the basin of the toy's minimum at 1."""
    return (w[:, 0] <= LEFT - 1) | (w[:, 0] >= RIGHT - 1)


def survival(distance, lr, steps, replicas, rng):
    """Share of runs from 1 + distance that are still in the basin after t = 0…steps."""
    seen = simulated.two_minima(np.full(replicas, 1 + distance), lr=lr,
                                steps=steps, rng=rng, observe={"inside": inside})
    return np.minimum.accumulate(seen.observed["inside"], axis=0).mean(axis=1)


def escapes(distances, lr, steps, replicas, rng):
    """Share of linear runs from each distance that leave the toy's basin within `steps`."""
    starts = np.repeat(distances, replicas)[:, None]
    run = simulated.simulate(np.sqrt(TOY)[:, None], starts, lr=lr, batch_size=1, steps=steps, rng=rng,
                             observe={"out": outside})
    return run.observed["out"].max(axis=0).reshape(len(distances), -1).mean(axis=1)


def deviation(law):
    """Standard deviation of a time whose survival function is given."""
    times, mean = np.arange(len(law)), law.sum()
    return sqrt(((2 * times + 1) * law).sum() - mean**2)


def one_step_growth(sharpness, curved, n, lr, size, replicas, rng):
    """Mean of (x₊/x)² over simulated steps, and its exact standard error from the hypergeometric law.

    `curved` of n examples have one curvature, the rest none: then s/a = √(n/curved − 1).
    """
    factors = np.zeros((n, 1))
    factors[:curved] = sqrt(sharpness * n / curved)
    run = simulated.simulate(factors, np.ones((replicas, 1)), lr=lr, batch_size=size, steps=1, rng=rng)
    counts = np.arange(size + 1)
    chances = np.array([comb(curved, k) * comb(n - curved, size - k) / comb(n, size) for k in range(size + 1)])
    squares = (1 - lr * sharpness * n / curved * counts / size) ** 2
    variance = max(chances @ squares**2 - (chances @ squares) ** 2, 0.0)
    return float((run.w**2).mean()), sqrt(variance / replicas)


def measured_top(n, lr, size, replicas, rng):
    """Largest stable s at a = 1/η: there the growth is p(ηs)², so one measured growth gives it; with its error."""
    curved = 20
    s = sqrt(n / curved - 1) / lr
    growth, error = one_step_growth(1 / lr, curved, n, lr, size, replicas, rng)
    return s / sqrt(growth), s / sqrt(growth) * error / (2 * growth)


def quadratic_growth(factors, start, form, lr, replicas, rng):
    """Mean of x₊ᵀFx₊ / xᵀFx over simulated steps at B = 1 and its exact standard error."""
    stepped = simulated.simulate(factors, np.tile(start, (replicas, 1)), lr=lr, batch_size=1, steps=1, rng=rng).w
    size = start @ form @ start
    possible = start - lr * factors * (factors @ start)[:, None]
    outcomes = np.einsum("ki,ij,kj->k", possible, form, possible) / size
    return float(np.einsum("ri,ij,rj->r", stepped, form, stepped).mean() / size), outcomes.std() / sqrt(replicas)


def measured_threshold(factors, size, replacement, lr, replicas, rng):
    """η at which simulated steps stop shrinking xᵀWx: 2 E⟨x, H_B x⟩_W / E‖H_B x‖²_W, with its standard error."""
    start = np.linspace(1, 2, factors.shape[1])
    _, weight = predicted.perron_weight(predicted.GaussNewton(factors), lr, size, replacement=replacement)
    sampling = "with-replacement" if replacement else "without-replacement"
    run = simulated.simulate(factors, np.tile(start, (replicas, 1)), lr=lr, batch_size=size, steps=1, sampling=sampling,
                             rng=rng)
    image = (start - run.w) / lr  # H_B x
    first, second = image @ weight @ start, np.einsum("ri,ij,rj->r", image, weight, image)
    estimate = 2 * first.mean() / second.mean()
    return estimate, (2 * first - estimate * second).std() / second.mean() / sqrt(replicas)


def all_orders_rate(factors, lr):
    """Growth per step of E[x xᵀ] over one epoch, averaged over all orders run through the simulator."""
    n, dim = factors.shape
    orders = np.array(list(permutations(range(n))))
    starts = np.eye(dim)[:, None].repeat(len(orders), axis=1)
    indices = np.broadcast_to(orders.T[:, None, :, None], (n, dim, len(orders), 1))
    columns = simulated.simulate(factors, starts, lr=lr, batch_size=1, steps=n, indices=indices).w
    products = columns.transpose(1, 2, 0)
    operator = np.mean([np.kron(matrix, matrix) for matrix in products], axis=0)
    return float(np.abs(np.linalg.eigvals(operator)).max() ** (1 / n))
