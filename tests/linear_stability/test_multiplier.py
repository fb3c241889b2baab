"""One dimension: moments and exponent of the multiplier of a step, against 50 digits and an enumeration."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from tests import support
from tests.linear_stability.one_dimension import exact_multipliers
from theory import linear_stability as theory

pytestmark = [pytest.mark.chance("exact"), pytest.mark.claim("WME18.eq3")]

EDGES = [([0.2, 3.8], 1e-17, 1, 1e17), ([0.2, 3.8], 1e-9, 2, 3.0), ([0.2, 3.8], 2 / 3.8 * (1 + 1e-13), 1, 1e13),
         ([1e-80, 3e-80, 7e-80], 4e79, 2, 5.0), ([1e80, 3e80], 3e-81, 1, 0.5), ([0.0, 2.0, 2.0], 0.5 + 1e-9, 1, 0.1),
         ([1.0, 5.0, 6.0, 6.0], 1e60, 3, 2.0), ([0.0, 1.0], 1.0, 1, 1e-300)]


@pytest.mark.parametrize(("curvatures", "lr", "size", "order"), EDGES)
@pytest.mark.parametrize("replacement", [False, True])
def test_moments_keep_their_promise_at_the_edges(curvatures, lr, size, order, replacement):
    with localcontext(prec=50):
        exact = exact_multipliers(curvatures, lr, size, replacement)
        weights = [value ** Decimal(order) for value in exact]
        wanted = sum(weights) / len(exact)
        worst = sum(weight * max(1, value) / value for weight, value in zip(weights, exact) if value) / sum(weights)
        got = Decimal(theory.absolute_moment(curvatures, lr, size, order, replacement=replacement))
        assert abs(got / wanted - 1) <= Decimal(1e-15) * (4 + 2 * Decimal(order) * worst)


def test_powers_of_a_rounded_multiplier_would_break_the_promise():
    """The null: |1 − ηh| rounded to 1 and raised to 1e17 is 1, not e^−2 and e^−38."""
    assert np.mean(np.abs(1 - 1e-17 * np.array([0.2, 3.8])) ** 1e17) == 1
    assert theory.absolute_moment([0.0, 1.0], 1.0, 1, 0) == 1     # 0⁰ too
    assert_allclose(theory.absolute_moment([0.2, 3.8], 1e-17, 1, 1e17), (np.exp(-0.2) + np.exp(-3.8)) / 2, rtol=1e-13)


@pytest.mark.parametrize(("curvatures", "lr", "size", "order"), EDGES[:-1])
def test_exponents_keep_their_promise_at_the_edges(curvatures, lr, size, order):
    with localcontext(prec=50):
        exact = exact_multipliers(curvatures, lr, size)
        wanted = sum(value.ln() for value in exact) / len(exact)
        scale = sum(abs(value.ln()) + max(1, value) / value for value in exact) / len(exact)
        assert abs(Decimal(theory.lyapunov_exponent(curvatures, lr, size)) - wanted) <= Decimal(1e-15) * scale
    assert theory.lyapunov_exponent([0.0, 1.0], 1.0, 1) == -np.inf


@given(st.lists(st.sampled_from([0.0, 0.5, 1.5, 4.0]), min_size=1, max_size=6).filter(any), st.integers(1, 6),
       st.booleans())
def test_equal_batches_are_merged_without_losing_their_weight(curvatures, size, replacement):
    """Every batch of an ensemble with repeated curvatures, one by one; equal weights would be seen."""
    size = min(size, len(curvatures))
    means = np.array(curvatures)[support.all_batches(len(curvatures), size, replacement)].mean(axis=1)
    assert_allclose(theory.absolute_moment(curvatures, 0.3, size, 2, replacement=replacement),
                    np.mean((1 - 0.3 * means) ** 2), rtol=1e-13)


def test_a_moment_beyond_the_largest_float_is_refused():
    with pytest.raises(ValueError, match=r"order = 1e\+06 must keep the moment below the largest float"):
        theory.absolute_moment([0.2, 3.8], 1.0, 1, 1e6)
    with pytest.raises(ValueError, match="lr = 1e.300 times the largest curvature 1e.300 must be a pos"):
        theory.lyapunov_exponent([1e300], 1e300, 1)
