"""Second moments, rates and the Perron weight (eqs. 1 and 2) against every batch enumerated, and simulated."""

from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from refimpl import linear_stability as simulated
from tests import support
from tests.linear_stability.enumeration import some_lr
from theory import linear_stability as theory

pytestmark = [pytest.mark.chance("exact"), pytest.mark.claim("WME18.eq2")]


@given(support.sampled_ensembles(most=5, widest=4), st.floats(0.05, 1.5), support.seeds())
def test_one_step_moment_equals_the_mean_over_all_batches(problem, fraction, seed):
    hessians, size, replacement = problem
    lr, dim = some_lr(hessians, fraction), hessians.shape[-1]
    moment = support.random_hessians(np.random.default_rng(seed), 1, dim)[0]
    matrices = support.step_matrices(hessians, lr, size, replacement)
    exact = (matrices @ moment @ matrices.swapaxes(1, 2)).mean(axis=0)
    predicted = theory.second_moment(hessians, lr, size, moment, 1, replacement=replacement)[1]
    scale = (1 + lr * np.abs(hessians).max()) ** 2 * np.abs(moment).max() * dim**2  # of the terms before they cancel
    assert_allclose(predicted, exact, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("rank_one", [True, False])
@pytest.mark.parametrize("size", [1, 2])
def test_simulation_averaged_over_all_index_sequences_equals_the_moment(example, rank_one, size):
    """Exact expectation of the simulated dynamics, no Monte Carlo; a missing ½, 1/B or wrong p fails."""
    n, dim, steps, (rng, chosen) = 3, 2, 5, example
    factors, start = rng.standard_normal((n, dim)), rng.standard_normal(dim)
    hessians = factors[:, :, None] * factors[:, None, :]
    lr = 0.7 * theory.critical_lr(hessians, size)
    batches = support.all_batches(n, size)
    sequences = np.array(list(product(range(len(batches)), repeat=steps)))  # (R, steps)
    indices = batches[sequences].swapaxes(0, 1)                             # (steps, R, B)
    result = simulated.simulate(factors if rank_one else hessians, np.tile(start, (len(sequences), 1)), lr=lr,
                                batch_size=size, steps=steps, indices=indices)
    exact = np.einsum("ri,rj->ij", result.w, result.w) / len(sequences)
    predicted = theory.second_moment(hessians, lr, size, np.outer(start, start), steps)[-1]
    assert_allclose(predicted, exact, rtol=1e-12, atol=1e-13)
    wrong = [theory.second_moment(hessians, lr, size, np.outer(start, start), steps, replacement=size > 1)[-1],
             theory.second_moment(hessians, 2 * lr, size, np.outer(start, start), steps)[-1],
             theory.second_moment(hessians, lr, size, np.outer(start, start), steps - 1)[-1]]
    assert not chosen or not any(np.allclose(other, exact, rtol=1e-3) for other in (wrong if size > 1 else wrong[1:]))


@given(support.sampled_ensembles(most=4, widest=4), st.floats(0.1, 2.0), support.seeds())
def test_perron_weight_makes_every_step_a_martingale(problem, fraction, seed):
    """E[x₊ᵀWx₊] = ρ xᵀWx from every x, also where other eigenvalues lie at 1 − 1e-6 of ρ; W = I does not satisfy it."""
    hessians, size, replacement = problem
    lr = some_lr(hessians, fraction)
    rate, weight = theory.perron_weight(hessians, lr, size, replacement=replacement)
    x = np.random.default_rng(seed).standard_normal((5, hessians.shape[-1]))
    stepped = np.einsum("bij,kj->bki", support.step_matrices(hessians, lr, size, replacement), x)
    grown = np.einsum("bki,ij,bkj->k", stepped, weight, stepped) / len(stepped)
    grown_by_rate = rate * np.einsum("ki,ij,kj->k", x, weight, x)
    assert_allclose(grown, grown_by_rate, rtol=0, atol=1e-11 * (x**2).sum() * (1 + rate))


@pytest.mark.chance("law")
def test_martingale_ratio_of_simulated_steps_beyond_the_threshold(rng):
    """At 1.3 η*, where ‖x‖² is heavy-tailed in time, 20 000 single steps from each of 6 points, exact errors."""
    hessians, size, replicas = support.random_hessians(rng, 5, 3, rank=1), 2, 20_000
    lr = 1.3 * theory.critical_lr(hessians, size)
    rate, weight = theory.perron_weight(hessians, lr, size)
    points = rng.standard_normal((6, 3))
    result = simulated.simulate(hessians, np.repeat(points, replicas, axis=0).reshape(6, replicas, 3), lr=lr,
                                batch_size=size, steps=1, rng=rng)
    stepped = np.einsum("bij,kj->bki", support.step_matrices(hessians, lr, size), points)
    outcomes = np.einsum("bki,ij,bkj->bk", stepped, weight, stepped)  # ten equally likely values for each point
    measured = np.einsum("kri,ij,krj->kr", result.w, weight, result.w).mean(axis=1)
    start = np.einsum("ki,ij,kj->k", points, weight, points)
    error = outcomes.std(axis=0) / sqrt(replicas) + 1e-12 * start
    assert (np.abs(measured - rate * start) <= support.z_limit(6) * error).all()
    other = theory.mean_square_rate(hessians, lr, size, replacement=True)
    assert (np.abs(measured - other * start) > support.z_limit(6) * error).any()
