"""Intervals for almost-sure growth, tail exponents and sampled orders: closed forms, quadrature and coverage."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.stats import t

from refimpl import linear_stability as simulated
from refimpl.linear_stability import _lyapunov, _replicas, _tail_exponent
from tests import support
from tests.linear_stability import circle
from theory import linear_stability as theory

pytestmark = pytest.mark.chance("exact")

PLANE = np.array([[1.0, 0.2], [0.3, 1.4], [-0.8, 0.6], [0.5, -1.2], [2.0, 0.7]])  # factors, n = 5, d = 2


def within(interval, exact, replicas, bias=0.0):
    """Whether `exact` is within what chance exceeds once in 1e6, and `bias` more."""
    return abs(interval.value - exact) <= float(t.isf(support.FALSE_ALARM / 2, replicas - 1)) * interval.stderr + bias


def plane_matrices(lr, size=1):
    return support.step_matrices(PLANE[:, :, None] * PLANE[:, None, :], lr, size)


@pytest.mark.claim("WME18.eq3")
@pytest.mark.parametrize(("size", "replacement"), [(1, False), (5, False), (1, True)])
def test_one_parameter_without_chance_equals_the_closed_forms(size, replacement, rng):
    """Every last example is averaged, so that nothing is left to chance: Λ, its zero and κ to rounding."""
    curvatures = np.array([0.2, 3.8, 0.7, 1.1, 2.0])
    factors, options = np.sqrt(curvatures)[:, None], {"replacement": replacement, "rng": rng, "steps": 10}
    exact = theory.lyapunov_exponent(curvatures, 0.6, size, replacement=replacement)
    assert_allclose(simulated.lyapunov_interval(factors, 0.6, size, replicas=8, **options).value, exact, rtol=1e-12)
    limit = theory.almost_sure_lr(curvatures, size, replacement=replacement)
    assert_allclose(simulated.almost_sure_lr_interval(factors, size, replicas=8, **options).value, limit, rtol=1e-9)
    if size == 1:
        lr = 0.97 * limit
        got = simulated.escape_exponent_interval(factors, lr, 1, populations=8, particles=50, **options).value
        assert_allclose(got, theory.escape_exponent(curvatures, lr, 1, replacement=replacement), rtol=1e-6)


def test_the_norm_after_each_last_example_is_that_of_the_step(rng):
    """Also where a step all but ends at the minimum, with a velocity and without: |x| there is 1e-6 and cancels."""
    ensemble = _replicas.examples(PLANE[:3], 2, False)
    hessians = ensemble.factors.swapaxes(1, 2) @ ensemble.factors
    for near in (None, 1e-6):
        for velocity in (False, True):
            place = rng.standard_normal((4, 2))
            moved, share = 0.1 * rng.standard_normal((4, 2)), 0.3
            if near:                                        # x − moved − cHx = near, and moved + cHx = near
                share = 1 / ensemble.squares[1, 0]
                place = ensemble.factors[1] * (near / 10 if velocity else 1) + near * rng.standard_normal((4, 2))
                moved = near * rng.standard_normal((4, 2))
            pulled = share * np.einsum("nij,rj->rni", hessians, place)
            after = [place[:, None] - moved[:, None] - pulled, moved[:, None] + pulled][:1 + velocity]
            exact = np.log(np.square(after).sum(axis=(0, 3))) / 2
            assert_allclose(_lyapunov.last_logs(ensemble, place, moved, share, velocity), exact, rtol=0, atol=1e-7)
            assert not near or exact[:, 1].max() < np.log(1e-4)


def test_an_interval_is_student_s_and_one_wider_than_a_twentieth_is_refused(rng):
    values = rng.standard_normal(12) + 30
    error = values.std(ddof=1) / 12**0.5
    for scale, centre in ((1.0, None), (-2.0, 5.0)):
        got, middle = _replicas.between(values, centre, scale), values.mean() if centre is None else centre
        reach = t.ppf(0.975, 11) * error * abs(scale)
        assert_allclose([got.value, got.stderr, got.low, got.high],
                        [middle, error * abs(scale), middle - reach, middle + reach], rtol=1e-12)
    for value in (1.0, -1.0):
        narrow = _replicas.Interval(value, 0.0499, 0.0, 0.0)
        assert _replicas.narrow(narrow, "it", "more") is narrow
        with pytest.raises(ValueError, match="it is not resolved: .* more than 5% of it; more"):
            _replicas.narrow(_replicas.Interval(value, 0.0501, 0.0, 0.0), "it", "more")


def test_one_example_is_drawn_in_proportion_to_its_weight():
    """The place of a number in the running sum; an example of no weight never, at either end of [0, 1) too."""
    weights, uniform = np.tile([0.0, 1.0, 3.0, 0.0], (5, 1)), np.array([1e-300, 0.2499, 0.2501, 0.9, 1 - 1e-16])
    assert _lyapunov.draw(weights, SimpleNamespace(random=lambda count: uniform[:count])).tolist() == [1, 1, 2, 2, 2]


@pytest.mark.parametrize(("size", "replacement"), [(1, False), (3, False), (5, False), (1, True), (3, True)])
def test_the_last_example_of_a_batch_has_the_chance_that_is_left(rng, size, replacement):
    """Uniform with replacement; else over those that were not chosen, which are distinct."""
    chosen, chances = _replicas.examples(PLANE, size, replacement).draw_all_but_one(200, rng)
    assert chosen.shape == (200, size - 1) and chosen.min(initial=0) >= 0 and chosen.max(initial=0) < 5
    wanted = np.full((200, 5), 1 / 5)
    if not replacement:
        left = (chosen[:, :, None] != np.arange(5)).all(axis=1)
        assert (left.sum(axis=1) == 6 - size).all()
        wanted = left / (6 - size)
    assert_allclose(chances, wanted, rtol=1e-15)


def test_particles_are_resampled_within_their_population_in_proportion(rng):
    """Systematic: each is drawn as often as its share of the weight says, rounded down or up."""
    for shape in ((3, 50), (8, 7)):
        weights = rng.exponential(size=shape) ** 3
        found = _tail_exponent._resampled(weights, rng).reshape(shape)
        counts = np.bincount(found.ravel(), minlength=weights.size).reshape(shape)
        expected = shape[1] * weights / weights.sum(axis=1, keepdims=True)
        assert (counts.sum(axis=1) == shape[1]).all()
        assert (np.abs(counts - expected) < 1 + 1e-9).all()


@pytest.mark.parametrize(("size", "replacement"), [(1, False), (3, False), (5, False), (3, True), (5, True)])
@pytest.mark.parametrize("scale", [1e-120, 1.0, 1e120])
def test_the_search_starts_just_below_the_mean_square_limit(size, replacement, scale):
    """In any unit, where the squares of curvatures are no floats; beyond that it is refused."""
    ensemble = _replicas.examples(scale * PLANE, size, replacement)
    limit = theory.critical_lr(theory.GaussNewton(PLANE), size, replacement=replacement)
    assert 0.98 * limit < _lyapunov.mean_square_limit(ensemble) * scale**2 < limit
    for unit in (1e-160, 1e-170, 1e170):
        with pytest.raises(ValueError, match="^hessians .* rescale the parameters"):
            simulated.almost_sure_lr_interval(unit * PLANE, size, replacement=replacement)


@pytest.mark.parametrize(("kappa", "message"), [
    (0.015, "an exponent above 0.02"), (0.025, None), (30.0, None), (34.0, "an exponent below 32")])
def test_exponents_are_given_from_a_fiftieth_to_32(kappa, message):
    """One parameter, nothing left to chance."""
    curvatures = np.array([0.2, 3.8])
    lr = brentq(lambda lr: np.mean(np.abs(1 - lr * curvatures) ** kappa) - 1, 2 / 3.8,
                theory.almost_sure_lr(curvatures, 1), xtol=1e-14)

    def call():
        return simulated.escape_exponent_interval(np.sqrt(curvatures)[:, None], lr, 1, populations=8, particles=50,
                                                  steps=10).value

    if message is None:
        assert_allclose(call(), kappa, rtol=1e-4)
    else:
        support.refused(message, call)


@pytest.mark.parametrize("scale", [1e-60, 1.0, 1e60])
def test_flat_directions_are_left_out_in_any_unit(rng, scale):
    """Rank 2 in d = 3, and a third singular value of 1e-11, which is none of rounding."""
    factors = np.hstack([PLANE, PLANE @ [[1.0], [2.0]]]) * scale
    assert simulated._replicas.examples(factors, 1, False).factors.shape == (5, 1, 2)
    factors[0, 2] += 1e-10 * scale
    assert simulated._replicas.examples(factors, 1, False).factors.shape == (5, 1, 3)
    found, same = (simulated.lyapunov_interval(PLANE * unit, 0.1 / unit**2, 1, replicas=8, steps=10, rng=3).value
                   for unit in (scale, 1.0))
    assert_allclose(found, same, rtol=1e-9)


def test_the_limit_of_one_example_with_momentum_is_that_of_the_full_batch():
    """2(1 + μ)/h: half of the limit without momentum at μ = −.5, from below which the search must start."""
    got = simulated.almost_sure_lr_interval([[1.0]], 1, momentum=-0.5, replicas=8, steps=100, rng=0)
    assert_allclose(got.value, 1, rtol=1e-6)


def test_a_window_of_growth_wider_than_the_march_is_not_stepped_over():
    """d = 1, nothing left to chance: growth from 1.1 to 2 times the mean-square limit, then a window of stability: a
    march by factors of 2 would miss the first zero."""
    curvatures = np.array([2.0, 8.0, 8.0, 10.0])
    limit = theory.almost_sure_lr(curvatures, 1)
    star = 2 * curvatures.mean() / np.mean(curvatures**2)
    assert theory.lyapunov_exponent(curvatures, 2.05 * 0.99 * star, 1) < 0 and limit < 2 * star
    got = simulated.almost_sure_lr_interval(np.sqrt(curvatures)[:, None], 1, replicas=8, steps=10, rng=0)
    assert_allclose(got.value, limit, rtol=1e-9)


def test_where_the_exponent_jumps_over_zero_the_distance_counts():
    """Replicas at ±1 about a mean that jumps from −1/2 to 1/2 at 2: no step of Newton's ends; the interval holds 2, and
    its standard error that of the scatter and of the distance."""
    scatter = np.tile([-1.0, 1.0], 8)
    got = _lyapunov._root(lambda lr: scatter + np.sign(lr - 2.0) / 2, 1.99)
    assert got.low < 2 < got.high
    error = np.std(scatter, ddof=1) / 4
    assert_allclose(got.stderr, np.hypot(error, 0.5) / (1.0 / (0.02 * 1.99)), rtol=1e-9)


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.eq3")
@pytest.mark.parametrize(("size", "replacement"), [(2, False), (3, True)])
def test_batches_of_several_in_one_parameter(size, replacement, rng):
    """The last example averaged given the others; batches of the other kind are outside."""
    curvatures = np.array([0.2, 3.8, 0.7, 1.1, 2.0])
    factors = np.sqrt(curvatures)[:, None]
    got = simulated.lyapunov_interval(factors, 0.7, size, steps=1500, replacement=replacement, rng=rng)
    assert within(got, theory.lyapunov_exponent(curvatures, 0.7, size, replacement=replacement), 64)
    assert not within(got, theory.lyapunov_exponent(curvatures, 0.7, size, replacement=not replacement), 64)


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.eq3")
@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("dense", [False, True])
def test_growth_in_the_plane_equals_the_quadrature_over_directions(size, dense, rng):
    """½ log of the mean-square rate is outside."""
    hessians = PLANE[:, :, None] * PLANE[:, None, :] if dense else PLANE
    lr = 1.3 * theory.critical_lr(theory.GaussNewton(PLANE), size)
    got = simulated.lyapunov_interval(hessians, lr, size, steps=400, rng=rng)
    assert within(got, circle.exponent(plane_matrices(lr, size)), 64, 1e-4)
    assert not within(got, np.log(theory.mean_square_rate(theory.GaussNewton(PLANE), lr, size)) / 2, 64, 1e-4)


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.eq3", "CE24.almost-sure")
def test_almost_sure_limit_in_the_plane_equals_the_quadrature(rng):
    """The mean-square limit is outside."""
    got = simulated.almost_sure_lr_interval(PLANE, 1, steps=200, rng=rng)
    star = theory.critical_lr(theory.GaussNewton(PLANE), 1)
    exact = brentq(lambda lr: circle.exponent(plane_matrices(lr)), star, 2 * star, xtol=1e-7)
    assert within(got, exact, 64, 1e-4 * exact)
    assert not within(got, star, 64, 1e-4 * star)


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.eq3")
@pytest.mark.parametrize("momentum", [0.5, -0.3])
def test_growth_with_momentum_equals_the_quadrature_over_place_and_velocity(momentum, rng):
    """One parameter, (x, ηv) in the plane; the exponent without momentum is outside."""
    curvatures, lr = np.array([0.2, 3.8, 1.0]), 0.5
    matrices = np.array([[[1 - lr * h, -momentum], [lr * h, momentum]] for h in curvatures])
    got = simulated.lyapunov_interval(np.sqrt(curvatures)[:, None], lr, 1, momentum=momentum, steps=400, rng=rng)
    assert within(got, circle.exponent(matrices), 64, 2e-4)
    assert not within(got, theory.lyapunov_exponent(curvatures, lr, 1), 64, 2e-4)


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.eq3", "GSZ21.tail")
@pytest.mark.parametrize(("share", "size"), [(1.0, 2), (1.2, 1)])
def test_tail_exponent_in_the_plane_equals_the_quadrature(share, size, rng):
    """2 at the mean-square limit, of batches of several too, and nowhere else."""
    star = theory.critical_lr(theory.GaussNewton(PLANE), size)
    got = simulated.escape_exponent_interval(PLANE, share * star, size, particles=150, steps=80, rng=rng)
    exact = 2.0 if share == 1 else circle.tail_exponent(plane_matrices(share * star, size), 0.05, 2.0)
    assert within(got, exact, 16, 0.01)
    assert within(got, 2.0, 16, 0.01) == (share == 1)


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.epoch")
@pytest.mark.parametrize("size", [1, 2])
def test_sampled_orders_contain_the_mean_over_all(size, rng):
    """n = 5, the short last batch included; the rate of independent batches is outside."""
    ensemble = theory.GaussNewton(PLANE)
    lr = theory.critical_lr(ensemble, size)
    got = simulated.epoch_mean_square_interval(ensemble, lr, size, orders=2000, rng=rng)
    assert within(got, theory.epoch_mean_square_rate(ensemble, lr, size), 2000)
    assert not within(got, theory.mean_square_rate(ensemble, lr, size), 2000)


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.eq3")
def test_the_intervals_cover_as_often_as_they_say(rng):
    """400 intervals from 16 chains each: 95 % of them hold Λ; intervals of half the width, 67 %, are told apart."""
    replicas, count = 16, 400
    lr = theory.critical_lr(theory.GaussNewton(PLANE), 1)
    exact = circle.exponent(plane_matrices(lr))
    ensemble = _replicas.examples(PLANE, 1, False)
    values = _lyapunov.growth_of_replicas(ensemble, lr, 0.0, replicas * count, 150, rng).reshape(count, replicas)
    intervals = [_replicas.between(each) for each in values]
    covered = np.mean([each.low <= exact <= each.high for each in intervals])
    halved = np.mean([abs(each.value - exact) <= (each.high - each.low) / 4 for each in intervals])
    allowed = support.z_limit(1) * support.binomial_error(0.95, count) + 0.01
    assert abs(covered - 0.95) <= allowed < abs(halved - 0.95)


test_what_cannot_be_answered_is_refused = support.refusals([
    (lambda: simulated.lyapunov_interval(PLANE, 0.1, 6), "batch_size must be a whole number in 1…5"),
    (lambda: simulated.lyapunov_interval(PLANE, 0.1, 1, momentum=1.0), r"momentum must lie in \(-1, 1\), got 1"),
    (lambda: simulated.lyapunov_interval(PLANE, 0.1, 1, replicas=1), "replicas must be at least 8"),
    (lambda: simulated.lyapunov_interval(0 * PLANE, 0.1, 1), "hessians must not all be zero"),
    (lambda: simulated.lyapunov_interval([[1.0], [2.0]], 1.0, 1, steps=10), "sends a path onto the minimum"),
    (lambda: simulated.escape_exponent_interval(PLANE, 0.01, 1, particles=50, steps=10), "an exponent below 32"),
    (lambda: simulated.escape_exponent_interval(PLANE, 9.0, 1, particles=50, steps=10), "below the almost-sure limit"),
    (lambda: simulated.epoch_mean_square_interval(PLANE, 0.1, orders=8_388_609), "orders must be at most 8388608 at"),
    (lambda: simulated.epoch_mean_square_interval(10 * PLANE, 1.0, orders=100, rng=1), "per epoch is not resolved")])


def test_flat_directions_are_left_out(rng):
    """The plane inside four dimensions: same exponent with the same draws; a flat start would hold it at 0."""
    turn = support.random_rotation(rng, 4)[:2]
    seed = int(rng.integers(2**31))
    lr = 0.9 * theory.critical_lr(theory.GaussNewton(PLANE), 1)
    wide = simulated.lyapunov_interval(PLANE @ turn, lr, 1, steps=300, rng=seed)
    assert within(wide, circle.exponent(plane_matrices(lr)), 64, 1e-4) and wide.high < 0
