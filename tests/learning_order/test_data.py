"""The mixture of P and Q: fractions, labels, lengths.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import learning_order as simulated
from tests import support
from theory import learning_order as theory


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.fractions", "LWM19.bayes")
def test_samples_follow_the_mixture(rng):
    """20 000 examples: fractions, labels, α, margin; |M₁|/N and |M₂|/N as printed for q and p are caught."""
    n, dist = 20_000, simulated.Distribution(6, 0.2, 0.3, 0.4)
    data = simulated.sample(dist, n, rng)
    limit = support.z_limit(6)
    for found, wanted, printed in ((data.p, 0.2, data.in_m2.mean()), (data.q, 0.3, data.in_m1.mean())):
        assert abs(found - wanted) <= limit * support.binomial_error(wanted, n) < abs(printed - wanted)
    large, small = theory.effective_samples(n, data.p, data.q)
    assert_allclose([large, small], [data.in_m1.sum(), (~data.in_m2).sum()], rtol=1e-12)
    assert abs(data.y.mean()) <= limit / np.sqrt(n)
    assert (data.y * data.x1[:, 0])[data.in_m1].min() >= 1 / np.sqrt(6)
    assert not data.x1[~data.in_m1].any() and not data.x2[~data.in_m2].any()
    alpha = data.x2[data.in_m2, 0]
    assert abs(alpha.mean() - 0.5) <= limit * np.sqrt(1 / 12 / len(alpha))
    assert_allclose(np.abs(data.x2[data.in_m2, 1]), 0.4 * alpha * (data.y[data.in_m2] < 0), rtol=1e-12)
    other = data.x1[data.in_m1, 1]
    assert abs((other**2).mean() * 6 - 1) <= limit * np.sqrt(2 / len(other))


@pytest.mark.claim("LWM19.4.2-law")
def test_population_of_q_has_the_means_of_its_law():
    """By direction: shares ¼, ½, ¼, E[α] exact and E[α²] to 1/(12 levels²) of (2.3)–(2.5); ends of the levels instead
    of their middles are caught."""
    data = simulated.q_population(simulated.Distribution(3, r=0.4, alpha=(0.5, 1.0)), 8)
    assert data.q == 1 and data.p == 0
    for direction, share, y in ((0, 0.25, -1), (1, 0.5, 1), (2, 0.25, -1)):
        rows = data.direction == direction
        assert rows.mean() == share and np.all(data.y[rows] == y)
        assert_allclose(data.alpha[rows].mean(), 0.75, rtol=1e-14)
        assert_allclose((data.alpha[rows]**2).mean(), 7 / 12 - 0.25 / (12 * 64), rtol=1e-14)
        assert_allclose(data.x2[rows, 1], 0.4 * (direction - 1) * data.alpha[rows], rtol=1e-14, atol=1e-15)
    assert not data.x1.any() and abs(0.75 - 0.5 - np.arange(1, 9).mean() * 0.5 / 8) > 0.01


@pytest.mark.parametrize("wrong, message", [
    ({"p0": 0.6, "q0": 0.5}, "p0 \\+ q0 must be at most 1, got 1.1"), ({"dim": 1}, "dim must be at least 2"),
    ({"q0": -0.1}, "q0 must be non-negative"), ({"r": 0.0}, "r must be positive"),
    ({"alpha": (0.5, 0.5)}, "alpha must be"), ({"alpha": (-0.1, 0.5)}, "alpha must be"),
    ({"margin": -1.0}, "margin must be non-negative")])
def test_mixtures_that_are_none_are_refused(wrong, message):
    assert simulated.Distribution(4, p0=0.5, q0=0.5, margin=0.0).margin == 0
    support.refused(message, simulated.Distribution, **{"dim": 4} | wrong)
