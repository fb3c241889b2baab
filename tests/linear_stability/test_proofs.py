"""Proofs and the edges between them: what they claim holds in rational arithmetic, and what was not proved is said."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.linear_stability.rounded import Rounded, errors, rounded
from theory import linear_stability as theory
from theory.linear_stability import _bounds, _certificate, _lanczos, _proofs
from theory.linear_stability._arguments import set_up
from theory.linear_stability._momentum import Rule

pytestmark = pytest.mark.chance("exact")

PLANE = np.array([[0.0, 3.0], [2.0, -2.0], [3.0, 0.0]])     # factors: no matrix at hand is the Perron eigenvector
EPS = np.finfo(float).eps
exactly = np.vectorize(Fraction, otypes=[object])


def family_of(factors, momentum=0.0, lr=None):
    problem = set_up(theory.GaussNewton(factors), 1, momentum=momentum)
    return problem.limits() if lr is None else problem.rates(lr)


def inverse_kernel(family, t):
    """1/k of the heavy ball as fractions; for rates (μ = 0) that of the growth factor."""
    a, mu, t = exactly(family.modes.curvatures), Fraction(family.rule.momentum), Fraction(t)
    if family.lr is not None:
        left = 1 - Fraction(family.lr) * a
        return (t - np.outer(left, left)) / Fraction(family.lr) ** 2
    drift = (1 - mu) / (1 + mu) * ((1 + mu) * (a[:, None] + a) * t - np.outer(a, a))
    return drift + mu / (1 - mu**2) * (a[:, None] - a) ** 2


def noise(family, matrix):
    """pN(X) of the reduced ensemble as fractions."""
    rows, mean = exactly(family.modes.reduced.factors[:, 0]), exactly(family.modes.mean)
    weights = np.array([row @ matrix @ row for row in rows])
    spread = (rows.T * weights) @ rows / len(rows)
    return Fraction(family.noise_factor) * (spread - np.outer(mean, mean) * matrix)


def form(family, t, matrix):
    """⟨X, X/k(t) − pN(X)⟩ as a fraction."""
    return (matrix * (inverse_kernel(family, t) * matrix - noise(family, matrix))).sum()


def is_positive_definite(matrix):
    """By elimination of fractions."""
    rest = matrix.copy()
    while len(rest):
        if rest[0, 0] <= 0:
            return False
        rest = rest[1:, 1:] - np.outer(rest[1:, 0], rest[0, 1:]) / rest[0, 0]
    return True


def is_proof(family, t, matrix):
    """X ≻ 0 and X − k ∘ pN(X) ≻ 0, exactly."""
    matrix = exactly(matrix)
    return is_positive_definite(matrix) and is_positive_definite(matrix - noise(family, matrix)
                                                                 / inverse_kernel(family, t))


CASES = [(momentum, None) for momentum in (0.0, 0.9, -0.5, 0.999)] + [(0.0, share) for share in (0.3, 1.0, 30.0)]


@pytest.mark.parametrize(("momentum", "share"), CASES)
def test_both_ends_of_an_edge_are_proved_in_rational_arithmetic(rng, momentum, share):
    """5 ensembles: at `lower` the form of `matrix` is negative, at `upper` the inner matrix is a proof; neither is
    1.5 times as far as 16 r ε, and a proof at the quotient itself, or `lower` beyond it, would be false."""
    for _ in range(5):
        factors = rng.standard_normal((4, 3))
        lr = None if share is None else share * theory.critical_lr(theory.GaussNewton(factors), 1)
        family = family_of(factors, momentum, lr)
        edge = _proofs.enclose(family, 0)
        matrix = exactly(edge.matrix)
        assert form(family, edge.lower, matrix) < 0 < form(family, edge.upper, matrix)
        assert form(family, edge.lower * (1 + 24 * 3 * EPS), matrix) > 0
        assert is_proof(family, edge.upper, edge.inside)
        assert not is_proof(family, edge.lower, edge.inside)


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.999])
def test_a_proof_that_is_taken_is_one(momentum):
    """At the least t at which X is taken, found by halving, of 12 chosen ensembles; without the margin some would be
    wrong."""
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(12):
        family = family_of(rng.standard_normal((4, 3)), momentum)
        mixed = np.eye(3) + 0.3 * np.cov(rng.standard_normal((3, 9)))
        least = {}
        for name, accepts in (("margin", lambda t: _proofs.proves_stability(family, t, mixed)),
                              ("none", lambda t: np.linalg.eigvalsh(
                                  mixed - family.noise(mixed) / family.inverse_kernel(t))[0] > 0)):
            low, high = family.floor * (1 + 1e-12), 1e7 * family.floor
            for _ in range(70):
                middle = (low + high) / 2
                low, high = (low, middle) if accepts(middle) else (middle, high)
            least[name] = high
        assert is_proof(family, least["margin"], mixed)
        wrong += not is_proof(family, least["none"], mixed)
        assert least["margin"] < least["none"] * (1 + 1e-9 / (1 - momentum))
    assert wrong


def blocks(momentum):
    """Factors of H_i = diag(h_i, B_i), B_i from `PLANE`, and a rate between the limits of both, that of B the lower."""
    lower = theory.critical_lr(theory.GaussNewton(PLANE), 1, momentum=momentum)
    upper = theory.necessary_lr(theory.GaussNewton(PLANE), 1, momentum=momentum)
    alone = np.array([0.5, 1.0, 4.0])[:, None]
    alone *= np.sqrt(2 * theory.critical_lr(theory.GaussNewton(alone), 1, momentum=momentum) / (lower + upper))
    factors = np.zeros((3, 2, 3))
    factors[:, 0, :1], factors[:, 1, 1:] = alone, PLANE
    return factors, lower, (3 * lower + upper) / 4


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_start_that_is_an_eigenvector_of_another_block_does_not_deceive(momentum):
    """Blocks do not couple: the smaller limit counts. From the mode of the other block, with a residual of 0, the
    search must be sent on by a negative direction; that block's own limit, 1e-4 and more above, is the null."""
    factors, limit, between = blocks(momentum)
    ensemble = theory.GaussNewton(factors)
    found, spectrum = theory.critical_lr(ensemble, 1, momentum=momentum, full_output=True)
    assert_allclose(found, limit, rtol=1e-9)
    assert spectrum.converged and spectrum.lower <= limit * (1 + 1e-9) and limit * (1 - 1e-9) <= spectrum.upper
    assert theory.critical_lr(theory.GaussNewton(factors[:, :1, :1]), 1, momentum=momentum) > limit * (1 + 1e-4)
    found = theory.certify(ensemble, between, 1, momentum=momentum)
    assert found.verdict == "unstable" and found.bound > 1
    rates = [theory.mean_square_rate(theory.GaussNewton(each), between, 1, momentum=momentum)
             for each in (factors, factors[:, :1, :1], PLANE)]
    assert_allclose(rates[0], max(rates[1:]), rtol=1e-8)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_what_is_offered_as_proof_solves_the_equation_closer_each_time(momentum):
    """X / k − pN(X) = diag(1 / k_ii), in the norm of k to .5, .5/30, … until it is taken; offered four times."""
    family, offered = family_of(np.random.default_rng(0).standard_normal((9, 5)), momentum), []
    bounds = _bounds.Bounds.of(family)
    t, near = 1.5 * bounds.sufficient, np.eye(5)
    inverse = family.inverse_kernel(t)
    for taken in range(1, 6):
        offered.clear()
        found = _lanczos.conjugate_gradients(family, t, near, lambda *given: offered.append(given[2]) or
                                             len(offered) == taken)
        rests = [np.linalg.norm((np.diag(np.diagonal(inverse)) - inverse * x + family.noise(x)) / inverse)
                 for x in offered]
        assert len(offered) == min(taken, 4) and (np.array(rests) < 0.5 * 30.0 ** -np.arange(len(rests))).all()
        assert (found[0] is None) == (taken == 5) and found[1] is None


def test_an_edge_is_as_wide_as_what_was_proved(monkeypatch):
    """Where the narrowest proof fails wider ones are tried in turn; where all fail the upper end is infinite."""
    family, tried = family_of(PLANE), []

    def after(failures):
        def proof(family, t, near, accept):
            tried.append(t)
            return (None, None) if len(tried) <= failures else (near, None)
        return proof

    for failures, width in enumerate(_proofs._WIDTHS):
        tried.clear()
        monkeypatch.setattr(_proofs, "conjugate_gradients", after(failures))
        edge = _proofs.enclose(family, 0, 1e-3)
        assert_allclose(edge.upper - edge.value, width * edge.value + 1e-3, rtol=1e-5)
        assert_allclose(np.array(tried) - edge.value, 1e-3 + edge.value * np.array(_proofs._WIDTHS[:failures + 1]),
                        rtol=1e-5)
        assert edge.upper == tried[-1]
        for call in (theory.critical_lr, lambda *given, **more: theory.mean_square_rate(given[0], 0.1, 1, **more)):
            tried.clear()
            assert call(theory.GaussNewton(PLANE), 1, full_output=True)[1].converged == (failures == 0)
    monkeypatch.setattr(_proofs, "conjugate_gradients", after(99))
    edge = _proofs.enclose(family, 0)
    assert edge.upper == np.inf and edge.lower == edge.value and edge.inside is None
    value, spectrum = theory.critical_lr(theory.GaussNewton(PLANE), 1, full_output=True)
    assert spectrum.lower == 0 and not spectrum.converged and value <= spectrum.upper < value * (1 + 1e-9)
    for call in (theory.critical_lr, lambda *given: theory.mean_square_rate(given[0], 0.1, 1)):
        with pytest.raises(RuntimeError, match="no enclosure narrower than 1e-6 of"):
            call(theory.GaussNewton(PLANE), 1)


def test_verdicts_keep_their_distance(monkeypatch):
    """Within a margin of a bound, of the edge found, or of the quotient of a negative direction nothing is claimed; two
    margins beyond, it is. A margin of the other sign would claim what rounding may undo."""
    family = family_of(PLANE)
    bounds, margin = _bounds.Bounds.of(family), _proofs.margin(2)
    t = (bounds.necessary + bounds.sufficient) / 2
    for edge, bent, verdict in ((1 + margin / 2, None, "undecided"), (1 + 2 * margin, None, "unstable"),
                                (1 - margin, 1 + margin / 2, "undecided"), (1 - margin, 1 + 2 * margin, "unstable")):
        monkeypatch.setattr(_certificate, "smallest_form", lambda *given, **more: (t * edge, np.eye(2), 0.0))
        monkeypatch.setattr(_certificate, "conjugate_gradients",
                            lambda *given: (None, None if bent is None else np.eye(2)))
        monkeypatch.setattr(_certificate.Bounds, "of", lambda family: bounds)
        monkeypatch.setattr(type(family), "edge_of", lambda *given: t * (bent or 0.0))
        assert _certificate.judge(family, t)[0] == verdict


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99, 0.999, -0.1, -1 / 3, -0.5, -0.99])
def test_what_rounding_of_the_kernel_is_allowed_for_is_what_it_may_be(rng, momentum, nesterov):
    """Against a running error analysis, at limits and growth factors from within 1e-12 of the floor on; at the limits
    of the heavy ball it is at most 10 times that. The null, 64 (a + b) t / (1 − |μ|) for Nesterov's step, is too small
    where two modes come close to its other limit."""
    rule, analysed = Rule(momentum, nesterov), Rule(Rounded(momentum), nesterov)
    for scale in (0.1, 1.0, 4.0):
        a = np.sort(10 ** rng.uniform(-scale, 0, 4))
        edge = rule.full_batch_lr(a[-1])
        for above in (1e-12, 1e-4, 3.0):
            t = (1 + above) / edge
            needed = errors(analysed.inverse_kernel(rounded(a), Rounded(t)))
            allowed = rule.kernel_rounding(a, t)
            assert (needed <= allowed).all() and (nesterov or (allowed <= 10 * needed).all())
            for share in (0.3, 1.5):
                lr = share * edge
                t = rule.noiseless_rate(a, lr) * (1 + above)
                needed = errors(analysed.inverse_kernel_at(rounded(a), lr, Rounded(t)))
                assert (needed <= rule.kernel_rounding(a, t, lr)).all()
    a, t = np.array([3.499, 3.49999]), 1.0
    needed = errors(Rule(Rounded(-0.4), True).inverse_kernel(rounded(a), Rounded(t)))
    assert needed[0, 1] > 10 * 64 * a.sum() * t / 0.6


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("curvatures", [(0.2, 3.8), (0.7, 0.9), (1e-3, 40.0)])
def test_beside_a_limit_in_one_dimension_verdicts_are_right_or_none(curvatures, size):
    """η* = 2a/(a² + ps²) by hand: at a distance of 1e-15, which rounding hides, no verdict; at 1e-12 the right one."""
    hessians, (a, p) = np.array(curvatures)[:, None, None], (np.mean(curvatures), 2 - size)
    limit = 2 * a / (a**2 + p * np.var(curvatures))
    for distance in (-1e-15, 1e-15):
        assert theory.certify(hessians, limit * (1 + distance), size).verdict == "undecided"
    assert theory.certify(hessians, limit * (1 - 1e-12), size).verdict == "stable"
    assert theory.certify(hessians, limit * (1 + 1e-12), size).verdict == "unstable"


def test_the_bound_of_an_unstable_verdict_is_a_quotient_above_one():
    """At 1 % above the closer necessary condition: X = I where norms are alike, the eigenvector where one is large."""
    for curvatures in ([1.0, 1.0, 1.0], [100.0, 1.0, 1.0]):
        factors = np.diag(np.sqrt(curvatures))
        factors[0, 1] = 0.1
        lr = 1.01 * theory.necessary_lr(theory.GaussNewton(factors), 1)
        found = theory.certify(theory.GaussNewton(factors), lr, 1)
        assert found.verdict == "unstable" and 1 < found.bound < 1.1


@pytest.mark.parametrize("criterion", ["mean-square", "sufficient", "gd"])
def test_limits_of_diagonal_ensembles_are_enclosed_exactly(rng, criterion):
    """40 ensembles of 3 diagonal Hessians: the limit as a fraction lies inside, and the enclosure is rounding wide."""
    for _ in range(40):
        each = rng.uniform(0.01, 3.0, (3, 2))
        h = exactly(each)
        a, square = h.sum(axis=0) / 3, (h**2).sum(axis=0) / 3
        exact = min(2 * a / (square if criterion != "gd" else a**2))
        hessians = np.stack([np.diag(row) for row in each])
        value, spectrum = theory.critical_lr(hessians, 1, criterion, full_output=True)
        assert Fraction(spectrum.lower) <= exact <= Fraction(spectrum.upper)
        assert spectrum.upper - spectrum.lower <= 4 * 16 * 2 * 4 * EPS * value


@pytest.mark.parametrize("lr", [0.3, 2.7, 1e3, 1e8])
def test_rates_without_noise_are_enclosed_exactly(rng, lr):
    """The largest (1 − ηa)² of two modes as a fraction, 1e16 too, where an absolute allowance is no rounding at all."""
    for _ in range(20):
        a = rng.uniform(0.01, 3.0, 2)
        exact = max((1 - Fraction(lr) * exactly(a)) ** 2)
        rate, spectrum = theory.mean_square_rate(np.diag(a)[None], lr, 1, full_output=True)
        assert Fraction(spectrum.lower) <= exact <= Fraction(spectrum.upper)
        assert spectrum.upper - spectrum.lower <= 1e-13 * max(1, rate)
