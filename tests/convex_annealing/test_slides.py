"""Closed forms for the sample of the slides."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from numpy.testing import assert_allclose

from figures.convex_annealing._runs import G, H, LOSSES, descend, stop
from refimpl import convex_annealing as simulated
from tests.convex_annealing.problems import SLIDES, TARGETS
from tests.support import refused
from theory import convex_annealing as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("NAK20.small-lr")
@given(st.floats(-8, 3), st.floats(-8, 3), st.floats(-12, 0))
def test_universal_formula_solves_the_stopping_equation(sharp, flat, fraction):
    """Aq² + Bq = ε and P = ¾Aq² + (3/2)Bq with q = exp(−4t/3); and the general root finder agrees, both to 1e-12."""
    sharp, flat = 10.0**sharp, 10.0**flat
    target = 10.0**fraction * (sharp + flat)
    ratio, time = (f(sharp, flat, target) for f in (theory.flow_loss_ratio, theory.flow_stop_time))
    q = np.exp(-4 * time / 3)
    assert_allclose(sharp * q**2 + flat * q, target, rtol=1e-12)
    assert_allclose(ratio, (0.75 * sharp * q**2 + 1.5 * flat * q) / target, rtol=1e-12)
    stop = theory.stopping_point(H, G, [-sqrt(1.5 * sharp), sqrt(3 * flat)], min(target, sharp + flat) * (1 - 1e-15))
    assert_allclose(stop.loss_ratio, ratio, rtol=1e-12)
    assert_allclose(stop.time, time, rtol=1e-12, atol=1e-12)
    assert 0.75 <= ratio <= 1.5


@pytest.mark.claim("NAK20.small-lr")
def test_values_at_the_start_of_the_slides():
    """1.27744, 1.45971, 1.49555, 1.499996, rising to 3/2 linearly in ε; 3/4, the other limit, is far off."""
    ratios = theory.flow_loss_ratio(*LOSSES, TARGETS)
    assert_allclose(ratios, [1.2774430571616, 1.4597054535375, 1.4955532033676, 1.4999955000540], rtol=1e-13)
    assert_allclose((1.5 - theory.flow_loss_ratio(*LOSSES, 1e-8)) / 1e-8, 4.5, rtol=1e-6)  # ¾·2·Aε/B² with A = ⅔, B = ⅓
    # In rationals: q = ½ is met at ε = A/4 + B/2 = ⅓, where s = ½.
    assert_allclose(theory.flow_loss_ratio(*LOSSES, 1 / 3), 9 / 8, rtol=1e-15)
    assert_allclose(theory.flow_stop_time(*LOSSES, 1 / 3), 0.75 * np.log(2), rtol=1e-14)


@pytest.mark.claim("NAK20.small-lr")
@pytest.mark.parametrize("target", [1e-2, 1e-4])
def test_descent_tends_to_the_universal_formula(target):
    """P/L at the loss that simulated descent stopped at, against the formula: the difference halves with the rate.

    The same comparison with the limit 3/2 in place of the formula does not tend to 0.
    """
    errors, offsets = [], []
    for lr in (0.02, 0.01, 0.005):
        stop = simulated.descend(simulated.three_samples(), target, lr=lr)
        errors.append(stop.loss_ratio - theory.flow_loss_ratio(*LOSSES, stop.train_loss))
        offsets.append(1.5 - stop.loss_ratio)
    assert_allclose(np.divide(errors[:2], errors[1:]), 2, rtol=0.1)
    assert abs(errors[-1]) < 0.05 * offsets[-1]


@pytest.mark.claim("NAK20.annealed")
@given(st.floats(0.01, 1.49), st.integers(0, 30), st.floats(-6, 0), st.floats(-1, 1))
def test_annealed_formula_equals_the_general_stop(lr, steps, fraction, tilt):
    """To 1e-12; the rate used with half its curvature, and one step fewer, are caught."""
    sharp, flat = 10.0**tilt, 1.0
    multipliers = np.array([1 - 4 * lr / 3, 1 - 2 * lr / 3]) ** 2
    loss = float(np.array([sharp, flat]) @ multipliers**steps)
    assume(loss > 1e-200)
    target = 10.0**fraction * loss * (1 - 1e-12)
    start = [-sqrt(1.5 * sharp), -sqrt(3 * flat)]
    schedule = {"large_lr": lr, "large_steps": steps} if steps else {}
    stop = theory.stopping_point(H, G, start, target, **schedule)
    ratio = theory.annealed_loss_ratio(sharp, flat, target, lr, steps)
    assert stop.steps == steps
    # A multiplier near 0 is rounded, relative to itself, and then raised to a power.
    assert_allclose(stop.loss_ratio, ratio, rtol=1e-11 if steps > 10 else 1e-12)
    assert_allclose(stop.train_loss, target, rtol=1e-12)


@pytest.mark.claim("NAK20.annealed")
def test_annealing_halves_the_test_loss():
    """3/2 against 3/4 at each ε with the finite-ε values, in simulation as in theory to 1e-12."""
    for target in (1e-2, 1e-4, 1e-6):
        steps = theory.steps_to_loss(H, SLIDES[2], 1.3, 4 * target)
        for count, switch in ((0, {}), (steps, {"large_lr": 1.3, "anneal_loss": 4 * target})):
            predicted, run = stop(target, 0.05, 1.3, count), descend(target, 0.05, **switch)
            assert run.nit == predicted.steps
            assert_allclose(run.loss_ratio, predicted.loss_ratio, rtol=1e-12)
            assert run.anneal_step == count
        small = theory.flow_loss_ratio(*LOSSES, target)
        annealed = theory.annealed_loss_ratio(*LOSSES, target, 1.3, steps)
        assert abs(small - 1.5) < 6 * target + 1e-12 and abs(annealed - 0.75) < 5e-4
    assert_allclose(theory.limit_ratios(H, G), (1.5, 0.75), rtol=1e-15)
    assert_allclose(annealed / small, 0.5, rtol=1e-5)


@pytest.mark.claim("NAK20.fixed-switch")
def test_fixed_switch_reverses_as_the_target_falls():
    """η = 1.3, K = 2: 0.752, 0.768, 0.910, 1.402 at ε = 1e-2…1e-8, then 3/2; "always helps" predicts 3/4 throughout."""
    targets = 10.0 ** -np.arange(2, 13, 2)
    predicted = theory.annealed_loss_ratio(*LOSSES, targets, 1.3, 2)
    assert_allclose(predicted[:4], [0.7518, 0.7678, 0.9096, 1.4016], atol=1e-4)
    assert (np.diff(predicted) > 0).all() and predicted[-1] > 1.4999
    for target in targets[:4]:
        run, exact = descend(target, 0.02, large_lr=1.3, large_steps=2), stop(target, 0.02, 1.3, 2)
        assert run.nit == exact.steps
        assert_allclose(run.loss_ratio, exact.loss_ratio, rtol=1e-12)
        # What is left of the rate 0.02 is first order in it.
        assert abs(run.loss_ratio - theory.annealed_loss_ratio(*LOSSES, run.train_loss, 1.3, 2)) < 0.02


def test_the_reversal_of_equal_losses_is_their_sum():
    """Half of the loss in each direction is the last that is answered: 9/8 from the start on."""
    assert theory.reversal_target(0.5, 0.5) == 1.0


@pytest.mark.claim("NAK20.fixed-switch")
@given(st.floats(1.01, 1.49), st.integers(0, 12))
def test_half_of_the_benefit_is_gone_at_the_reversal(lr, steps):
    """P/ε = 9/8 at ε = 2B²/A, in closed form and from the general stop; B²/A, a factor 2 off, is caught."""
    target = theory.reversal_target(*LOSSES, lr, steps) if steps else theory.reversal_target(*LOSSES)
    target = min(target, float(np.dot(LOSSES, np.array([1 - 4 * lr / 3, 1 - 2 * lr / 3]) ** (2 * steps))))
    assert_allclose(theory.annealed_loss_ratio(*LOSSES, target, lr, steps), 9 / 8, rtol=1e-12)
    assert abs(theory.annealed_loss_ratio(*LOSSES, target / 2, lr, steps) - 9 / 8) > 0.05
    schedule = {"large_lr": lr, "large_steps": steps} if steps else {}
    assert_allclose(theory.stopping_point(*SLIDES, target * (1 - 1e-13), **schedule).loss_ratio, 9 / 8, rtol=1e-10)


@pytest.mark.claim("NAK20.annealed")
def test_powers_of_a_rounded_multiplier_lose_digits():
    """The null of values in the table of references: at η = 1e-9 and 1e9 steps 1 − 4η/3, rounded before its power."""
    rounded = [loss * (1 - 1e-9 * value) ** 2e9 for loss, value in zip(LOSSES, np.diag(H))]
    target, promised = sum(rounded) / 2, (1 + 4 / 3) * 1e-14
    ratio = theory.annealed_loss_ratio(*LOSSES, target, 1e-9, 10**9)
    assert abs(theory.flow_loss_ratio(*rounded, target) / ratio - 1) > 10 * promised
    refused("lr must be given with large_steps, got None and 2", theory.reversal_target, 0.6, 0.3, large_steps=2)


@pytest.mark.claim("NAK20.small-lr")
@pytest.mark.parametrize("share", [1e-12, 1e-6])
def test_stop_time_close_to_the_start(share):
    """The null of values in the table of references: the logarithm of a q that is rounded near 1."""
    sharp, flat, target = 0.5, 0.25, 0.75 * (1 - share)
    plain = -0.75 * log(2 * target / (flat + sqrt(flat**2 + 4 * sharp * target)))
    assert abs(plain / theory.flow_stop_time(sharp, flat, target) - 1) > 1e-13
