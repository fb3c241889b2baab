"""The synthetic set has the stated moments and turned labels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2

from refimpl import network
from tests import support


@pytest.mark.chance("exact")
def test_labels_are_those_of_the_teacher():
    """sign(Σ_j v_j tanh(w_j · z)), z white before its axes are scaled, drawn in the order w, v, z; −1 times it is
    caught."""
    x, y, _, test_y = network.teacher_set(60, 40, 3, hidden=4, flipped=0, rng=5)
    rng = np.random.default_rng(5)
    inner, outer = rng.standard_normal((3, 4)), rng.standard_normal(4)
    z = rng.standard_normal((100, 3))
    wanted = np.sign(np.tanh(z @ inner / np.sqrt(3)) @ outer)
    assert (np.append(y, test_y) == wanted).all()
    assert_allclose(x / z[:60], (x / z[:60])[:1].repeat(60, axis=0), rtol=1e-12)


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.tab1-gd")
def test_teacher_set_is_as_described(rng):
    x, y, test_x, test_y = network.teacher_set(4000, 3000, 5, rng=rng)
    assert x.shape == (4000, 5) and test_x.shape == (3000, 5) and set(y) == set(test_y) == {-1.0, 1.0}
    variance = 1.5**2 * np.arange(1, 6.0) ** -1.1
    variance *= 1.5**2 / variance.mean()
    ratio = (np.concatenate([x, test_x]) ** 2).sum(axis=0) / variance      # χ² of 7000 degrees of freedom each
    low, high = chi2.ppf([support.FALSE_ALARM / 10, 1 - support.FALSE_ALARM / 10], 7000)
    assert (low <= ratio).all() and (ratio <= high).all()
    assert high / low < 5**0.55     # half the power would set the fifth coordinate off against the first by so much
    seed = int(rng.integers(2**31))
    turned = network.teacher_set(200, 10, 5, rng=seed)[1] != network.teacher_set(200, 10, 5, flipped=0, rng=seed)[1]
    assert turned.sum() == 50
