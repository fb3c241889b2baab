"""One dimension: moments and exponent of the multiplier of a step; their values stand in the table of references."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from tests import support
from theory import linear_stability as theory

pytestmark = [pytest.mark.chance("exact"), pytest.mark.claim("WME18.eq3")]


def test_powers_of_a_rounded_multiplier_would_break_the_promise():
    """The null: |1 − ηh| rounded to 1 and raised to 1e17 is 1, not e^−2 and e^−38."""
    assert np.mean(np.abs(1 - 1e-17 * np.array([0.2, 3.8])) ** 1e17) == 1
    assert theory.absolute_moment([0.0, 1.0], 1.0, 1, 0) == 1     # 0⁰ too
    assert theory.lyapunov_exponent([0.0, 1.0], 1.0, 1) == -np.inf
    assert_allclose(theory.absolute_moment([0.2, 3.8], 1e-17, 1, 1e17), (np.exp(-0.2) + np.exp(-3.8)) / 2, rtol=1e-13)


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
