"""Enclosures and verdicts: proved, narrow, and never wrong."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from tests import support
from tests.linear_stability import augmented
from tests.linear_stability.augmented import Step
from theory import linear_stability as theory

pytestmark = pytest.mark.chance("exact")


def adversarial(n):
    """H_i = e₀e₀ᵀ + c e_ie_iᵀ: η* = 2 at B = 1 by hand, with n eigenvalues within 3e-7 of the top one."""
    jacobians = np.zeros((n, 2, n + 1))
    jacobians[:, 0, 0] = 1
    jacobians[np.arange(n), 1, 1 + np.arange(n)] = np.sqrt(1.0 - 3e-7)
    return jacobians


@pytest.mark.parametrize("turned", [False, True])
def test_a_crowded_spectrum_does_not_deceive(rng, turned):
    """A Ritz value with residual 7.5e-10 once gave 2.0000006; a turned ensemble has a Perron matrix on its cone's
    edge."""
    n = 100
    jacobians = adversarial(n)
    if turned:
        jacobians = jacobians @ support.random_rotation(rng, n + 1)
    limit, spectrum = theory.critical_lr(theory.GaussNewton(jacobians), 1, full_output=True)
    assert abs(limit - 2) < 1e-9 and spectrum.lower <= 2 <= spectrum.upper
    assert spectrum.upper - spectrum.lower < 1e-9 * limit
    assert limit <= theory.critical_lr(theory.GaussNewton(jacobians), 1, "gd")


def test_a_start_that_satisfies_the_stop_does_not_deceive():
    """99 modes at 1 − η = −1 + 2e-9 and one beyond: grows by 1.6e-8 a step, where Lanczos from I found decay."""
    hessians, lr = np.diag([1.0] * 99 + [1 + 5e-9])[None], 2 * (1 - 1e-9)
    assert_allclose(theory.mean_square_rate(hessians, lr, 1) - 1, 1.6e-8, rtol=1e-6)
    assert theory.certify(hessians, lr, 1).verdict == "unstable"


@given(augmented.problems(), st.floats(0.1, 1.3))
def test_enclosures_are_narrow_and_the_rate_is_the_enumerated_one(problem, fraction):
    """To 1e-6: where no noise is left roots of the enumerated operator are double and lose half their digits."""
    hessians, size, replacement, step = problem
    lr, spectrum = theory.critical_lr(hessians, size, replacement=replacement, full_output=True, **step.keywords)
    assert spectrum.lower <= lr <= spectrum.upper <= spectrum.lower * (1 + 1e-8)
    rate, spectrum = theory.mean_square_rate(hessians, fraction * lr, size, replacement=replacement, full_output=True,
                                             **step.keywords)
    assert spectrum.lower <= rate <= spectrum.upper <= spectrum.lower * (1 + 1e-7)
    assert_allclose(rate, augmented.radius(hessians, fraction * lr, size, step, replacement), rtol=1e-6)


@given(augmented.problems(), st.sampled_from([1e-3, 1e-6, -1e-6, -1e-3, -0.5, 0.5]))
def test_verdicts_are_those_of_the_enumeration(problem, distance):
    """Decided, and rightly, at 1e-6 of the limit; a certificate at 1.001 η* would be wrong."""
    hessians, size, replacement, step = problem
    lr = (1 + distance) * theory.critical_lr(hessians, size, replacement=replacement, **step.keywords)
    found = theory.certify(hessians, lr, size, replacement=replacement, **step.keywords)
    assert found.verdict == ("unstable" if distance > 0 else "stable")
    if abs(distance) >= 1e-3:
        assert (augmented.radius(hessians, lr, size, step, replacement) > 1) == (found.verdict == "unstable")


@pytest.mark.parametrize("step", [Step(), Step(0.9), Step(0.9, nesterov=True)], ids=str)
def test_slow_modes_within_rounding_of_one_are_enclosed(rng, step):
    """The slowest of curvatures over ten decades decays by less than 1e-9 per step: enclosed, without a warning."""
    ensemble = theory.GaussNewton(rng.standard_normal((40, 40)) * np.arange(1, 41) ** -3.0)
    lr = 0.9 * theory.critical_lr(ensemble, 4, **step.keywords)
    rate, spectrum = theory.mean_square_rate(ensemble, lr, 4, full_output=True, **step.keywords)
    assert spectrum.lower <= rate <= spectrum.upper < 1 + 1e-6
    assert abs(rate - 1) < 1e-6


def test_a_slow_complex_mode_that_little_noise_reaches_is_enclosed():
    """Nesterov, a decay that couples three directions of two examples: the rate is that of the noiseless mode and 1e-5
    of it, where 1/k is 1e-8. Rounding allowed for as if no term of 1/k were small there left it open."""
    given = theory.GaussNewton([[1.0, 1.0, 0.0], [0.0, 3.0, 1.0]])
    step = {"momentum": 0.9, "nesterov": True, "weight_decay": 2.0, "preconditioner": [0.25, 1.0, 8.0]}
    lr = theory.critical_lr(given, 1, **step)
    for share in (0.05, 0.1, 0.2, 0.4, 0.8):
        rate, spectrum = theory.mean_square_rate(given, share * lr, 1, full_output=True, **step)
        assert spectrum.lower <= rate <= spectrum.upper < rate * (1 + 1e-9)


def test_what_a_certificate_says():
    stable, unstable = (theory.certify([[[0.2]], [[3.8]]], lr, 1) for lr in (0.5, 0.6))
    assert stable.bound < 1 < unstable.bound
    bounds = [lr * 3.24 / (4 - 4 * lr) for lr in (0.5, 0.6)]                         # k p s²
    assert_allclose([stable.bound, unstable.bound], bounds, rtol=1e-12)
    assert theory.certify([[[0.2]], [[3.8]]], 1.1, 2).bound == np.inf


@pytest.mark.parametrize("kind", ["isotropic", "power law", "heavy norms", "blocks"])
@pytest.mark.parametrize("step", [Step(), Step(0.9), Step(0.9, nesterov=True)], ids=str)
def test_enclosures_are_narrow_on_ensembles_of_all_kinds(rng, kind, step):
    """n = 60, d = 80: at most 1e-9 wide."""
    factors = rng.standard_normal((60, 80)) * {
        "isotropic": 1.0, "power law": np.arange(1, 81) ** -1.0, "blocks": np.kron(np.eye(4), np.ones((15, 20))),
        "heavy norms": np.exp(1.5 * rng.standard_normal((60, 1)))}[kind]
    lr, spectrum = theory.critical_lr(theory.GaussNewton(factors), 2, full_output=True, **step.keywords)
    assert spectrum.converged and spectrum.upper - spectrum.lower <= 1e-9 * lr


def test_the_smaller_of_both_necessary_conditions(rng):
    """Isotropic: trace is the closer one; heavy norms: the eigenvector; neither alone is the smaller always."""
    isotropic = theory.GaussNewton(rng.standard_normal((40, 40)))
    heavy = theory.GaussNewton(np.diag(np.r_[10.0, np.ones(39)]))
    for ensemble, closer, other in ((isotropic, "trace", "eigenvector"), (heavy, "eigenvector", "trace")):
        both = theory.necessary_lr(ensemble, 1)
        assert both == theory.necessary_lr(ensemble, 1, closer) < 0.8 * theory.necessary_lr(ensemble, 1, other)
