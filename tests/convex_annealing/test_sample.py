"""SGD on samples of basis vectors, in mean square."""

from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from numpy.testing import assert_allclose

from refimpl import convex_annealing as simulated, sgd
from tests import support
from tests.convex_annealing.problems import extremes
from theory import convex_annealing as theory, linear_stability

pytestmark = [pytest.mark.chance("exact"), pytest.mark.claim("NAK20.sgd")]


def sample_counts(most=5):
    return st.lists(st.integers(1, most), min_size=2, max_size=4)


@given(sample_counts(most=3), st.data())
def test_mean_square_multipliers_equal_the_mean_over_all_batches(counts, data):
    """One simulated step on every batch; the other way of sampling is caught, and the limit is linear stability's."""
    n, dim = sum(counts), len(counts)
    size, replacement = data.draw(st.integers(1, min(n, 4))), data.draw(st.booleans())
    lr = data.draw(st.floats(0.05, 1.5))
    x = np.eye(dim)[np.repeat(np.arange(dim), counts)]
    batches = support.all_batches(n, size, replacement)
    start = np.ones((len(batches), dim))
    result = sgd.run(simulated.LeastSquares(dim), start, x, np.zeros(n), lr=lr, steps=1, indices=batches[None])
    exact = (result.w**2).mean(axis=0)
    predict = partial(theory.mean_square_multipliers, counts, lr, size)
    assert_allclose(predict(replacement=replacement), exact, rtol=1e-12, atol=1e-13)
    if 1 < size:
        assert not np.allclose(predict(replacement=not replacement), exact, rtol=1e-6, atol=0)
    limit = theory.mean_square_lr(counts, size, replacement=replacement)
    hessians = 2 * x[:, :, None] * x[:, None, :]
    assert_allclose(limit, linear_stability.critical_lr(hessians, size, replacement=replacement), rtol=1e-8)
    assert_allclose(theory.mean_square_multipliers(counts, limit, size, replacement=replacement).max(), 1, rtol=1e-12)


def test_mean_square_limits_of_the_slides():
    """1, 4/3, 3/2 for B = 1, 2, 3, and the crossover 1 for all; with replacement they differ."""
    limits = [theory.mean_square_lr([2, 1], size) for size in (1, 2, 3)]
    assert_allclose(limits, [1, 4 / 3, 3 / 2], rtol=1e-15)
    for size, limit in zip((1, 2, 3), limits):
        assert_allclose(theory.mean_square_multipliers([2, 1], limit, size)[0], 1, rtol=1e-14)
        assert_allclose(theory.mean_square_crossover([2, 1], size), 1, rtol=1e-15)
    assert_allclose(theory.mean_square_lr([2, 1], 2, replacement=True), 6 / 5, rtol=1e-15)


@given(sample_counts(), st.data())
def test_a_window_for_annealing_exists_for_every_batch_but_one(counts, data):
    """Crossover below limit iff B > 1, for any sample; full batch gives 2/(λ_min + λ_max) and 2/λ_max."""
    assume(len(set(counts)) > 1)
    n = sum(counts)
    size = data.draw(st.integers(1, n))
    crossover, limit = theory.mean_square_crossover(counts, size), theory.mean_square_lr(counts, size)
    if size == 1:
        assert crossover == limit == 1
    else:
        assert crossover < limit
    order = np.argsort(counts, kind="stable")
    for scale, slowest in ((0.99, order[0]), (1.01, order[-1])):
        growth = theory.mean_square_multipliers(counts, scale * crossover, size)
        assert counts[np.argmax(growth)] == counts[slowest]
    full = theory.sample_hessian(counts)
    assert_allclose(theory.mean_square_crossover(counts, n), theory.crossover_lr(full), rtol=1e-13)
    assert_allclose(theory.mean_square_lr(counts, n), 2 / extremes(full)[1], rtol=1e-13)


def test_single_samples_cannot_tell_a_large_rate_from_a_small_one(rng):
    """B = 1: on the same examples the losses at η and 1 − η agree at every step; those at ¾η, and at B = 2, do not."""
    problem = simulated.from_hessians(np.eye(2), np.eye(2), [0.0, 0.0])
    problem = simulated.Problem(np.eye(2)[[0, 0, 1]], np.zeros(3), problem.x_test, problem.y_test)
    for size in (1, 2):
        batches = support.all_batches(3, size)
        indices = batches[rng.integers(0, len(batches), (60, 500))]

        def losses(lr):
            observe = {"train": lambda w, x, y: problem.train_loss(w), "test": lambda w, x, y: problem.test_loss(w)}
            run = sgd.run(simulated.LeastSquares(2), np.ones((500, 2)), problem.x, problem.y, lr=lr, steps=60,
                          indices=indices, observe=observe)
            return np.stack([run.observed["train"], run.observed["test"]])

        for lr in (0.6, 0.8, 0.95):
            same = np.allclose(losses(lr), losses(1 - lr), rtol=1e-12, atol=0)
            assert same if size == 1 else not same
            assert not np.allclose(losses(lr), losses(0.75 * lr), rtol=1e-3, atol=0)


def test_single_samples_at_and_beyond_the_limit(rng):
    """B = 1, η = 1 changes no loss and uses its steps up; η = 1.1 raises the loss at every step until it diverges."""
    descend = partial(simulated.descend, simulated.three_samples(), 0.5, batch_size=1, w0=np.zeros((50, 2)), rng=rng)
    held = descend(lr=1.0, max_steps=40)
    assert (held.status == simulated.STOPPED).all() and not held.success.any() and (held.nit == 40).all()
    assert_allclose(held.train_loss, 1, rtol=1e-12)
    assert np.isnan(held.loss_ratio).all() and np.isnan(held.target_ratio).all()
    grown = descend(lr=1.1, max_steps=3000)
    assert (grown.status == simulated.DIVERGED).all() and (grown.nit < 3000).all()
    assert grown.message == "0 of 50 runs reached the target, 50 diverged, 0 used up their 3000 steps"
    assert descend(lr=0.9).success.all()
