"""One dimension: the almost-sure limit, against a walk through every interval and simulated paths."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st

from refimpl import linear_stability as simulated
from tests import support
from tests.linear_stability.one_dimension import TOY, stack_1d
from theory import linear_stability as theory
from theory.linear_stability import _almost_sure

pytestmark = [pytest.mark.chance("exact"), pytest.mark.claim("WME18.eq3")]


@pytest.mark.chance("law")
def test_between_the_limits_the_mean_square_diverges_while_paths_converge(rng):
    """η = 0.556: the fraction of 20 000 paths below any level is binomial in the uses of f₂, exactly."""
    lr, steps, replicas = 0.556, 3000, 20_000
    assert theory.critical_lr(stack_1d(TOY), 1) < lr < theory.almost_sure_lr(TOY, 1)
    norms, _ = support.square_norm_moments(stack_1d(TOY), lr, 1, np.ones(1), steps)
    assert norms[-1] > 1e10
    factors, starts = np.sqrt(TOY)[:, None], np.ones((replicas, 1))
    result = simulated.simulate(factors, starts, lr=lr, batch_size=1, steps=steps, rng=rng)
    logs = np.log(np.abs(result.w[:, 0]))
    mean = steps * theory.lyapunov_exponent(TOY, lr, 1)
    deviation = np.log(np.abs(1 - lr * TOY)).std() * sqrt(steps)  # of a sum of independent equal steps
    assert abs(logs.mean() - mean) <= support.z_limit(1) * deviation / sqrt(replicas)
    assert logs.mean() < -support.z_limit(1) * deviation / sqrt(replicas)  # the typical path shrinks …
    assert abs(logs.mean() - log(norms[-1]) / 2) > 1  # … and E‖x‖² does not describe it


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=5), st.integers(1, 5), st.booleans())
def test_the_almost_sure_limit_is_the_first_sign_change(curvatures, size, replacement):
    curvatures = np.round(np.array(curvatures), 3)
    size = min(size, len(curvatures))
    if not curvatures.any():
        return
    limit = theory.almost_sure_lr(curvatures, size, replacement=replacement)
    means = curvatures[support.all_batches(len(curvatures), size, replacement)].mean(axis=1)

    def exponent(lr):
        with np.errstate(divide="ignore"):
            return np.log(np.abs(1 - lr * means)).mean()

    assert exponent(limit * (1 + 1e-6)) > -1e-9
    assert max(exponent(limit * share) for share in np.linspace(0.001, 0.999, 200)) < 0
    assert limit >= theory.critical_lr(stack_1d(curvatures), size, replacement=replacement) * (1 - 1e-9)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_no_window_of_growth_below_the_limit_is_passed_over(rng, size):
    """Each interval between singularities below the limit, scanned at 400 places, of ten heavy-tailed ensembles."""
    for _ in range(10):
        curvatures = np.exp(2 * rng.standard_normal(7))
        means = curvatures[support.all_batches(7, size)].mean(axis=1)
        limit = theory.almost_sure_lr(curvatures, size)
        edges = np.unique(1 / means)
        edges = np.concatenate([[0.0], edges[edges < limit], [limit]])
        rates = (edges[:-1, None] + np.diff(edges)[:, None] * np.linspace(0.0, 1.0, 402)[1:-1]).ravel()
        assert np.log(np.abs(1 - rates[:, None] * means)).mean(axis=1).max() < 1e-12
        assert abs(theory.lyapunov_exponent(curvatures, limit, size)) < 1e-10


def test_the_last_sign_change_is_another():
    """The null: at curvatures .1 and 10 paths converge again around η = 1/.1, up to the last zero."""
    limit = theory.almost_sure_lr([0.1, 10.0], 1)
    at = [theory.lyapunov_exponent([0.1, 10.0], lr, 1) for lr in (9.0, 10.0 + 1e-3)]
    assert limit < 0.3 and at[1] < 0 < at[0]


def test_most_intervals_are_never_visited(rng, monkeypatch):
    """n = 20, B = 10: 184 756 batches; one visit to each interval below the limit would be thousands of evaluations."""
    visits, plain = [], _almost_sure.log_multiplier
    monkeypatch.setattr(_almost_sure, "log_multiplier", lambda rate, means: visits.append(rate) or plain(rate, means))
    curvatures = rng.exponential(size=20)
    limit = theory.almost_sure_lr(curvatures, 10)
    start = theory.critical_lr(stack_1d(curvatures), 10)
    means = curvatures[support.all_batches(20, 10)].mean(axis=1)
    assert len(visits) < 200
    assert abs(theory.lyapunov_exponent(curvatures, limit, 10)) < 1e-12 and limit > start
    assert len(means) == 184_756
