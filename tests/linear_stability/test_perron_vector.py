"""The edge sought on one number per example: the matrix M, and the same answers as the search on r × r matrices."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from theory.linear_stability import GaussNewton, _perron_vector, _proofs, critical_lr, mean_square_rate
from theory.linear_stability._arguments import set_up

pytestmark = pytest.mark.chance("exact")


@pytest.mark.parametrize("rule", [{}, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}, {"weight_decay": 0.3}])
def test_the_matrix_has_radius_one_at_the_critical_rate(rng, rule):
    """M, also of weights of either sign, and λmax(M) = 1 at the limit that r × r matrices give. Null: k for k'."""
    jacobians = rng.standard_normal((7, 4))
    factors = GaussNewton(jacobians)
    problem = set_up(factors, 2, **rule)
    family, t = problem.limits(), problem.inverse(critical_lr(factors, 2, **rule))
    rows, inverse = family.modes.reduced.factors[:, 0], family.inverse_kernel(t)
    mean = np.diag(rows.T @ rows / 7)
    share = family.noise_factor / 7
    pairs = np.einsum("ia,ib->iab", rows, rows)
    whole = np.einsum("iab,ab,jab->ij", pairs, share / (inverse + family.noise_factor * np.outer(mean, mean)), pairs)
    product = _perron_vector._Product(family, t, float)
    mixed = rng.standard_normal((6, 7))
    assert_allclose([product(q) for q in (*np.eye(7), *mixed)], [*whole, *mixed @ whole], rtol=0,
                    atol=1e-13 * 7 * whole.max() * np.abs(mixed).max())
    assert_allclose(_perron_vector._gram(rows, mixed[0]), np.einsum("i,iab->ab", mixed[0], pairs), rtol=0, atol=1e-12)
    assert np.linalg.eigvalsh(whole)[-1] == pytest.approx(1, abs=1e-8)
    assert abs(np.linalg.eigvalsh(np.einsum("iab,ab,jab->ij", pairs, share / inverse, pairs))[-1] - 1) > 1e-3


@pytest.mark.parametrize(("spread", "rule"), [
    ("equal", {}), ("equal", {"momentum": 0.9}), ("heavy", {}), ("steep", {"momentum": 0.5, "nesterov": True}),
    ("steep", {"weight_decay": 0.1})])
def test_both_searches_find_one_edge(rng, monkeypatch, spread, rule):
    """Limits and rates of 140 examples, equal, with heavy-tailed norms and with curvatures over six decades: to
    1e-12, by proofs as narrow, which the search on n numbers finds itself. The null: the limit at a batch of one more.
    """
    jacobians = rng.standard_normal((140, 132))
    if spread == "heavy":
        jacobians *= 10 ** rng.uniform(-3, 3, (140, 1))
    if spread == "steep":
        jacobians *= np.logspace(0, -3, 132)
    factors = GaussNewton(jacobians)

    def answers():
        limit = critical_lr(factors, 8, full_output=True, **rule)
        return limit, mean_square_rate(factors, 0.8 * limit[0], 8, full_output=True, **rule)

    taken = []
    search = _perron_vector.search
    monkeypatch.setattr(_perron_vector, "search", lambda *given: taken.append(search(*given)) or taken[-1])
    with monkeypatch.context() as alone:
        alone.setattr(_proofs, "smallest_form", None)    # the other search, which is called where no proof was found
        found = answers()
    assert len(taken) == 2 and None not in taken
    monkeypatch.setattr(_perron_vector, "_LEAST", 1000)
    wanted = answers()
    assert len(taken) == 2
    for (value, spectrum), (other, _) in zip(found, wanted):
        assert value == pytest.approx(other, rel=1e-12)
        assert spectrum.lower <= value <= spectrum.upper <= value * (1 + 1e-9) and spectrum.converged
    assert critical_lr(factors, 9, **rule) > found[0][0] * (1 + 1e-3)
