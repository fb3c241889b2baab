"""Runs on the slides' sample and on any pair of Hessians, shared by the figures of convex annealing and by tests."""

from functools import partial
from math import log, sqrt

import numpy as np

from refimpl import convex_annealing as simulated
from theory import convex_annealing as predicted

ROUNDING = 1e-12  # where both sides are exact
H, G = predicted.sample_hessian([2, 1]), predicted.population_hessian()
START, LOSSES = np.array([-1.0, -1.0]), (2 / 3, 1 / 3)


def centred():
    """The sample of the slides moved so that the minimum is 0: rounding is then relative to the error."""
    problem = simulated.three_samples()
    return simulated.Problem(problem.x, np.zeros(3), problem.x_test, np.zeros(2))


def large_steps(lr, target, train=H, start=START):
    """The most large steps that leave the train loss above the target."""
    return predicted.steps_to_loss(train, start, lr, target) - 1


def schedule(lr, steps):
    """Arguments of `stopping_point` for so many large steps, none where there are none."""
    return {"large_lr": lr, "large_steps": steps} if steps else {}


def descend(target, lr, **options):
    """A simulated run on the slides' sample, centred, from the slides' start."""
    return simulated.descend(centred(), target, lr=lr, **{"w0": START, **options})


def annealed_sgd(target, size, lr, runs, rng, small=0.05):
    """So many runs of SGD that anneal at 4ε."""
    return descend(target, small, large_lr=lr, anneal_loss=4 * target, batch_size=size, rng=rng,
                   w0=np.tile(START, (runs, 1)))


def annealed_law(target, size, lr, small=0.05, **options):
    """The law of such a run."""
    return predicted.sgd_stopping_law(*LOSSES, target, size, lr=small, large_lr=lr, anneal_loss=4 * target, **options)


def stop(target, lr=None, large=None, steps=0):
    """`stopping_point` on the slides' sample."""
    return predicted.stopping_point(H, G, START, target, lr=lr, **schedule(large, steps))


def annealed_at(large, target, lr=None, train=H, test=G, start=START):
    """The stop of a run that makes all large steps it can above the target, and then follows the flow, or `lr`."""
    return predicted.stopping_point(train, test, start, target, lr=lr,
                                    **schedule(large, large_steps(large, target, train, start)))


def random_pair(rng):
    """(train, test Hessian, start) of 2…5 dimensions, eigenvalues of the train Hessian in [1, 4], both ends taken."""
    dim = int(rng.integers(2, 6))
    basis, other = (np.linalg.qr(rng.standard_normal((dim, dim)))[0] for _ in range(2))
    spectrum = np.array([1.0, *rng.uniform(1.6, 3.2, dim - 2), 4.0])
    train = (basis * spectrum) @ basis.T
    test = (other * rng.uniform(0, 2, dim) ** 2) @ other.T + rng.choice([0.0, 0.5]) * train @ train
    return (train + train.T) / 2, (test + test.T) / 2, basis @ rng.choice([-1.0, 1.0], dim)


def pair_runs(train, test, start, target, *, small=0.1, large=0.46):
    """Simulated P/L of a small rate and of a large one annealed in time, and theory's for both: (2,), (2,)."""
    problem = simulated.from_hessians(train, test, np.zeros(len(start)))
    descend = partial(simulated.descend, problem, target, lr=small, w0=start)
    runs = descend(), descend(large_lr=large, large_steps=large_steps(large, target, train, start))
    exact = (predicted.stopping_point(train, test, start, target, lr=small),
             annealed_at(large, target, small, train, test, start))
    return [run.loss_ratio for run in runs], [point.loss_ratio for point in exact]


def bernstein(deviation, count, chance=1e-9):
    """Bernstein's bound, exceeded with this chance, on the error of a mean of `count` values within ¾ of each other."""
    if deviation < ROUNDING:
        return 1e-9  # nothing random: rounding of the law's many terms
    needed = log(2 / chance)
    return deviation * sqrt(2 * needed / count) + 0.75 * 2 * needed / (3 * count)
