"""Two neurons that memorise Q.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import learning_order as simulated
from tests import support
from theory import learning_order as theory


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.memorise")
def test_memorising_network(rng):
    """A fixed offset errs on half of P(α ≤ ρ), not nowhere; with ρ⟨z, x⟩ nothing is wrong and margins are as given."""
    n, r, offset = 50_000, 0.05, 0.2
    data = simulated.full_sample(simulated.Distribution(3, r=r), n, rng)
    margin = data.y * theory.memorising_network(r, offset).predict(data.x2[:, :2])
    assert_allclose(margin, np.where(data.y > 0, offset, data.alpha - offset), atol=1e-12)
    wrong = theory.memorising_error(offset)
    assert abs(np.mean(margin < 0) - wrong) <= support.z_limit(1) * support.binomial_error(wrong, n) < wrong
    fine = theory.memorising_network(r, offset, homogeneous=True)
    assert_allclose(data.y * fine.predict(data.x2[:, :2]), data.alpha * np.where(data.y > 0, offset, 1 - offset),
                    atol=1e-12)
