"""The edge sought on one number per example: the matrix M, and the same answers as the search on r × r matrices."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from theory.linear_stability import GaussNewton, _perron_vector, _proofs, critical_lr, mean_square_rate
from theory.linear_stability._arguments import set_up
from theory.linear_stability._range_of_hessian import weighted_gram

pytestmark = pytest.mark.chance("exact")


@pytest.mark.parametrize("rule", [{}, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}, {"weight_decay": 0.3}])
def test_the_matrix_has_radius_one_at_the_critical_rate(rng, rule):
    """M, also of weights of either sign, and λmax(M) = 1 at the limit that r × r matrices give. Null: k for k'."""
    factors = GaussNewton(rng.standard_normal((7, 4)))
    problem = set_up(factors, 2, **rule)
    family, t = problem.limits(), problem.inverse(critical_lr(factors, 2, **rule))
    rows, inverse = family.modes.reduced.factors[:, 0], family.inverse_kernel(t)
    mean = np.diag(rows.T @ rows / 7)
    share = family.noise_factor / 7
    pairs = np.einsum("ia,ib->iab", rows, rows)
    whole = np.einsum("iab,ab,jab->ij", pairs, share / (inverse + family.noise_factor * np.outer(mean, mean)), pairs)
    product = _perron_vector._Product(rows, _perron_vector._kernel(family, t))
    mixed = rng.standard_normal((6, 7))
    assert_allclose([product(q) for q in (*np.eye(7), *mixed)], [*whole, *mixed @ whole], rtol=0,
                    atol=1e-13 * 7 * whole.max() * np.abs(mixed).max())
    assert_allclose(weighted_gram(rows, mixed[0]), np.einsum("i,iab->ab", mixed[0], pairs), rtol=0, atol=1e-12)
    assert np.linalg.eigvalsh(whole)[-1] == pytest.approx(1, abs=1e-8)
    assert abs(np.linalg.eigvalsh(np.einsum("iab,ab,jab->ij", pairs, share / inverse, pairs))[-1] - 1) > 1e-3


@pytest.mark.parametrize(("spread", "rule"), [
    ("even", {}), ("heavy", {}), ("steep", {"momentum": 0.5, "nesterov": True})])
def test_both_searches_find_one_edge(rng, monkeypatch, spread, rule):
    """Limits and rates of 140 examples, Gaussian, with heavy-tailed norms and with curvatures over six decades: to
    1e-12, by proofs as narrow, which the search on n numbers finds itself. The null: the limit at a batch of one
    more."""
    factors = GaussNewton(rng.standard_normal((140, 132)) * {
        "even": 1, "heavy": 10 ** rng.uniform(-3, 3, (140, 1)), "steep": np.logspace(0, -3, 132)}[spread])

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


def test_what_single_precision_cannot_solve_is_solved_in_double(monkeypatch):
    """X − k ∘ pN(X) = I to .3 at 1e-9 above the edge, from the Perron vector and from a vector .3 beside it, where what
    is beside is 1e8 and more: in single precision alone X cannot be found."""
    family = set_up(GaussNewton(np.random.default_rng(0).standard_normal((9, 5))), 2).limits()
    found, missed = _perron_vector.search(family, 0), []
    t, product = found.edge * (1 + 1e-9), _perron_vector._Product

    def accept(family, t, matrix):
        missed.append(np.linalg.norm(matrix - family.noise(matrix) / family.inverse_kernel(t) - np.eye(5)))
        return missed[-1] < 0.3

    weights = found.weights + 0.3 * np.sin(np.arange(9))
    images = product(family.modes.reduced.factors[:, 0], _perron_vector._kernel(family, found.at))(weights)
    beside = replace(found, weights=weights, rest=weights - images)
    for each in (found, beside):
        assert _perron_vector.inside(family, t, each, accept, 0) is not None and len(missed) == 1 + (each is beside)
    monkeypatch.setattr(_perron_vector, "_Product", lambda rows, kernel, dtype: product(rows, kernel, np.float32))
    assert _perron_vector.inside(family, t, found, accept, 0) is not None
    assert _perron_vector.inside(family, t, beside, accept, 0) is None


RULES = ({}, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}, {"weight_decay": 0.1}, {"momentum": -0.5},
         {"weight_decay": 0.1, "preconditioner": 0})


def test_both_searches_agree_whatever_the_ensemble(monkeypatch):
    """48 chosen ones of 2 to 8 examples in 1 to 6 dimensions, one or two outputs, norms over two decades, all rules,
    B to n: limits and rates on either side of them. The search on n numbers is made where there is one output and no
    coupling of modes, and finds an edge each time."""
    taken, search = [], _perron_vector.search
    monkeypatch.setattr(_perron_vector, "search", lambda *given: taken.append(search(*given)) or taken[-1])
    for seed in range(48):
        rng = np.random.default_rng(seed)
        n, dim, outputs = *rng.integers((2, 1), (9, 7)), 1 + (seed // 6) % 2
        factors = GaussNewton(rng.standard_normal((n, outputs, dim)) * 10 ** rng.uniform(-1, 1, (n, 1, 1)))
        rule, size = dict(RULES[seed % 6]), int(rng.integers(1, n + 1))
        if "preconditioner" in rule:
            rule["preconditioner"] = 1.0 + np.arange(dim)
        found = []
        for least in (1, 1000):
            monkeypatch.setattr(_perron_vector, "_LEAST", least)
            taken.clear()
            limit = critical_lr(factors, size, **rule)
            found.append([limit, *(mean_square_rate(factors, share * limit, size, **rule) for share in (0.8, 1.3))])
            made = least == 1 and outputs == 1 and (dim == 1 or "preconditioner" not in rule) and size < n
            assert (len(taken) >= 2) == made and None not in taken, (seed, taken)
        assert found[0] == pytest.approx(found[1], rel=1e-12)
