"""Shuffled epochs: the mean over all orders, against enumeration and the simulator."""

from fractions import Fraction
from itertools import permutations
from math import comb

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from refimpl import linear_stability as simulated
from tests import support
from tests.linear_stability.enumeration import mean_square
from tests.linear_stability.one_dimension import stack_1d
from theory import linear_stability as theory

pytestmark = [pytest.mark.chance("exact"), pytest.mark.claim("WME18.epoch")]

LESS_STABLE = np.array([[0.0, 3.0], [2.0, -2.0], [3.0, 0.0]])  # factors whose shuffled limit is below η*


@pytest.mark.parametrize("dim", [1, 2])
def test_epoch_rate_equals_the_average_over_all_orders_of_a_simulation(example, dim):
    n, (rng, chosen) = 4, example
    hessians = support.random_hessians(rng, n, dim, rank=1)
    lr = 1.2 * theory.critical_lr(hessians, 1)
    orders = np.array(list(permutations(range(n))))            # (24, n)
    starts = np.eye(dim)[:, None].repeat(len(orders), axis=1)  # (d, 24, d)
    indices = np.broadcast_to(orders.T[:, None, :, None], (n, dim, len(orders), 1))
    columns = simulated.simulate(hessians, starts, lr=lr, batch_size=1, steps=n, indices=indices).w
    products = columns.transpose(1, 2, 0)                      # M with M e_j = columns
    per_epoch = np.abs(np.linalg.eigvals(mean_square(products))).max()
    assert_allclose(theory.epoch_mean_square_rate(hessians, lr) ** n, per_epoch, rtol=1e-10)
    assert not chosen or theory.mean_square_rate(hessians, lr, 1) ** n > 1.01 * per_epoch  # independent batches


def test_in_one_dimension_epochs_are_stable_up_to_the_almost_sure_limit(example):
    rng, chosen = example
    curvatures = rng.random(5) + 0.1
    limit, mean_square = theory.almost_sure_lr(curvatures, 1), theory.critical_lr(stack_1d(curvatures), 1)
    assert theory.epoch_mean_square_rate(stack_1d(curvatures), 0.999 * limit) < 1
    assert theory.epoch_mean_square_rate(stack_1d(curvatures), 1.001 * limit) > 1
    assert not chosen or theory.epoch_mean_square_rate(stack_1d(curvatures), 1.01 * mean_square) < 1


def enumerated_rate(stack, lr, size):
    """Growth per step by the mean over all n! orders; the last batch of an epoch may be short."""
    count, dim = stack.shape[:2]
    orders = list(permutations(range(count)))
    total = np.zeros((dim * dim, dim * dim))
    for order in orders:
        product = np.eye(dim)
        for first in range(0, count, size):
            product = (np.eye(dim) - lr * stack[list(order[first:first + size])].mean(axis=0)) @ product
        total += np.kron(product, product) / len(orders)
    return np.abs(np.linalg.eigvals(total)).max() ** (1 / -(-count // size))


@given(support.ensembles(most=5, widest=3), st.integers(1, 5), st.floats(0.2, 1.2))
def test_the_recursion_over_subsets_equals_the_enumeration_of_all_orders(hessians, size, fraction):
    """Any batch size, a short last batch included."""
    size = min(size, len(hessians))
    lr = fraction * 2 / np.linalg.eigvalsh(hessians)[:, -1].max()
    steps = -(-len(hessians) // size)
    got, exact = (rate(hessians, lr, size) ** steps for rate in (theory.epoch_mean_square_rate, enumerated_rate))
    assert_allclose(got, exact, rtol=1e-9, atol=1e-13)  # per epoch: the root of a rounded 0 is no small number


def test_sixteen_examples_are_within_reach_and_larger_ones_are_refused_with_their_cost(rng):
    """16 examples, twice 8: each order of pairs that commute equals the closed form of independent coordinates."""
    curvatures = rng.random((16, 2)) + 0.1
    stack = np.einsum("ni,ij->nij", curvatures, np.eye(2))
    growths = np.prod((1 - 0.9 * curvatures) ** 2, axis=0).max() ** (1 / 16)  # diagonal: every order is the same
    assert_allclose(theory.epoch_mean_square_rate(stack, 0.9), growths, rtol=1e-12)
    with pytest.raises(ValueError, match="n <= 16 and cost at most 6e.09 .*n = 17, rank 2.*epoch_mean_square_interval"):
        theory.epoch_mean_square_rate(np.concatenate([stack, stack[:1]]), 0.9)
    with pytest.raises(ValueError, match="rank 8 and batch_size 1, which cost 2.4e.10"):
        theory.epoch_mean_square_rate(support.random_hessians(rng, 16, 8), 0.1)
    with pytest.raises(ValueError, match="n = 400 and batch_size 2: 3.2e.07"):
        theory.epoch_mean_square_rate(stack_1d(rng.random(400)), 0.1, 2)


def test_the_polynomial_of_one_dimension_keeps_its_digits(rng):
    """64 examples of one curvature but one, B = 2: in closed form; in floats the alternating sum loses digits."""
    lr, count = 1.7, 64
    curvatures = np.ones(count)
    curvatures[0] = 1.25
    h, odd, z = Fraction(1), Fraction(1.25), Fraction(lr)
    exact = (1 - z * h) ** (2 * (count // 2 - 1)) * (1 - z * (h + odd) / 2) ** 2
    assert_allclose(theory.epoch_mean_square_rate(stack_1d(curvatures), lr, 2), float(exact) ** (2 / count), rtol=1e-14)
    assert theory.epoch_mean_square_rate(stack_1d(np.full(5, 4.0)), 0.25, 2) == 0      # each batch ends at the minimum
    terms = [comb(count // 2, k) * (-2.0 * lr + lr**2) ** k for k in range(count // 2 + 1)]   # (1 − z)² = 1 + (z² − 2z)
    assert abs(sum(terms) / (1 - lr) ** count - 1) > 1e-9


@pytest.mark.claim("DS20.shuffling")
def test_shuffled_epochs_can_be_less_stable_than_independent_batches():
    """All 6 orders and all 3 batches enumerated at .997 η*: one way of sampling grows, the other decays."""
    hessians = LESS_STABLE[:, :, None] * LESS_STABLE[:, None, :]
    limit = theory.critical_lr(hessians, 1)
    assert_allclose(limit, 0.2298920, atol=5e-8)
    independent = np.linalg.eigvalsh(mean_square(support.step_matrices(hessians, 0.997 * limit, 1)))[-1]
    shuffled = enumerated_rate(hessians, 0.997 * limit, 1)
    assert_allclose([shuffled, independent], [1.00524, 0.99417], atol=5e-6)
    assert_allclose(theory.epoch_mean_square_rate(hessians, 0.997 * limit), shuffled, rtol=1e-13)
    below, above = (theory.epoch_mean_square_rate(hessians, share * limit) for share in (0.9938, 0.994))
    assert below < 1 < above


@pytest.mark.parametrize("factor", [1e-70, 1e70])
def test_the_rate_does_not_see_the_unit_of_curvature(rng, factor):
    """Not powers of two: the rank may not be taken for another, nor an integer for a float."""
    for dim in (1, 2):
        factors = rng.standard_normal((4, dim))
        plain = theory.epoch_mean_square_rate(theory.GaussNewton(factors), 0.3, 2)
        scaled = theory.epoch_mean_square_rate(theory.GaussNewton(factors * np.sqrt(factor)), 0.3 / factor, 2)
        assert_allclose(scaled, plain, rtol=1e-12)
