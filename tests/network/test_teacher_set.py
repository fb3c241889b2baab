"""The synthetic set has the stated moments and turned labels."""

from math import sqrt

import numpy as np
import pytest

from refimpl import network
from tests import support


@pytest.mark.claim("WME18.tab1-gd")
def test_teacher_set_is_as_described(rng):
    x, y, test_x, test_y = network.teacher_set(4000, 3000, 5, rng=rng)
    assert x.shape == (4000, 5) and test_x.shape == (3000, 5) and set(y) == set(test_y) == {-1.0, 1.0}
    variance = 1.5**2 * np.arange(1, 6.0) ** -1.1
    variance *= 1.5**2 / variance.mean()
    error = variance * sqrt(2 / 7000)
    assert (np.abs((np.concatenate([x, test_x]) ** 2).mean(axis=0) - variance) <= support.z_limit(5) * error).all()
    seed = int(rng.integers(2**31))
    turned = network.teacher_set(200, 10, 5, rng=seed)[1] != network.teacher_set(200, 10, 5, flipped=0, rng=seed)[1]
    assert turned.sum() == 50
