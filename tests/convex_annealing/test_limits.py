"""Limits as the target falls, the crossover, the landscape, samples of any size."""

from fractions import Fraction
from functools import partial
from itertools import product
from math import pi, sqrt

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from numpy.testing import assert_allclose

from figures.convex_annealing._runs import G, H, annealed_at, descend, stop
from refimpl import convex_annealing as simulated, sgd
from tests import support
from tests.convex_annealing.problems import SLIDES, extremes, pairs, random_spectrum, symmetric
from theory import convex_annealing as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("NAK20.landscape")
@given(pairs(), support.seeds())
def test_test_loss_on_a_contour_lies_between_the_bounds(pair, seed):
    """For any point; the bounds are attained, which bounds from G alone (here often violated) are not."""
    train, test, _ = pair
    least, most = theory.ratio_bounds(train, test)
    points = np.random.default_rng(seed).standard_normal((200, len(train)))
    ratios = theory.quadratic_loss(test, points) / theory.quadratic_loss(train, points)
    slack = 1e-10 * most
    assert least - slack <= ratios.min() and ratios.max() <= most + slack
    root = np.linalg.inv(np.linalg.cholesky(train))
    attained = np.linalg.eigvalsh(root @ test @ root.T)
    assert_allclose((least, most), (max(attained[0], 0), attained[-1]), rtol=0, atol=slack)


def test_equal_eigenvalues_are_told_by_the_largest(rng):
    """Rotated, known to rounding of λmax: a top that occurs twice beside 1e-8, a bottom twice, and three of which only
    two differ. A width by the smallest eigenvalue calls the first simple; G = I gives one ratio in any eigenspace."""
    turn = support.random_rotation(rng, 3)
    for values in ((1e-8, 1.0, 1.0), (1.0, 1.0, 3.0)):
        train = symmetric(turn * np.array(values) @ turn.T)
        with pytest.raises(ValueError, match="must have simple extreme eigenvalues"):
            theory.limit_ratios(train, turn * np.arange(1.0, 4) @ turn.T)
        assert_allclose(theory.limit_ratios(train, turn @ turn.T), (1 / values[0], 1 / values[2]), rtol=1e-6)
        assert_allclose(theory.crossover_lr(train), 2 / (values[0] + values[2]), rtol=1e-7)
    support.refused("two different eigenvalues, got 2 3 times", theory.crossover_lr, 2 * np.eye(3))


@pytest.mark.claim("NAK20.landscape")
def test_the_two_stops_lie_at_the_ends_of_one_contour():
    """Both have L = ε; P/ε is within 0.03 of the bounds 3/4 and 3/2 at ε = 0.005, on the sides of the right axes."""
    small = theory.stopping_point(*SLIDES, 5e-3)
    annealed = annealed_at(1.3, 5e-3)
    assert_allclose(theory.ratio_bounds(H, G), (0.75, 1.5), rtol=1e-14)
    assert_allclose([small.train_loss, annealed.train_loss], 5e-3, rtol=1e-12)
    assert abs(small.loss_ratio - 1.5) < 0.03 and abs(annealed.loss_ratio - 0.75) < 0.03
    assert abs(small.displacement[1]) > 5 * abs(small.displacement[0])
    assert abs(annealed.displacement[0]) > 5 * abs(annealed.displacement[1])
    assert not np.allclose(theory.ratio_bounds(H, H), (0.75, 1.5))


@pytest.mark.parametrize("scale", [1e-80, 1e80])
def test_limits_know_no_unit(scale):
    """Curvatures near 0 are not taken for equal ones: a width that is not relative refuses the first."""
    assert_allclose(theory.limit_ratios(scale * H, scale * G), theory.limit_ratios(H, G), rtol=1e-14)


@pytest.mark.claim("NAK20.large")
@given(pairs(most=5))
def test_crossover_is_where_both_ends_of_the_spectrum_shrink_alike(pair):
    """A little below it the flattest, a little above it the sharpest direction is slowest, and none between ever is.

    1/λ_max and 2/λ_max fail.
    """
    train = pair[0]
    values = np.linalg.eigvalsh(train)
    crossover = theory.crossover_lr(train)
    assert_allclose(1 - crossover * values[0], crossover * values[-1] - 1, rtol=1e-10)
    for scale, slowest in ((0.99, 0), (1.01, len(values) - 1)):
        assert np.argmax(np.abs(1 - scale * crossover * values)) == slowest
    for wrong in (1 / values[-1], 2 / values[-1], 2 / values.mean()):
        if abs(wrong / crossover - 1) > 1e-6:
            assert not np.isclose(abs(1 - wrong * values[0]), abs(1 - wrong * values[-1]), rtol=1e-7, atol=0)
    grid = np.linspace(0.01, 1.99, 397) / values[-1]
    rates = np.abs(1 - np.multiply.outer(grid, values)).max(axis=1)
    assert np.abs(1 - crossover * values).max() <= rates.min() + 1e-12  # the fastest rate of all


@pytest.mark.claim("NAK20.large")
@pytest.mark.parametrize(("lr", "limit"), [(0.8, 1.5), (0.9, 1.5), (0.98, 1.5), (1.02, 0.75), (1.1, 0.75), (1.4, 0.75)])
def test_ratio_on_both_sides_of_the_crossover(lr, limit):
    """Simulated with y = 0: on the side below 1, where 0.8 and 0.9 already bounce, 3/2; above 1, far below 1.5, 3/4.

    A crossover at ¾ = 1/λ_max or at 3/2 = 2/λ_max would give the other limit somewhere here.
    """
    assert 1 / extremes(H)[1] < lr < 2 / extremes(H)[1]
    target = 1e-40
    run = descend(target, 0.05, large_lr=lr, anneal_loss=100 * target)
    steps = theory.steps_to_loss(H, SLIDES[2], lr, 100 * target)
    predicted = stop(target, 0.05, lr, steps)
    assert run.anneal_step == steps and run.nit == predicted.steps
    assert_allclose(run.loss_ratio, predicted.loss_ratio, rtol=1e-12)
    assert abs(run.loss_ratio - limit) < 0.05 < abs(run.loss_ratio - (2.25 - limit))
    assert theory.crossover_lr(H) == 1.0


@pytest.mark.claim("NAK20.large")
def test_at_the_crossover_the_shares_stand_still():
    """η = 1: both errors shrink by 3 a step and A/B stays 2, exactly in rationals; 0.99 and 1.01 drift apart."""
    factors = [1 - Fraction(4, 3), 1 - Fraction(2, 3)]
    assert abs(factors[0]) == abs(factors[1]) == Fraction(1, 3)
    ratios = [annealed_at(1.0, target).loss_ratio for target in (1e-2, 1e-4, 1e-8)]
    assert_allclose(ratios, [1.0217, 1.0446, 1.0935], atol=1e-4)
    for steps in (2, 9):
        path = theory.gradient_descent(*SLIDES[::2], [1.0] * steps)[-1]
        assert_allclose(path[0] ** 2, path[1] ** 2, rtol=1e-13)
        for lr in (0.99, 1.01):
            path = theory.gradient_descent(*SLIDES[::2], [lr] * steps)[-1]
            assert not np.isclose(path[0] ** 2, path[1] ** 2, rtol=1e-2, atol=0)


@pytest.mark.claim("NAK20.mechanism", "NAK20.convex")
@given(pairs())
def test_limits_are_approached_by_any_pair(pair):
    """Small and annealed stops at ε = 1e-12 of the start against v·Gv/λ at both ends; swapped limits are caught.

    The distance is bounded by what the other directions still hold.
    """
    train, test, start = pair
    values, vectors = np.linalg.eigh(train)
    coefficients = vectors.T @ start
    assume(np.abs(coefficients[[0, -1]]).min() > 0.1)
    # An eigenvalue beside the end of the spectrum is left behind too slowly to see the limit.
    assume(((values[1:-1] > 1.5 * values[0]) & (values[1:-1] < 0.8 * values[-1])).all())
    target = 1e-12 * theory.quadratic_loss(train, start)
    limits = theory.limit_ratios(train, test)
    spread = theory.ratio_bounds(train, test)[1]
    large = 0.3 * theory.crossover_lr(train) + 0.7 * 2 / values[-1]
    stops = {0: theory.stopping_point(train, test, start, target), -1: annealed_at(large, target, None, *pair)}
    for end, stop in stops.items():
        held = values * (vectors.T @ stop.displacement) ** 2 / 2 / target
        other = np.delete(held, end).sum()  # not 1 − held[end], which rounds to √eps of the bound
        bound = 2 * spread * (sqrt(other) + other) + 1e-9 * spread
        assert other < 1e-3
        assert abs(stop.loss_ratio - limits[end]) <= bound
        if abs(limits[0] - limits[1]) > 2 * bound:
            assert abs(stop.loss_ratio - limits[-1 - end]) > bound


@pytest.mark.claim("NAK20.mechanism", "NAK20.convex")
@pytest.mark.parametrize("repeat", range(3))
@pytest.mark.parametrize(("power", "effect"), [(0, "helps"), (1, "nothing"), (2, "harms")])
def test_the_test_hessian_decides_whether_annealing_helps(rng, power, effect, repeat):
    """G = I, H, H²: the same train trajectories generalise better, equally, worse, by λ_max/λ_min either way."""
    train = random_spectrum(rng, 3, condition=5.0)
    train /= extremes(train)[1]
    test = symmetric(np.linalg.matrix_power(train, power))
    problem = simulated.from_hessians(train, test, np.zeros(3))
    start = np.linalg.eigh(train)[1] @ rng.choice([-1.0, 1.0], 3)
    small, annealed = theory.limit_ratios(train, test)
    assert_allclose(annealed / small, 5.0 ** (power - 1), rtol=1e-10)
    run = partial(simulated.descend, problem, 1e-10, lr=0.2, w0=start)
    measured = run(large_lr=1.9, anneal_loss=5e-10).loss_ratio / run().loss_ratio
    verdict = "helps" if measured < 0.9 else "harms" if measured > 1.1 else "nothing"
    assert verdict == effect


@pytest.mark.claim("NAK20.mechanism")
@given(pairs(), st.floats(0.05, 0.95), st.integers(1, 20))
def test_above_the_crossover_the_sharp_direction_is_learned_last(pair, position, steps):
    """Whatever H, the sharpest direction keeps most of its error; below the crossover the flattest does."""
    train, _, _ = pair
    vectors = np.linalg.eigh(train)[1]
    crossover, limit = theory.crossover_lr(train), 2 / extremes(train)[1]
    for rate, last in ((crossover + position * (limit - crossover), -1), (position * crossover, 0)):
        kept = np.abs(vectors.T @ theory.gradient_descent(train, vectors.sum(axis=1), [rate] * steps)[-1])
        assert kept[last] >= kept.max() * (1 - 1e-9)
        assert kept[-1 - last] < kept[last]


@pytest.mark.claim("NAK20.claim3", "NAK20.convex")
def test_one_minimum_two_generalisation_errors():
    """Simulated: both runs approach the unique minimum like √ε, and their test losses stay a factor 2 apart.

    That the effect "cannot be observed" predicts the factor 1 at every ε.
    """
    assert extremes(H)[0] > 0  # strictly convex: one minimum
    factors = []
    for target in (1e-2, 1e-4, 1e-6, 1e-8, 1e-10):
        small, annealed = descend(target, 0.01), descend(target, 0.01, large_lr=1.3, anneal_loss=4 * target)
        for run in (small, annealed):
            assert np.linalg.norm(run.w) <= sqrt(2 * target / extremes(H)[0])
        factors.append(small.loss_ratio / annealed.loss_ratio)
        assert abs(factors[-1] - 2) < 7 * target + 1e-3 and factors[-1] > 1.9
    assert_allclose(factors[-1], 2, rtol=1e-6)


@pytest.mark.claim("NAK20.claim3")
def test_at_zero_loss_the_effect_is_gone():
    """Given the same long run after either schedule, parameters agree: the claim is true at ε = 0 and only there."""
    problem = simulated.three_samples()
    ends = [sgd.run(simulated.LeastSquares(2), np.zeros(2), problem.x, problem.y, lr=np.array(rates),
                    steps=len(rates)).w for rates in ([0.1] * 800, [1.3] * 20 + [0.1] * 780)]
    assert_allclose(ends[0], [1, 1], rtol=0, atol=1e-12)
    assert_allclose(ends[1], [1, 1], rtol=0, atol=1e-12)


@pytest.mark.claim("NAK20.samples")
@pytest.mark.parametrize("n", range(2, 11))
def test_mean_benefit_equals_the_mean_over_all_samples(n):
    """All 2ⁿ samples in rationals; leaving the samples without one vector in, as benefit 0, is caught."""
    kept = []
    for c in filter(lambda c: 0 < c < n, map(sum, product((0, 1), repeat=n))):
        kept.append(Fraction(min(c, n - c), max(c, n - c)))
        if 2 * c != n:
            small, annealed = theory.limit_ratios(theory.sample_hessian([c, n - c]), G)
            assert abs(annealed / small - float(kept[-1])) < 1e-12
    assert_allclose(theory.mean_benefit(n), float(sum(kept) / len(kept)), rtol=1e-14)
    assert not np.isclose(theory.mean_benefit(n), float(sum(kept) / 2**n), rtol=1e-4)


@pytest.mark.claim("NAK20.samples")
def test_the_benefit_goes_away_with_more_data():
    """1 − √(8/(πn)) + 2/n to 3 n^(−3/2), also at a million, over which a sum would take hours; the leading order alone,
    and √(2/(πn)) in its place, are caught."""
    sizes = np.array([100, 400, 1600, 6400, 10**6])
    benefits = np.array([theory.mean_benefit(int(n)) for n in sizes])
    leading, second, error = np.sqrt(8 / (pi * sizes)), 2 / sizes, 3 / sizes**1.5
    assert (np.diff(benefits) > 0).all() and (np.abs(1 - benefits - leading + second) < error).all()
    for wrong in (leading, leading / 2 - second):
        assert (np.abs(1 - benefits - wrong) > error).all()


@pytest.mark.claim("NAK20.samples")
def test_descent_on_drawn_samples(rng):
    """400 draws of n = 7: each stops at the step and ratio of theory, to 1e-12; none as the sample of n = 3 does."""
    problem = simulated.draw_samples(7, (1.0, 1.0), size=(400,), rng=rng)
    counts = problem.x.sum(axis=1).astype(int)
    target = 1e-5
    small = simulated.descend(problem, target, lr=0.1)
    assert small.success.all()
    assert small.message == "400 of 400 runs reached the target, 0 diverged, 0 used up their 100000 steps"
    # With the minimum at 0 rounding is relative to the error.
    shifted = simulated.Problem(problem.x, np.zeros_like(problem.y), problem.x_test, np.zeros(2))
    exact = simulated.descend(shifted, target, lr=0.1, w0=np.full((400, 2), -1.0))
    for c in np.unique(counts[:, 0]):
        mine = counts[:, 0] == c
        predicted = theory.stopping_point(theory.sample_hessian([c, 7 - c]), G, [-1.0, -1.0], target, lr=0.1)
        assert (exact.nit[mine] == predicted.steps).all() and (small.nit[mine] == predicted.steps).all()
        assert_allclose(exact.loss_ratio[mine], predicted.loss_ratio, rtol=1e-12)
    other = theory.stopping_point(*SLIDES, target, lr=0.1).loss_ratio  # the sample of n = 3
    assert (np.abs(exact.loss_ratio / other - 1) > 0.01).all()


@pytest.mark.claim("NAK20.samples")
def test_a_sample_without_one_vector_has_no_limit():
    """P stays at ½β₂*² however small ε is, for either schedule: no annealing helps, and the limits are refused."""
    problem = simulated.Problem(np.eye(2)[[0, 0, 0]], np.ones(3), np.eye(2), np.ones(2))
    for switch in ({}, {"large_lr": 0.9, "anneal_loss": 0.1}):
        for target in (1e-2, 1e-6):
            assert simulated.descend(problem, target, lr=0.1, **switch).test_loss >= 0.5
    hessian = theory.sample_hessian([3, 0])
    assert theory.stopping_point(hessian, G, [-1.0, -1.0], 1e-6).test_loss >= 0.5
    for call in (theory.limit_ratios, theory.ratio_bounds):
        support.refused("positive definite", call, hessian, G)


@pytest.mark.claim("NAK20.large")
def test_limits_and_crossover_are_those_of_the_directions_of_the_start():
    """H = diag(1, 2, 3), start (0, 1, 1), η = 0.45: above their crossover 2/5, below the 1/2 of all three.

    P/L goes to the annealed entry, in theory and simulation; P/ε at a rate that is not small does not.
    """
    train, start, target = np.diag([1.0, 2.0, 3.0]), [0.0, 1.0, 1.0], 1e-40
    assert theory.crossover_lr(train) == 0.5 and theory.crossover_lr(train, start) == pytest.approx(0.4, rel=1e-15)
    small, annealed = theory.limit_ratios(train, np.eye(3), start)
    stop = theory.stopping_point(train, np.eye(3), start, target, lr=0.45)
    run = simulated.descend(simulated.from_hessians(train, np.eye(3), np.zeros(3)), target, lr=0.45, w0=start)
    for found in (stop, run):
        assert abs(found.loss_ratio / annealed - 1) < 1e-3 < abs(found.loss_ratio / small - 1)
    assert abs(stop.target_ratio / annealed - 1) > 0.01
    assert theory.stopping_point(train, np.eye(3), [1.0, 1.0, 1.0], target, lr=0.45).loss_ratio > 0.9
