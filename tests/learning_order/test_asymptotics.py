"""Sizes in lemmas and theorems: powers of d, the range of ε₁, times.

Each test says which wrong answer it would catch and shows it caught.
"""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures._fitted_powers import fitted_power, t_limit
from figures.learning_order._runs import annealed
from refimpl import learning_order as simulated
from tests import support
from theory import learning_order as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("LWM19.conditions", "LWM19.scales", "LWM19.4.2")
def test_exponents_are_those_that_follow_in_print():
    """Against consequences that the paper prints, not against the assumptions: (4.1) is d^{−1/4}; √d ε₃ of Lemma 5.2
    with
    ε₃ = d^{−1/32}; pN ≤ d/2; 1/r ≤ d (Lemma 4.3); errors of L-S and S apart by κ = O(√p). λ/r² grows, against the
    print."""
    powers = theory.asymptotic_exponents()
    printed = {"curvature bound (4.2)": (-1 / 4, 0), "signal of M2 (5.2)": (1 / 2 - 1 / 32, 0),
               "annealing time (4.1)": (1, 0), "fitting time of P-only examples (5.1)": (1, 0),
               "norm of alpha (5.3)": (1 / 2, 0), "error of S (3.5)": (0, 2), "error of L-S (3.4)": (0, 3),
               "ratio of errors": (0, 1), "1 / (r d)": (-1 / 4, 0), "d lambda": (-1 / 4, 0)}
    for name, wanted in printed.items():
        assert_allclose(powers[name], wanted, atol=1e-15, err_msg=name)
    assert powers["memorising time (4.3)"][0] < 1 and powers["lambda / r"][0] < 0
    assert powers["curvature law"][0] < powers["curvature bound (4.2)"][0]
    assert powers["stated condition, lambda / r^2"][0] == 1 / 4


@pytest.mark.claim("LWM19.3.4-range")
def test_range_of_the_annealing_loss_is_empty_below_a_dimension(rng):
    """Ends of the range in fractions on either side of d; where it is not empty, λ ≤ r²/(κ²q³p²) fails, in fractions
    too."""
    for kappa, q in [(Fraction(int(a), 16), Fraction(int(b), 16)) for a, b in rng.integers(6, 15, (5, 2))]:
        d, p = Fraction(theory.least_dimension(float(kappa), float(q))), kappa**2 / 2
        for factor, empty in ((Fraction(99, 100), True), (Fraction(101, 100), False)):
            upper = kappa**2 * p**2 * q**3
            assert (1 / (factor * d) >= upper**16) is empty
        assert d > (1 / (kappa**2 * q**3 * p**2))**4  # λ/r² = d^{1/4} is above what the condition allows


def test_the_least_dimension_is_given_up_to_the_largest_float():
    """ln d = 708.5 and 709.1 with q = ½, in turn a number and refused; its power is that of the formula."""
    kappas = [np.exp((np.log(4) - 3 * np.log(0.5) - size / 16) / 6) for size in (708.5, 709.1)]
    assert_allclose(np.log(theory.least_dimension(kappas[0], 0.5)), 708.5, rtol=1e-12)
    support.refused("below the largest float", theory.least_dimension, kappas[1], 0.5)


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.4.3")
def test_time_to_learn_q_with_kinks_at_rest_is_of_order_one_over_r(rng):
    """Frozen patterns of 20 000 neurons at r = .05 and .2: about 320 and 1300 kinks between z and z ± ζ, so the power
    has a standard error of 0.045; a time free of r, or 1/r², is caught."""
    times = []
    for r in (0.05, 0.2):
        data = simulated.sample(simulated.Distribution(4, 0.0, 1.0, r, (0.5, 1.0)), 400, rng)
        model = simulated.TwoLayerReLU(4, 1, 20_000, 1.0, 5.0, 1e-3)
        run = simulated.train_small(model, data, lr=0.04 / r, target=0.3, weight_decay=1e-9, noise_std=0.0,
                                    decoupled=True, start=model.init(rng), rng=rng)
        assert run.success
        times.append(run.time[-1])
    power = np.log(times[1] / times[0]) / np.log(4)
    assert abs(power - theory.asymptotic_exponents()["memorising time (4.3)"][0] / -0.75) < 0.3  # r = d^{−3/4}


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.visible")
def test_kinks_stay_for_the_residence_time(rng):
    """Weights after that time at the small rate are turned by r, 40 000 numbers; the time without the logarithm, in
    which decay is forgotten, is caught. One step about kinks at rest gives the growth of D that it is set against."""
    r, decay, large, small, scale, width = 0.2, 0.05, 0.1, 1e-3, 3.0, 20_000
    seen = theory.visibility(4, r, scale, decay, large, small)
    time = seen.residence * 32 * np.pi / (scale**2 * 0.5 * r)
    model = simulated.TwoLayerReLU(2, 1, width, 1.0, scale, 1.0)
    data = simulated.q_population(simulated.Distribution(2, r=r))
    kw = dict(target=1e-9, weight_decay=decay, decoupled=True)

    def turned(total):
        """Variance of the angle after a time: what is new in the noise part over what is left of the old."""
        steps = 20
        start = model.init(rng)
        run = simulated.train_small(model, data, lr=small, lump=round(total / steps / small), max_steps=steps, rng=rng,
                                    noise_std=float(theory.noise_std(large, decay, 1.0)), start=start, **kw)
        before, after = start[1:, 2:], run.noise[1:, 2:]
        kept = np.exp(-decay * total)
        return ((after / kept - before)**2).mean()

    limit = support.z_limit(2) * np.sqrt(2 / (2 * width)) + small * decay**2 * time  # and steps instead of a flow
    assert abs(turned(time) / r**2 - 1) <= limit
    assert abs(turned(r**2 * large / (2 * decay * small)) / r**2 - 1) > limit
    start = 1e-9 * model.init(rng)
    run = simulated.train_small(model, data, lr=0.1, max_steps=1, record_every=1, noise_std=0.0, start=start, **kw)
    growth = np.diff(run.observed["curvature"])[0] / 0.1
    x = data.distribution.directions[:, :2]
    second = ((start[1:, 2:] @ x.T > 0) * [1, -2, 1]) @ x  # (neurons, 2), its mean square norm is C(1)
    error = (second**2).sum(axis=1).std() / np.sqrt(width)
    predicted = -theory.lag_kernel(1.0, r) / 8 * 0.5 * scale**2
    assert abs(growth - predicted) <= support.z_limit(2) * error * scale**2 / 16 < abs(predicted) / 4


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.4.1")
def test_annealing_time_and_signal_grow_with_the_dimension(rng):
    """Lemma 4.1 at N = 4d, r ∝ d^{−3/4}, λ ∝ d^{−5/4}: T = Σ η until L̂ < q log 2 + 0.4, and ‖Ū‖² then, are of power 1
    in d; times and norms that do not depend on d, or are of power 2, are caught. Sets have q = q₀: its chance is most
    of the scatter of T."""
    dims = 40, 80, 160
    found = np.array([[annealed(d, rng) for _ in range(8)] for d in dims]).transpose(2, 0, 1)
    powers = theory.asymptotic_exponents()
    for values, name in zip(found, ("annealing time (4.1)", "signal norm squared (4.1)")):
        power, error, degrees = fitted_power(dims, values)
        limit = t_limit(degrees, 5e-7) * error
        assert abs(power - powers[name][0]) <= limit, (power, error)
        assert min(power, 2 - power) > limit, (power, error)


def test_order_is_visible_where_all_five_rules_hold():
    """Each at its bound, and each broken alone."""
    numbers = {"speed": 1000.0, "curvature": 0.5, "decay": 0.5, "stability": 0.99, "residence": 1.0}
    shape = type(theory.visibility(200, 0.02, 5.0, 1e-3, 0.1, 1e-4))
    assert shape(**numbers).visible
    broken = {"speed": 999.0, "curvature": 0.51, "decay": 0.51, "stability": 1.0, "residence": 0.99}
    assert not any(shape(**numbers | {name: value}).visible for name, value in broken.items())
