"""The strong feature alone: orbits, multipliers, where filters turn off."""

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.benign_oscillation._runs import KAPPA, LIMIT, SMALL, outputs
from refimpl import benign_oscillation as simulated
from tests.support import refused
from theory import benign_oscillation as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("LWYZ24.orbit")
@pytest.mark.parametrize("c", [1.02, 1.1, 1.2, 1.2355])
def test_simulated_orbit_is_the_closed_form(c):
    """Both outputs, mean residual and its mean square, up to the edge of stability; one with c for 1 + c is caught."""
    orbit = outputs(c, 0.02, 12_000, 2000)
    low, high = theory.period_two_orbit(c)
    assert_allclose(np.sort(orbit[-2:]), [low, high], rtol=0, atol=1e-12)
    assert_allclose((1 - orbit[:-1]).mean(), theory.mean_residual(c), rtol=1e-11)
    assert_allclose(((1 - orbit[:-1]) ** 2).mean(), theory.mean_square_residual(c), rtol=1e-11)
    assert_allclose([theory.reduced_map(low, c), theory.reduced_map(high, c)], [high, low], rtol=1e-13)
    wrong = (c + sqrt((1 + c) ** 2 - 4)) / (2 * c)
    assert abs(orbit.max() - wrong) > 0.1 and abs((1 - orbit).mean() - (c - 1) / c) > 0.3 * theory.mean_residual(c)


@pytest.mark.claim("LWYZ24.orbit")
@pytest.mark.parametrize("c", [1.01, 1.1, 1.3, 1.55])
def test_multipliers_against_differences_of_the_simulated_map(c):
    """One step at f = 1 and two at the orbit, stable or not; 9 − (1 + c)² is caught."""
    step = 1e-5

    def slope(f, steps):
        state = np.zeros((2, 4))
        state[:, 0] = f + step, f - step
        ends = simulated.descend_reduced(state, c, KAPPA, steps)[-1, :, 0]
        return (ends[0] - ends[1]) / (2 * step)

    assert_allclose(slope(1.0, 1), theory.fixed_point_multiplier(c), rtol=1e-8)
    for point in theory.period_two_orbit(c):
        assert_allclose(slope(point, 2), theory.orbit_multiplier(c), atol=1e-6)
        assert abs(slope(point, 2) - (9 - (1 + c) ** 2)) > 0.1


@pytest.mark.claim("LWYZ24.orbit")
def test_the_orbit_loses_its_stability_at_root_five_minus_one():
    """Period 2 just below √5 − 1, not just above; the formulas refuse to answer as closed forms from there on."""
    for c, settled in ((theory.PERIOD_DOUBLING - 2e-3, True), (theory.PERIOD_DOUBLING + 2e-3, False)):
        orbit = outputs(c, 0.02, 20_000, 4)
        assert (abs(orbit[4] - orbit[2]) < 1e-6) == settled
    assert_allclose(theory.orbit_multiplier(theory.PERIOD_DOUBLING), -1, rtol=1e-14)
    assert_allclose(theory.orbit_multiplier(theory.OSCILLATION_ONSET), 1, rtol=1e-15)
    refused("c must be in", theory.weak_growth_rate, theory.PERIOD_DOUBLING + 1e-9, KAPPA)


@pytest.mark.claim("LWYZ24.large-oscillates", "LWYZ24.small-smooth")
def test_oscillation_begins_at_one():
    """c = 0.98 converges and c = 1.02 never does; without overshoot below ½; the onset 2 of a loss with ½: caught."""
    below, above = (outputs(c, 0.05, 4000, 50) for c in (0.98, 1.02))
    assert np.abs(below - 1).max() < 1e-12
    assert np.abs(above - 1).min() > 0.1 and (above > 1).mean() == pytest.approx(0.5, abs=0.02)
    smooth, overshooting = (outputs(c, 0.05, 0, 60) for c in (0.49, 0.7))
    assert (np.diff(np.abs(1 - smooth)) <= 0).all() and smooth.max() < 1 + 1e-3 < overshooting.max()


@pytest.mark.claim("LWYZ24.small-smooth")
@pytest.mark.parametrize("c", [0.2, 0.6, 0.9])
def test_small_rates_converge_by_their_multiplier(c):
    """|1 − f| shrinks by |1 − 2c| a step, 4 digits; the large rate 1.2 is as far off after ten times the steps."""
    gap = np.abs(1 - outputs(c, 0.05, 0, 400))
    t = np.argmax(gap < 1e-5)
    assert_allclose(gap[t + 1] / gap[t], abs(theory.fixed_point_multiplier(c)), rtol=1e-3)
    assert np.abs(1 - outputs(1.2, 0.05, 10 * t, 1)).min() > 0.1


@pytest.mark.claim("LWYZ24.window")
def test_attractor_lies_between_its_bounds_and_fills_them():
    """Orbits of 200 starts at 40 rates; in chaos both bounds are approached. The bound (1 + c)²/4c is caught."""
    rates = np.linspace(1.001, LIMIT - 1e-5, 40)
    orbit = outputs(rates, np.linspace(0.01, 1.0, 200)[:, None] * np.ones(40), 2000, 400)
    least, largest = theory.attractor_bounds(rates)
    assert (orbit.max(axis=(0, 1)) <= largest + 1e-12).all() and (orbit.min(axis=(0, 1)) >= least - 1e-12).all()
    chaotic = rates > 1.53
    assert_allclose(orbit.max(axis=(0, 1))[chaotic], largest[chaotic], rtol=2e-3)
    assert_allclose(orbit.min(axis=(0, 1))[chaotic], least[chaotic], atol=2e-3)
    assert (orbit.max(axis=(0, 1))[chaotic] > (1 + rates[chaotic]) ** 2 / (4 * rates[chaotic])).all()


@pytest.mark.claim("LWYZ24.window")
def test_filters_turn_off_just_below_the_upper_end_of_the_window(rng):
    """1 + c(1 − f) keeps its sign from 1000 starts at 1.5980, and loses it from nearly all at the window's own 8/5."""
    begin = rng.uniform(1e-3, 1e-1, 1000)
    for c, dead in ((1.5980, 0.0), (1.6, 1.0)):
        assert (outputs(c, begin, 10_000, 0)[0] == 0).mean() == pytest.approx(dead, abs=0.01)
    assert LIMIT == pytest.approx(1.5980762113533160, rel=1e-15) and LIMIT < 1.6
    least, _ = theory.attractor_bounds(LIMIT - 1e-12)
    assert least < 1e-20
    refused("1.598076", theory.attractor_bounds, 1.6)


@pytest.mark.claim("LWYZ24.window")
def test_beyond_the_window_one_example_keeps_only_the_weak_feature(rng):
    """c = 1.7: α = 0 and f → 1 on v alone, in every run; at 1.55 both features stay."""
    begin = np.abs(SMALL * rng.uniform(0.5, 2, (40, 4)))
    beyond, inside = (simulated.descend_reduced(begin, c, KAPPA, 12_000, record_every=12_000)[-1] for c in (1.7, 1.55))
    assert (beyond[:, 0] == 0).all()
    assert_allclose(beyond[:, 1], 1, atol=1e-9)
    assert (inside[:, 0] > 0.6).all()


@pytest.mark.claim("LWYZ24.orbit")
def test_amplitude_of_the_orbit_at_its_birth():
    """c = 1 + 2^-52: f₊ − f₋ = √((c − 1)(c + 3))/c to what two rounded outputs show; √((1 + c)² − 4), 0, is caught."""
    above = 2.0**-52
    low, high = theory.period_two_orbit(1 + above)
    exact = sqrt(above * (4 + above)) / (1 + above)
    assert abs(high - low - exact) <= 2.3e-16
    assert sqrt((2 + above) ** 2 - 4) < 0.1 * exact


@pytest.mark.claim("LWYZ24.window")
def test_lower_bound_keeps_its_digits_where_filters_nearly_turn_off():
    """1e-9 below the limit, in rationals: F_min ≈ 3e-18 to 1e-13; the map applied to a rounded F_max is caught."""
    c = LIMIT - 1e-9
    largest = 4 * (1 + Fraction(c)) ** 3 / (27 * Fraction(c))
    least = float(largest * (1 + Fraction(c) * (1 - largest)) ** 2)
    assert_allclose(theory.attractor_bounds(c), (least, float(largest)), rtol=1e-13)
    assert abs(theory.reduced_map(min(float(largest), 1 + 1 / c), c) / least - 1) > 1e-9
