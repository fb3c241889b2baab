"""Quotients from products alone: the bound found is that of an X, by dense matrices; what random products bound."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2

from tests import support
from theory.linear_stability import Products, _bracket
from theory.linear_stability._bracket import _blocks, _lanczos
from theory.linear_stability._products import Jacobian
from theory.linear_stability._rayleigh import Span, _form, least_square, norm_bound

pytestmark = pytest.mark.chance("exact")


def jacobian_of(rows, outputs, **given_blocks):
    """`Jacobian` of rows (n k, d)."""
    shape = (len(rows) // outputs, outputs) if outputs > 1 else (len(rows),)
    return Jacobian(Products(lambda v: (rows @ v).reshape(shape), lambda u: rows.T @ u.ravel(),
                             len(rows) // outputs, rows.shape[1], outputs, **given_blocks))


def quotient(rows, outputs, matrix, noise, momentum):
    """tr(XHX) over the growth of `_rayleigh`'s docstring, by (d, d) matrices."""
    each = rows.reshape(-1, outputs, rows.shape[1])
    hessians = each.swapaxes(1, 2) @ each
    mean = hessians.mean(axis=0)
    bend = np.trace(matrix @ matrix @ mean @ mean) - np.trace(matrix @ mean @ matrix @ mean)
    fourth = np.mean([np.trace(matrix @ h @ matrix @ h) for h in hessians])
    growth = (1 - noise) * np.trace(matrix @ mean @ matrix @ mean) + noise * fourth
    return np.trace(matrix @ mean @ matrix) / (growth - 2 * momentum / (1 - momentum) ** 2 * bend)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize(("noise", "momentum"), [(0.4, 0.0), (1.0, -0.5), (3.8, 0.9)])
@pytest.mark.parametrize("known", [True, False])
def test_the_bound_is_the_quotient_of_the_matrix_that_it_names(rng, outputs, noise, momentum, known):
    """X = V Y Vᵀ + cI, c = 0 where |J_i|² is not known: the least of the span, to 1e-6 of its neighbours.

    With two outputs, μ = .9 and c = 0 no X of the span has a growth above 0 in 3 % of the draws, so none bounds: ∞.
    """
    rows = rng.standard_normal((8, 5))
    jacobian = jacobian_of(rows, outputs)
    blocks, _, krylov, norm = _blocks(jacobian, rng, 1, 4, noise)
    norm = np.square(rows @ rows.T).sum() / (8 // outputs) ** 2
    form = _form(jacobian, Span.of(krylov), blocks if known else None, norm, noise, momentum)
    found, matrix, share = form.best()
    basis = np.linalg.lstsq(rows, form.rows.reshape(8, -1))[0]                  # V, from J V
    assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-9)
    named = basis @ matrix @ basis.T + share * np.eye(5)
    value = quotient(rows, outputs, named, noise, momentum)
    assert_allclose(value if value > 0 else np.inf, found, rtol=1e-5)
    assert known == (share != 0) and form.identity == known
    for _ in range(5):
        other = support.random_hessians(rng, 1, basis.shape[1])[0] - 0.5 * np.eye(basis.shape[1])
        tried = quotient(rows, outputs, named + 0.1 * np.abs(matrix).max() * basis @ other @ basis.T, noise, momentum)
        assert tried >= found * (1 - 1e-6) or tried < 0


def test_the_span_knows_the_square_of_what_it_holds(rng):
    """K u and K²u of Lanczos vectors and of one added; a vector of zeros adds nothing."""
    rows = rng.standard_normal((9, 6))
    jacobian = jacobian_of(rows, 1)
    span = Span.of(_lanczos(jacobian, np.ones((9, 1, 1)), 0.0, 4, np.ones(9)))
    longer = span.with_vector(jacobian, rng.standard_normal(9))
    kernel = rows @ rows.T
    assert span.vectors.shape == (9, 3) and longer.vectors.shape == (9, 4)
    for each in (span, longer):
        assert_allclose(each.once, kernel @ each.vectors, rtol=1e-9, atol=1e-9)
        assert_allclose(each.twice, kernel @ kernel @ each.vectors, rtol=1e-9, atol=1e-9)
    assert span.with_vector(jacobian, np.zeros(9)) is span
    complete = Span.of(_lanczos(jacobian, np.ones((9, 1, 1)), 0.0, 9, np.ones(9)))
    assert_allclose(complete.twice, kernel @ kernel @ complete.vectors, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("count", "chance"), [(16, 1e-6), (128, 1e-9), (1, 0.5)])
def test_the_least_square_is_the_quantile(count, chance):
    assert_allclose(least_square(count, chance), chi2.ppf(chance, count), rtol=1e-9)


def diagonal(values, known):
    """(Jacobian, blocks, Lanczos vectors) of K = diag(values) with the first `known` of its eigenvectors found."""
    jacobian = jacobian_of(np.diag(np.sqrt(values)), 1)
    basis = np.eye(len(values))[:, :known]
    return jacobian, np.array(values)[:, None, None], SimpleNamespace(basis=basis, images=values[:, None] * basis)


@pytest.mark.chance("law")
def test_the_norm_is_bounded_by_what_random_products_have_left(rng):
    """K = diag of 5, 3 and 300 ones, two of them known: ‖K‖² = 34 + 300 from above by χ² of 16 · 300 at 1e-6, below the
    300² of one eigenvalue; with less noise from below, as if the rest were all alike; both divided by n²."""
    jacobian, blocks, krylov = diagonal(np.r_[5.0, 3.0, np.ones(300)], 2)
    above = norm_bound(jacobian, blocks, krylov, 1.5, rng) * 302**2
    squares = (above - 34) * chi2.ppf(1e-6, 16)
    assert 334 < above < 34 + 300**2
    assert chi2.ppf(5e-7, 16 * 300) < squares < chi2.isf(5e-7, 16 * 300)
    assert_allclose(norm_bound(jacobian, blocks, krylov, 1.0, rng) * 302**2, 34 + 300)


def test_the_norm_of_what_is_known_needs_no_bound(rng):
    """One eigenvalue left, or none: exact, whatever the noise; a few from below by their mean."""
    values = np.array([5.0, 3.0, 2.0, 1.0])
    for known, noise in ((4, 0.5), (4, 2.0), (3, 0.5), (3, 2.0)):
        assert_allclose(norm_bound(*diagonal(values, known), noise, rng) * 16, 39)
    assert_allclose(norm_bound(*diagonal(values, 2), 0.5, rng) * 16, 34 + 3**2 / 2)


@pytest.mark.chance("law")
@pytest.mark.parametrize("outputs", [1, 2])
def test_blocks_are_bounded_by_what_random_products_have_left(rng, outputs, monkeypatch):
    """Beyond what few vectors span, |J_i|² times χ² of 128 over its quantile at 1e-6 per example: never less in one
    family at 1e-6, and of that law, from which a factor of 8 is told."""
    rows, probes = rng.standard_normal((12, 40)), 128
    monkeypatch.setattr(_bracket, "_EXACT_ROWS", 4)
    jacobian = jacobian_of(rows, outputs)
    found, source, krylov, norm = _blocks(jacobian, rng, probes, 3, 0.5)
    frame, _ = Span.of(krylov).frame(jacobian.epsilon)
    along = (krylov.images[:, :frame.shape[0]] @ frame).reshape(12 // outputs, outputs, -1)
    left = np.square(rows).reshape(12 // outputs, -1).sum(axis=1) - np.square(along).sum(axis=(1, 2))
    count = len(found)
    added = found - along @ along.swapaxes(1, 2)
    assert source == "probed" and norm is None
    assert_allclose(added, added[:, :1, :1] * np.eye(outputs), atol=1e-9)
    squares = added[:, 0, 0] * chi2.ppf(1e-6 / count, probes) / left
    least, most = chi2.ppf(1e-6 / count, probes) / outputs, chi2.isf(1e-6 / count, probes)
    assert ((squares > least) & (squares < most)).all() and (squares / 8 < least).all()
    each = rows.reshape(count, outputs, 40)
    assert (np.linalg.eigvalsh(found - each @ each.swapaxes(1, 2)) > 0).all()
