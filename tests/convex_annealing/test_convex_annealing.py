"""Nakkiran 2020: every prediction of convex annealing against exact arithmetic, an enumeration or a simulation.

Each test says which wrong answer it would catch and shows it caught.
"""

from fractions import Fraction
from functools import partial
from itertools import product
from math import log, pi, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import expm

from refimpl import convex_annealing as simulated, sgd
from refimpl.linear_stability import Quadratic
from tests import support
from theory import convex_annealing as theory, linear_stability

H, G = theory.sample_hessian([2, 1]), theory.population_hessian()
SLIDES = (H, G, [-1.0, -1.0])  # from β = 0 towards β* = (1, 1)
LOSSES = (2 / 3, 1 / 3)        # held by the sharp and the flat direction at the start
TARGETS = (1e-1, 1e-2, 1e-3, 1e-6)


def random_spectrum(rng, dim, condition=8.0):
    """A symmetric matrix with eigenvalues in [1, condition], both ends taken, in a random basis, at a random scale."""
    values = rng.uniform(1, condition, dim)
    values[0], values[-1] = 1, condition
    basis = support.random_rotation(rng, dim)
    matrix = (basis * values * 10 ** rng.uniform(-1, 1)) @ basis.T
    return (matrix + matrix.T) / 2


@st.composite
def pairs(draw, most=4):
    """(train Hessian, test Hessian, start): not commuting, of 2…`most` dimensions."""
    dim, rng = draw(st.integers(2, most)), np.random.default_rng(draw(support.seeds()))
    return random_spectrum(rng, dim), support.random_hessians(rng, 1, dim)[0], rng.standard_normal(dim)


def extremes(matrix):
    values = np.linalg.eigvalsh(matrix)
    return values[0], values[-1]


def annealed_at(lr, target, hessians=(H, G), start=(-1.0, -1.0)):
    """The run that makes all large steps it can above the target, and then follows the flow."""
    steps = theory.steps_to_loss(hessians[0], start, lr, target) - 1
    return theory.stopping_point(*hessians, start, target, large_lr=lr, large_steps=steps)


# --- the two losses ---------------------------------------------------------------------------

@pytest.mark.claim("NAK20.empirical-loss", "NAK20.population-loss")
@given(st.tuples(*[st.fractions(-3, 3, max_denominator=8)] * 4))
def test_losses_are_those_of_the_slides(numbers):
    """Exact rationals for β and β*; a factor ½, and the counts the other way round, are caught."""
    weights, minimum = np.array(numbers[:2]), np.array(numbers[2:])
    problem = simulated.three_samples(minimum.astype(float))
    first, second = (weights - minimum) ** 2
    point = weights.astype(float)
    r = point - minimum.astype(float)
    empirical, population = float(Fraction(2, 3) * first + Fraction(1, 3) * second), float((first + second) / 2)
    for value in (problem.train_loss(point), theory.quadratic_loss(H, r)):
        assert_allclose(value, empirical, rtol=1e-13, atol=1e-14)
    for value in (problem.test_loss(point), theory.quadratic_loss(G, r)):
        assert_allclose(value, population, rtol=1e-13, atol=1e-14)
    if empirical:
        assert not np.isclose(theory.quadratic_loss(2 * H, r), empirical)
    if first != second:
        assert not np.isclose(theory.quadratic_loss(theory.sample_hessian([1, 2]), r), empirical, rtol=1e-9, atol=0)


@pytest.mark.claim("NAK20.empirical-loss")
@given(st.integers(1, 6), st.integers(1, 4), support.seeds())
def test_gradient_and_hessian_of_the_model(n, dim, seed):
    """Against central differences with step 1, exact for a quadratic; a gradient without its factor 2 is caught."""
    rng = np.random.default_rng(seed)
    x, y, w, v = (rng.standard_normal(shape) for shape in ((n, dim), n, (3, dim), dim))
    model = simulated.LeastSquares(dim)
    slope = [(model.loss(w + e, x, y) - model.loss(w - e, x, y)) / 2 for e in np.eye(dim)]
    curvature = [(model.loss(w + v + e, x, y) - model.loss(w + v - e, x, y)
                  - model.loss(w - v + e, x, y) + model.loss(w - v - e, x, y)) / 4 for e in np.eye(dim)]
    scale = 1e-13 * (1 + np.abs(x).max() ** 2) * (1 + np.abs(w).max() + np.abs(v).max() + np.abs(y).max()) ** 2 * 16
    assert_allclose(model.gradient(w, x, y), np.transpose(slope), rtol=0, atol=scale)
    assert not np.allclose(model.gradient(w, x, y) / 2, np.transpose(slope), rtol=1e-6, atol=0)
    assert_allclose(np.broadcast_to(model.hvp(w, x, y, v), w.shape), np.transpose(curvature), rtol=0, atol=scale)
    assert model.init().tolist() == [0.0] * dim


@pytest.mark.claim("NAK20.population-loss")
def test_population_loss_is_the_mean_over_the_distribution(rng):
    """200 000 draws: how often e₁ comes is binomial; a distribution of 2 to 1, as in the sample, is excluded."""
    n = 200_000
    problem = simulated.draw_samples(n, (0.5, -2.0), rng=rng)
    share = problem.x[:, 0].mean()
    error = support.binomial_error(0.5, n)
    assert abs(share - 0.5) <= support.z_limit(1) * error < abs(share - 2 / 3)
    assert_array_equal(problem.y, np.where(problem.x[:, 0] == 1, 0.5, -2.0))
    assert_allclose(simulated.draw_samples(4, np.ones(5), rng=rng).test_loss(np.zeros(5)),
                    theory.quadratic_loss(theory.population_hessian(5), np.ones(5)), rtol=1e-15)


# --- trajectories -----------------------------------------------------------------------------

@pytest.mark.claim("NAK20.small-lr", "NAK20.annealed")
@given(pairs(most=5), st.integers(1, 60), support.seeds())
def test_simulated_trajectories_equal_the_closed_form(pair, steps, seed):
    """Any Hessian, start and stable schedule: to 1e-12 at every step; a lost factor 2 in the rate is caught."""
    train, test, start = pair
    rates = np.random.default_rng(seed).uniform(0.02, 0.98, steps) * 2 / extremes(train)[1]
    predicted = theory.gradient_descent(train, start, rates)
    size = np.linalg.norm(start)
    path = {"w": lambda w, x, y: w}
    plain = sgd.run(Quadratic(len(start)), start, train[None], lr=rates, steps=steps, observe=path).observed["w"]
    assert_allclose(plain, predicted, rtol=0, atol=1e-12 * size)
    minimum = np.ones(len(start))
    problem = simulated.from_hessians(train, test, minimum)
    model = simulated.LeastSquares(len(start))
    regression = sgd.run(model, minimum + start, problem.x, problem.y, lr=rates, steps=steps,
                         observe=path).observed["w"]
    assert_allclose(regression - minimum, predicted, rtol=0, atol=1e-12 * (size + len(start)))
    assert_allclose(problem.train_loss(minimum + predicted), theory.quadratic_loss(train, predicted),
                    rtol=0, atol=1e-12 * (1 + size) ** 2 * np.abs(train).max())
    assert not np.allclose(theory.gradient_descent(train, start, rates / 2), predicted, rtol=0, atol=1e-4 * size)


@pytest.mark.claim("NAK20.annealed")
def test_trajectory_against_exact_rational_arithmetic():
    """Large steps at 13/10, then small ones at 1/10, in Fractions; the loss with a ½ (half the curvature) is caught."""
    rates = [Fraction(13, 10)] * 6 + [Fraction(1, 10)] * 20
    exact = [[Fraction(-1), Fraction(-1)]]
    for rate in rates:
        exact.append([r * (1 - rate * curvature) for r, curvature in zip(exact[-1], (Fraction(4, 3), Fraction(2, 3)))])
    exact = np.array(exact, float)
    lr = np.array(rates, float)
    assert_allclose(theory.gradient_descent(*SLIDES[::2], lr), exact, rtol=1e-14)
    problem = simulated.three_samples()
    run = sgd.run(simulated.LeastSquares(2), np.zeros(2), problem.x, problem.y, lr=lr, steps=len(lr),
                  observe={"w": lambda w, x, y: w})
    assert_allclose(run.observed["w"] - 1, exact, rtol=0, atol=1e-15)
    assert not np.allclose(theory.gradient_descent(H / 2, SLIDES[2], lr), exact, atol=1e-3)


@pytest.mark.claim("NAK20.small-lr")
@given(pairs(most=5), st.floats(0, 5))
def test_flow_equals_the_matrix_exponential(pair, time):
    train, _, start = pair
    time /= extremes(train)[0]
    predicted = theory.gradient_flow(train, start, [0.0, time])
    assert_allclose(predicted[1], expm(-train * time) @ start, rtol=0, atol=1e-12 * np.linalg.norm(start))
    assert_allclose(predicted[0], start, rtol=0, atol=1e-14 * np.linalg.norm(start))


@pytest.mark.claim("NAK20.small-lr")
def test_flow_is_the_limit_of_small_rates():
    """Simulated descent to t = 2 differs from the flow by an amount that halves with the rate."""
    train, start = np.array([[1.3, 0.4], [0.4, 0.7]]), np.array([1.0, -0.6])
    flow = theory.gradient_flow(train, start, 2.0)
    errors = [np.linalg.norm(sgd.run(Quadratic(2), start, train[None], lr=2.0 / steps, steps=steps).w - flow)
              for steps in (200, 400, 800)]
    assert_allclose(np.divide(errors[:2], errors[1:]), 2, rtol=0.01)
    assert errors[-1] < 1e-3 < np.linalg.norm(theory.gradient_flow(2 * train, start, 2.0) - flow)


# --- panel (a): a small rate ------------------------------------------------------------------

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


@pytest.mark.claim("NAK20.small-lr")
def test_descent_overshoots_so_that_two_ratios_are_reported():
    """At η = 0.1, ε = 1e-2: P/ε = 1.4125 but P/L = 1.4695. Mistaking one for the other is an error of 4 %."""
    stop = simulated.descend(simulated.three_samples(), 1e-2, lr=0.1)
    predicted = theory.stopping_point(*SLIDES, 1e-2, lr=0.1)
    assert stop.nit == predicted.steps and stop.status == simulated.REACHED and stop.success
    assert_allclose([stop.loss_ratio, stop.target_ratio], [predicted.loss_ratio, predicted.target_ratio], rtol=1e-12)
    assert_allclose([stop.target_ratio, stop.loss_ratio], [1.4125195033650, 1.4694893924452], rtol=1e-12)
    assert stop.target_ratio < theory.flow_loss_ratio(*LOSSES, 1e-2) < stop.loss_ratio


@pytest.mark.claim("NAK20.small-lr", "NAK20.annealed")
@given(pairs(), st.floats(0.1, 0.9), st.floats(0.1, 0.95), st.integers(0, 12), st.floats(-4, -0.05))
def test_simulated_stop_equals_the_predicted_one(pair, small, large, large_steps, fraction):
    """Any pair of Hessians, start, schedule and target: the same step, the same L and P to 1e-12."""
    train, test, start = pair
    lr, large_lr = (rate * 2 / extremes(train)[1] for rate in (small, large))
    problem = simulated.from_hessians(train, test, np.zeros(len(start)))
    target = float(10**fraction * theory.quadratic_loss(train, start))
    schedule = {"large_lr": large_lr, "large_steps": large_steps} if large_steps else {}
    predicted = theory.stopping_point(train, test, start, target, lr=lr, **schedule)
    rates = np.array([large_lr] * large_steps + [lr] * max(predicted.steps - large_steps, 0))[:predicted.steps]
    assume(len(rates))
    losses = theory.quadratic_loss(train, theory.gradient_descent(train, start, rates))
    assume(np.abs(losses / target - 1).min() > 1e-9)  # else rounding decides which step is the first
    step = {"large_lr": large_lr, "switch_step": large_steps} if large_steps else {}
    stop = simulated.descend(problem, target, lr=lr, w0=start, **step)
    assert stop.nit == predicted.steps
    assert stop.switch == (large_steps if predicted.steps > large_steps else -1 if large_steps else 0)
    assert_allclose(stop.train_loss, predicted.train_loss, rtol=1e-12)
    assert_allclose(stop.loss_ratio, predicted.loss_ratio, rtol=1e-12)
    assert_allclose(stop.target_ratio, predicted.target_ratio, rtol=1e-12)
    # The null: stopping a step later, as a loop does that checks before it steps.
    late = theory.gradient_descent(train, stop.w, [lr])[-1]
    assert abs(theory.quadratic_loss(train, late) / predicted.train_loss - 1) > 1e-3


@pytest.mark.claim("NAK20.small-lr")
def test_ways_to_give_a_schedule_mean_the_same():
    """A constant, an array, a function and a step schedule through one stop; the step schedule reversed differs."""
    descend = partial(simulated.descend, simulated.three_samples(), 1e-3, max_steps=300)
    constant = descend(lr=0.1)
    for lr in (np.full(300, 0.1), lambda step: 0.1):
        assert_array_equal(descend(lr=lr).w, constant.w)
    stepped = descend(lr=0.1, large_lr=1.2, switch_step=3)
    schedule = np.array([1.2] * 3 + [0.1] * 297)
    assert_array_equal(descend(lr=schedule).w, stepped.w)
    assert_array_equal(descend(lr=lambda step: schedule[step], record=True).path[-1], stepped.w)
    assert descend(lr=schedule[::-1]).nit != stepped.nit


# --- panel (b): a large rate, then a small one ------------------------------------------------

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
        schedules = (({}, {}), ({"large_lr": 1.3, "large_steps": steps}, {"large_lr": 1.3, "switch_loss": 4 * target}))
        for schedule, switch in schedules:
            predicted = theory.stopping_point(*SLIDES, target, lr=0.05, **schedule)
            problem = simulated.from_hessians(H, G, [0.0, 0.0])
            stop = simulated.descend(problem, target, lr=0.05, w0=[-1.0, -1.0], **switch)
            assert stop.nit == predicted.steps
            assert_allclose(stop.loss_ratio, predicted.loss_ratio, rtol=1e-12)
            assert stop.switch == (steps if switch else 0)
        small = theory.flow_loss_ratio(*LOSSES, target)
        annealed = theory.annealed_loss_ratio(*LOSSES, target, 1.3, steps)
        assert abs(small - 1.5) < 6 * target + 1e-12 and abs(annealed - 0.75) < 5e-4
    assert_allclose(theory.limit_ratios(H, G), (1.5, 0.75), rtol=1e-15)
    assert_allclose(annealed / small, 0.5, rtol=1e-5)


@pytest.mark.claim("NAK20.annealed", "NAK20.small-lr")
def test_without_error_in_one_direction_there_is_nothing_to_anneal():
    """A start on an axis stays there: 3/4 or 3/2 whatever the schedule, in theory and simulation."""
    problem = simulated.three_samples((1.0, 1.0))
    for start, ratio in (([0.0, 1.0], 0.75), ([1.0, 0.0], 1.5)):
        sharp, flat = 2 / 3 * (start[0] - 1) ** 2, (start[1] - 1) ** 2 / 3
        assert theory.flow_loss_ratio(sharp, flat, 1e-2) == ratio
        for switch in ({}, {"large_lr": 1.2, "switch_loss": 0.1}):
            assert_allclose(simulated.descend(problem, 1e-2, lr=0.1, w0=start, **switch).loss_ratio, ratio, rtol=1e-12)
        assert_allclose(theory.limit_ratios(H, G, np.subtract(start, 1)), (ratio, ratio), rtol=1e-12)


@pytest.mark.claim("NAK20.annealed")
def test_equal_eigenvalues_leave_nothing_to_choose(rng):
    """H = 2I: P/L keeps its first value under every schedule; there is no crossover and no limit without a start."""
    train, start = 2.0 * np.eye(3), rng.standard_normal(3)
    test = support.random_hessians(rng, 1, 3)[0]
    first = theory.quadratic_loss(test, start) / theory.quadratic_loss(train, start)
    assert_allclose(theory.limit_ratios(train, test, start), (first, first), rtol=1e-12)
    for schedule in ({}, {"large_lr": 0.9, "large_steps": 3}):
        stop = theory.stopping_point(train, test, start, 1e-6 * (start @ start), **schedule)
        assert_allclose(stop.loss_ratio, first, rtol=1e-12)
    assert_allclose(theory.limit_ratios(train, np.eye(3)), (0.5, 0.5), rtol=1e-15)  # no start needed for G ∝ I
    for call in (partial(theory.crossover_lr, train), partial(theory.limit_ratios, train, test)):
        with pytest.raises(ValueError, match="eigenvalues"):
            call()


@pytest.mark.claim("NAK20.annealed")
def test_repeated_extreme_eigenvalue_takes_the_start_within_its_space(rng):
    """Eigenvalues 1, 1, 5, 5: limits from the start's projections; the first eigenvector alone gives another number."""
    basis = support.random_rotation(rng, 4)
    train = (basis * [1.0, 1.0, 5.0, 5.0]) @ basis.T
    train = (train + train.T) / 2
    test, start = support.random_hessians(rng, 1, 4)[0], rng.standard_normal(4)
    predicted = theory.limit_ratios(train, test, start)
    loss = theory.quadratic_loss(train, start)
    small = theory.stopping_point(train, test, start, 1e-14 * loss)
    annealed = annealed_at(0.39, 1e-14 * loss, (train, test), start)
    assert_allclose([small.loss_ratio, annealed.loss_ratio], predicted, rtol=1e-5)
    alone = [v @ test @ v / scale for v, scale in ((basis[:, 0], 1), (basis[:, 2], 5))]
    assert not np.allclose(predicted, alone, rtol=1e-3)
    with pytest.raises(ValueError, match="give start"):
        theory.limit_ratios(train, test)


# --- panel (c): the landscape -----------------------------------------------------------------

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


# --- what large means -------------------------------------------------------------------------

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
    problem = simulated.from_hessians(H, G, [0.0, 0.0])
    stop = simulated.descend(problem, target, lr=0.05, large_lr=lr, switch_loss=100 * target, w0=[-1.0, -1.0])
    steps = theory.steps_to_loss(H, SLIDES[2], lr, 100 * target)
    predicted = theory.stopping_point(*SLIDES, target, lr=0.05, large_lr=lr, large_steps=steps)
    assert stop.switch == steps and stop.nit == predicted.steps
    assert_allclose(stop.loss_ratio, predicted.loss_ratio, rtol=1e-12)
    assert abs(stop.loss_ratio - limit) < 0.05 < abs(stop.loss_ratio - (2.25 - limit))
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


# --- mechanism --------------------------------------------------------------------------------

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
    stops = {0: theory.stopping_point(train, test, start, target), -1: annealed_at(large, target, (train, test), start)}
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
    test = np.linalg.matrix_power(train, power)
    test = (test + test.T) / 2
    problem = simulated.from_hessians(train, test, np.zeros(3))
    start = np.linalg.eigh(train)[1] @ rng.choice([-1.0, 1.0], 3)
    small, annealed = theory.limit_ratios(train, test)
    assert_allclose(annealed / small, 5.0 ** (power - 1), rtol=1e-10)
    descend = partial(simulated.descend, problem, 1e-10, lr=0.2, w0=start)
    measured = descend(large_lr=1.9, switch_loss=5e-10).loss_ratio / descend().loss_ratio
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


# --- convex problems, claim 3 -----------------------------------------------------------------

@pytest.mark.claim("NAK20.claim3", "NAK20.convex")
def test_one_minimum_two_generalisation_errors():
    """Simulated: both runs approach the unique minimum like √ε, and their test losses stay a factor 2 apart.

    That the effect "cannot be observed" predicts the factor 1 at every ε.
    """
    assert extremes(H)[0] > 0  # strictly convex: one minimum
    problem = simulated.from_hessians(H, G, [0.0, 0.0])
    factors = []
    for target in (1e-2, 1e-4, 1e-6, 1e-8, 1e-10):
        descend = partial(simulated.descend, problem, target, lr=0.01, w0=[-1.0, -1.0])
        small, annealed = descend(), descend(large_lr=1.3, switch_loss=4 * target)
        for stop in (small, annealed):
            assert np.linalg.norm(stop.w) <= sqrt(2 * target / extremes(H)[0])
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


# --- where annealing does not help: a fixed switch --------------------------------------------

@pytest.mark.claim("NAK20.fixed-switch")
def test_fixed_switch_reverses_as_the_target_falls():
    """η = 1.3, K = 2: 0.752, 0.768, 0.910, 1.402 at ε = 1e-2…1e-8, then 3/2; "always helps" predicts 3/4 throughout."""
    targets = 10.0 ** -np.arange(2, 13, 2)
    predicted = theory.annealed_loss_ratio(*LOSSES, targets, 1.3, 2)
    assert_allclose(predicted[:4], [0.7518, 0.7678, 0.9096, 1.4016], atol=1e-4)
    assert (np.diff(predicted) > 0).all() and predicted[-1] > 1.4999
    problem = simulated.from_hessians(H, G, [0.0, 0.0])
    for target in targets[:4]:
        stop = simulated.descend(problem, target, lr=0.02, large_lr=1.3, switch_step=2, w0=[-1.0, -1.0])
        exact = theory.stopping_point(*SLIDES, target, lr=0.02, large_lr=1.3, large_steps=2)
        assert stop.nit == exact.steps
        assert_allclose(stop.loss_ratio, exact.loss_ratio, rtol=1e-12)
        # What is left of the rate 0.02 is first order in it.
        assert abs(stop.loss_ratio - theory.annealed_loss_ratio(*LOSSES, stop.train_loss, 1.3, 2)) < 0.02


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


# --- any sample -------------------------------------------------------------------------------

@pytest.mark.claim("NAK20.samples")
@pytest.mark.parametrize("n", range(2, 11))
def test_mean_benefit_equals_the_mean_over_all_samples(n):
    """All 2ⁿ samples in rationals; leaving the samples without one vector in, as benefit 0, is caught."""
    kept, total = [], Fraction(0)
    for sample in product((0, 1), repeat=n):
        c = sum(sample)
        if 0 < c < n:
            kept.append(Fraction(min(c, n - c), max(c, n - c)))
            if min(c, n - c) != max(c, n - c):
                small, annealed = theory.limit_ratios(theory.sample_hessian([c, n - c]), G)
                assert abs(annealed / small - float(kept[-1])) < 1e-12
    total = sum(kept)
    assert_allclose(theory.mean_benefit(n), float(total / len(kept)), rtol=1e-14)
    assert not np.isclose(theory.mean_benefit(n), float(total / 2**n), rtol=1e-4)


@pytest.mark.claim("NAK20.samples")
def test_the_benefit_goes_away_with_more_data():
    """1 − √(8/(πn)) to leading order: the error falls faster than that, and with √(2/(πn)) it would not."""
    sizes = np.array([100, 400, 1600, 6400])
    benefits = np.array([theory.mean_benefit(int(n)) for n in sizes])
    leading = np.sqrt(8 / (pi * sizes))
    assert (np.diff(benefits) > 0).all()
    assert_allclose((1 - benefits) / leading, 1, atol=3 / np.sqrt(sizes[0]))
    assert (np.abs(np.diff((1 - benefits) / leading)) > 0).all()
    assert_allclose(((1 - benefits) / leading)[-1], 1, atol=0.02)
    assert not np.isclose((1 - benefits[-1]) / (leading[-1] / 2), 1, atol=0.02)


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
    for switch in ({}, {"large_lr": 0.9, "switch_loss": 0.1}):
        for target in (1e-2, 1e-6):
            assert simulated.descend(problem, target, lr=0.1, **switch).test_loss >= 0.5
    hessian = theory.sample_hessian([3, 0])
    assert theory.stopping_point(hessian, G, [-1.0, -1.0], 1e-6).test_loss >= 0.5
    for call in (theory.limit_ratios, theory.ratio_bounds):
        with pytest.raises(ValueError, match="positive definite"):
            call(hessian, G)


# --- SGD --------------------------------------------------------------------------------------

def sample_counts(most=5):
    return st.lists(st.integers(1, most), min_size=2, max_size=4)


@pytest.mark.claim("NAK20.sgd")
@given(sample_counts(most=3), st.data())
def test_mean_square_multipliers_equal_the_mean_over_all_batches(counts, data):
    """One simulated step on every batch; the other way of sampling is caught, and the limit is linear stability's."""
    n, dim = sum(counts), len(counts)
    size, replacement = data.draw(st.integers(1, min(n, 4))), data.draw(st.booleans())
    lr = data.draw(st.floats(0.05, 1.5))
    drawn = np.repeat(np.arange(dim), counts)
    x = np.eye(dim)[drawn]
    batches = support.all_batches(n, size, replacement)
    start = np.ones((len(batches), dim))
    result = sgd.run(simulated.LeastSquares(dim), start, x, np.zeros(n), lr=lr, steps=1, indices=batches[None])
    exact = (result.w**2).mean(axis=0)
    predict = partial(theory.mean_square_multipliers, counts, lr, size)
    assert_allclose(predict(replacement=replacement), exact, rtol=1e-12, atol=1e-13)
    if 1 < size:
        assert not np.allclose(predict(replacement=not replacement), exact, rtol=1e-6, atol=0)
    limit = theory.mean_square_lr(counts, size, replacement=replacement)
    hessians = 2 * x[:, :, None] * x[:, None, :]
    assert_allclose(limit, linear_stability.critical_lr(hessians, size, replacement=replacement), rtol=1e-8)
    assert_allclose(theory.mean_square_multipliers(counts, limit, size, replacement=replacement).max(), 1, rtol=1e-12)


@pytest.mark.claim("NAK20.sgd")
def test_mean_square_limits_of_the_slides():
    """1, 4/3, 3/2 for B = 1, 2, 3, and the crossover 1 for all; with replacement they differ."""
    limits = [theory.mean_square_lr([2, 1], size) for size in (1, 2, 3)]
    assert_allclose(limits, [1, 4 / 3, 3 / 2], rtol=1e-15)
    for size, limit in zip((1, 2, 3), limits):
        p = Fraction(3 - size, 2 * size)
        h = [Fraction(4, 3), Fraction(2, 3)]
        for lr in (1, Fraction(limit).limit_denominator(10)):
            exact = [float((1 - lr * a) ** 2 + lr**2 * p * a * (2 - a)) for a in h]
            assert_allclose(theory.mean_square_multipliers([2, 1], float(lr), size), exact, rtol=1e-14, atol=1e-15)
        assert_allclose(theory.mean_square_multipliers([2, 1], limit, size)[0], 1, rtol=1e-14)
        assert_allclose(theory.mean_square_crossover([2, 1], size), 1, rtol=1e-15)
    assert_allclose(theory.mean_square_lr([2, 1], 2, replacement=True), 6 / 5, rtol=1e-15)


@pytest.mark.claim("NAK20.sgd")
@given(sample_counts(), st.data())
def test_a_window_for_annealing_exists_for_every_batch_but_one(counts, data):
    """Crossover below limit iff B > 1, for any sample; full batch gives 2/(λ_min + λ_max) and 2/λ_max."""
    assume(len(set(counts)) > 1)
    n = sum(counts)
    size = data.draw(st.integers(1, n))
    crossover, limit = theory.mean_square_crossover(counts, size), theory.mean_square_lr(counts, size)
    if size == 1:
        assert crossover == limit == 1
    else:
        assert crossover < limit
    order = np.argsort(counts, kind="stable")
    for scale, slowest in ((0.99, order[0]), (1.01, order[-1])):
        growth = theory.mean_square_multipliers(counts, scale * crossover, size)
        assert counts[np.argmax(growth)] == counts[slowest]
    full = theory.sample_hessian(counts)
    assert_allclose(theory.mean_square_crossover(counts, n), theory.crossover_lr(full), rtol=1e-13)
    assert_allclose(theory.mean_square_lr(counts, n), 2 / extremes(full)[1], rtol=1e-13)


@pytest.mark.claim("NAK20.sgd")
def test_single_samples_cannot_tell_a_large_rate_from_a_small_one(rng):
    """B = 1: on the same examples the losses at η and 1 − η agree at every step; those at ¾η, and at B = 2, do not."""
    problem = simulated.from_hessians(np.eye(2), np.eye(2), [0.0, 0.0])
    problem = simulated.Problem(np.eye(2)[[0, 0, 1]], np.zeros(3), problem.x_test, problem.y_test)
    for size in (1, 2):
        batches = support.all_batches(3, size)
        indices = batches[rng.integers(0, len(batches), (60, 500))]

        def losses(lr):
            observe = {"train": lambda w, x, y: problem.train_loss(w), "test": lambda w, x, y: problem.test_loss(w)}
            run = sgd.run(simulated.LeastSquares(2), np.ones((500, 2)), problem.x, problem.y, lr=lr, steps=60,
                          indices=indices, observe=observe)
            return np.stack([run.observed["train"], run.observed["test"]])

        for lr in (0.6, 0.8, 0.95):
            same = np.allclose(losses(lr), losses(1 - lr), rtol=1e-12, atol=0)
            assert same if size == 1 else not same
            assert not np.allclose(losses(lr), losses(0.75 * lr), rtol=1e-3, atol=0)


@pytest.mark.claim("NAK20.sgd")
def test_single_samples_at_and_beyond_the_limit(rng):
    """B = 1, η = 1 changes no loss and uses its steps up; η = 1.1 raises the loss at every step until it diverges."""
    descend = partial(simulated.descend, simulated.three_samples(), 0.5, batch_size=1, w0=np.zeros((50, 2)), rng=rng)
    held = descend(lr=1.0, max_steps=40)
    assert (held.status == simulated.EXHAUSTED).all() and not held.success.any() and (held.nit == 40).all()
    assert_allclose(held.train_loss, 1, rtol=1e-12)
    assert np.isnan(held.loss_ratio).all() and np.isnan(held.target_ratio).all()
    grown = descend(lr=1.1, max_steps=3000)
    assert (grown.status == simulated.DIVERGED).all() and (grown.nit < 3000).all()
    assert grown.message == "0 of 50 runs reached the target, 50 diverged, 0 used up their 3000 steps"
    assert descend(lr=0.9).success.all()


@pytest.mark.claim("NAK20.sgd")
@pytest.mark.parametrize(("size", "schedule"), [
    (1, {"lr": 0.2}), (1, {"lr": 0.2, "large_lr": 0.9, "switch_loss": 0.6}), (2, {"lr": 0.3}),
    (2, {"lr": 0.3, "large_lr": 1.25, "switch_loss": 0.4}), (3, {"lr": 0.1, "large_lr": 1.3, "switch_loss": 0.5})])
def test_law_of_the_stop_equals_all_index_sequences(size, schedule):
    """Every sequence of 8 batches simulated: the joint law of (step, P/L) and what is unfinished, to 1e-13.

    The laws of the other batch sizes and of another switch are caught.
    """
    steps, target = 8, 0.25
    batches = support.all_batches(3, size)
    sequences = np.array(list(product(range(len(batches)), repeat=steps)))
    stop = simulated.descend(simulated.three_samples(), target, w0=np.zeros((len(sequences), 2)), max_steps=steps,
                             indices=batches[sequences].swapaxes(0, 1), **schedule)
    exact = tally(stop.nit[stop.success], stop.loss_ratio[stop.success],
                  np.full(stop.success.sum(), 1 / len(sequences)))

    def predicted(size, **schedule):
        law = theory.sgd_stopping_law(*LOSSES, target, size, **schedule)
        early = law.steps <= steps
        return tally(law.steps[early], law.ratios[early], law.probabilities[early])

    found = predicted(size, **schedule)
    assert found.keys() == exact.keys()
    assert_allclose([found[key] for key in exact], list(exact.values()), rtol=0, atol=1e-13)
    assert len(exact) > (2 if size < 3 else 0)
    others = [predicted(other, **{**schedule, "large_lr": 0.9} if "large_lr" in schedule else schedule)
              for other in (1, 2, 3) if other != size]
    assert all(other.keys() != exact.keys() for other in others)


def tally(steps, ratios, weights):
    """{(step, P/L to 10 digits): probability}."""
    law = {}
    for step, ratio, weight in zip(steps.tolist(), ratios.tolist(), weights.tolist()):
        key = step, round(ratio, 10)
        law[key] = law.get(key, 0.0) + weight
    return law


@pytest.mark.claim("NAK20.sgd")
@pytest.mark.parametrize(("size", "large_lr"), [(1, 0.7), (1, 0.95), (2, 1.1), (2, 1.3), (3, 1.3)])
def test_simulated_mean_ratio_follows_the_law(rng, size, large_lr):
    """20 000 runs of large and then small SGD; P/L lies in [3/4, 3/2] and its standard deviation is exact.

    Full-batch descent at the same rate, the reading of the slides, is excluded for B = 1 and 2.
    """
    replicas, target = 20_000, 1e-3
    schedule = {"lr": 0.05, "large_lr": large_lr, "switch_loss": 4 * target}
    law = theory.sgd_stopping_law(*LOSSES, target, size, **schedule)
    assert law.unfinished < 1e-14 and abs(law.probabilities.sum() - 1) < 1e-12
    stop = simulated.descend(simulated.three_samples(), target, w0=np.zeros((replicas, 2)), batch_size=size, rng=rng,
                             **schedule)
    chance = log(4 / support.FALSE_ALARM)  # two comparisons; Bernstein's bound for values in an interval of length ¾
    tolerance = law.std * sqrt(2 * chance / replicas) + 0.75 * 2 * chance / (3 * replicas)
    assert abs(stop.loss_ratio.mean() - law.mean) <= tolerance
    other = theory.sgd_stopping_law(*LOSSES, target, 3 if size < 3 else 2, **schedule)
    assert abs(stop.loss_ratio.mean() - other.mean) > tolerance
    distances = np.abs([np.mean(stop.loss_ratio <= ratio) - law.probabilities[law.ratios <= ratio].sum()
                        for ratio in np.linspace(0.751, 1.499, 16)])
    assert distances.max() <= support.dkw_limit(replicas, 2)


@pytest.mark.claim("NAK20.sgd")
def test_limits_of_the_law_as_the_target_falls():
    """Means at ever smaller ε: B = 1 rises to 3/2 on either side of ½, B = 2 turns at its crossover 1."""
    targets = (1e-2, 1e-4, 1e-8, 1e-16, 1e-32)

    def means(size, lr):
        return np.array([theory.sgd_stopping_law(*LOSSES, target, size, large_lr=lr, switch_loss=4 * target).mean
                         for target in targets])

    for lr in (0.05, 0.3, 0.7, 0.95):
        path = means(1, lr)
        assert path[-1] > 1.495 and (np.diff(path) > 0).all()
        assert_allclose(means(1, 1 - lr), path, rtol=1e-9)
        assert (path <= theory.flow_loss_ratio(*LOSSES, targets) + 1e-12).all()
    assert_allclose(means(1, 0.45)[0], 1.1925, atol=1e-4)  # by chance alone; a small rate has 1.4597
    assert means(2, 0.9)[-1] > 1.3 and means(2, 0.7)[-1] > 1.499
    above = means(2, 1.3)
    assert_allclose(above[:3], [0.9229, 0.8595, 0.7889], atol=1e-4)
    assert (np.diff(above) < 0).all() and above[-1] < 0.752
    assert means(3, 1.3)[-1] == pytest.approx(0.75, abs=1e-9)


# --- bad input --------------------------------------------------------------------------------

SINGULAR = np.diag([1.0, 0.0])


@pytest.mark.claim("NAK20.small-lr", "NAK20.annealed")
@pytest.mark.parametrize(("call", "message"), [
    (lambda: theory.flow_loss_ratio(*LOSSES, 1.1),
     "target must be at most the train loss at the start, 1, got 1.1; gradient flow"),
    (lambda: theory.flow_loss_ratio(*LOSSES, [0.1, 0.0]), "target must be positive and finite, got 0; give target > 0"),
    (lambda: theory.flow_loss_ratio(*LOSSES, np.nan), "target must be finite"),
    (lambda: theory.flow_loss_ratio(-1.0, 1.0, 0.1), "sharp_loss must be non-negative"),
    (lambda: theory.flow_loss_ratio(0.0, 0.0, 0.1), "must not both be 0"),
    (lambda: theory.flow_loss_ratio([1.0, 2.0], [1.0, 2.0, 3.0], 0.1), "flat_loss must broadcast with sharp_loss"),
    (lambda: theory.flow_loss_ratio([1.0, 2.0], 1.0, [0.1] * 3), "target must broadcast with the losses"),
    (lambda: theory.flow_stop_time(*LOSSES, 2.0), "target must be at most the train loss at the start"),
    (lambda: theory.annealed_loss_ratio(*LOSSES, 1e-2, 1.5, 2), r"lr must be below 2 / lambda_max = 1.5"),
    (lambda: theory.annealed_loss_ratio(*LOSSES, 0.9, 1.3, 2), "target must be at most the train loss at the switch"),
    (lambda: theory.annealed_loss_ratio(*LOSSES, 0.9, 1.3, -1), "large_steps must be at least 0"),
    (lambda: theory.reversal_target(1.0, 2.0), "flat_loss must be at most sharp_loss at the switch, got 2 and 1"),
    (lambda: theory.reversal_target(0.0, 2.0), "sharp_loss must be positive"),
    (lambda: theory.stopping_point(*SLIDES, 1.1), "target must be at most the train loss at the start, 1, got 1.1"),
    (lambda: theory.stopping_point(*SLIDES, 1e-2, lr=1.5), "lr must be below 2 / lambda_max = 1.5"),
    (lambda: theory.stopping_point(*SLIDES, 1e-2, large_lr=1.5, large_steps=2),
     "large_lr must be below 2 / lambda_max = 1.5"),
    (lambda: theory.stopping_point(*SLIDES, 1e-2, large_lr=1.2), "large_lr and large_steps go together"),
    (lambda: theory.stopping_point(*SLIDES, 1e-2, large_steps=2), "large_lr and large_steps go together"),
    (lambda: theory.stopping_point(H, G, [0.0, 0.0], 1e-2), "target must be at most the train loss at the start, 0"),
    (lambda: theory.stopping_point(H, np.eye(3), [1.0, 1.0], 1e-2), r"test_hessian must have shape \(2, 2\)"),
    (lambda: theory.stopping_point(H, -G, [1.0, 1.0], 1e-2), "test_hessian.* must be positive semi-definite"),
    (lambda: theory.steps_to_loss(H, [1.0, 1.0], 1.6, 0.1), "lr must be below 2 / lambda_max"),
    (lambda: theory.steps_to_loss(H, [1.0, 1.0], 1e-25, 0.1), "so small beside the curvatures"),
    (lambda: theory.steps_to_loss(H, [1.0, 1.0], 1.2, 3.0), "level must be at most the train loss at the start"),
    (lambda: theory.gradient_descent(H, [1.0], [0.1]), r"start must have shape \(2,\)"),
    (lambda: theory.gradient_descent(H, [1.0, 1.0], [0.1, -0.1]), "lr must be positive"),
    (lambda: theory.gradient_descent(H, [1.0, 1.0], np.full(50, 1e9)), "overflow at step 34; .* 2 / lambda_max = 1.5"),
    (lambda: theory.gradient_descent(0 * H, [1.0, 1.0], [0.1]), "train_hessian must not be zero"),
    (lambda: theory.gradient_descent([[1.0, 1.0], [0.0, 1.0]], [1.0, 1.0], [0.1]), "train_hessian.* must be symmetric"),
    (lambda: theory.gradient_flow(H, [1.0, 1.0], -1.0), "times must be non-negative"),
    (lambda: theory.quadratic_loss(H, [1.0, 1.0, 1.0]), "displacement must have 2 entries"),
    (lambda: theory.limit_ratios(SINGULAR, G), "train_hessian must be positive definite, got the eigenvalue 0"),
    (lambda: theory.limit_ratios(H, G, [0.0, 0.0]), "start must not be 0"),
    (lambda: theory.ratio_bounds(SINGULAR, G), "train_hessian must be positive definite"),
    (lambda: theory.crossover_lr(SINGULAR), "train_hessian must be positive definite"),
])
def test_theory_refuses_outside_its_domain(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.claim("NAK20.sgd", "NAK20.samples")
@pytest.mark.parametrize(("call", "message"), [
    (lambda: theory.mean_benefit(1), "n must be at least 2"),
    (lambda: theory.sample_hessian([2.0, 1.0]), "counts must be whole numbers"),
    (lambda: theory.sample_hessian([0, 0]), "counts must be whole numbers >= 0, one a direction and not all 0"),
    (lambda: theory.population_hessian(0), "dim must be at least 1"),
    (lambda: theory.mean_square_lr([2, 1], 4), "batch_size must be a whole number in 1…3"),
    (lambda: theory.mean_square_multipliers([2, 1], -1.0, 1), "lr must be positive"),
    (lambda: theory.mean_square_crossover([2, 2], 1), "counts must hold two different numbers"),
    (lambda: theory.mean_square_crossover([3, 0], 1), "counts must hold two different numbers"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1, lr=1.0),
     "lr must be below 1, where SGD with batch_size=1 is stable"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 2, large_lr=1.4, switch_loss=0.1),
     "large_lr must be below 1.33333"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1, lr=0.5), "lr = 0.5 learns a direction in a single step"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 2, large_lr=1.0, switch_loss=0.1),
     "lr = 1 learns a direction in a single"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1, lr=0.01, max_steps=30).mean,
     "a run goes on with probability 1; give more"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 2, lr=0.1, max_steps=30).std, "max_steps must let all runs stop"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 4, lr=0.1), "batch_size must be in 1…3, got 4"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1), "for gradient flow alone use flow_loss_ratio"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1, lr=0.1, large_lr=0.2), "large_lr and switch_loss go together"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1, lr=0.1, large_lr=0.2, switch_loss=1e-3),
     "switch_loss must be at least the target"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1.5, 1, lr=0.1),
     "target must be below the train loss at the start, 1, got 1.5"),
    (lambda: theory.sgd_stopping_law([0.5, 0.6], 0.3, 0.1, 1, lr=0.1), "must be one number each"),
])
def test_theory_of_samples_refuses_outside_its_domain(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def descend(target=1e-2, problem=None, **changes):
    return simulated.descend(problem or simulated.three_samples(), target, **{"lr": 0.1, **changes})


@pytest.mark.claim("NAK20.small-lr", "NAK20.annealed")
@pytest.mark.parametrize(("call", "message"), [
    (lambda: descend(1.5), "target must be below the train loss at the start, 1, got 1.5"),
    (lambda: descend(0.0), "target must be positive"),
    (lambda: descend(0.05, simulated.Problem(np.ones((2, 1)), [0.0, 1.0], [[1.0]], [0.0])),
     "target must be above the smallest train loss that exists, 0.25, got 0.05"),
    (lambda: descend(large_lr=1.2), "large_lr needs exactly one of switch_step and switch_loss, got None and None"),
    (lambda: descend(large_lr=1.2, switch_step=2, switch_loss=0.1),
     "large_lr needs exactly one of switch_step and switch_loss"),
    (lambda: descend(switch_step=2), "large_lr must be given with switch_step or switch_loss"),
    (lambda: descend(large_lr=1.2, switch_loss=1e-3), "switch_loss must be at least the target 0.01, got 0.001"),
    (lambda: descend(large_lr=1.2, switch_step=0), "switch_step must be at least 1"),
    (lambda: descend(large_lr=-1.2, switch_step=2), "large_lr must be positive"),
    (lambda: descend(lr=[0.1, 0.2], large_lr=1.2, switch_step=2), "lr must be one number"),
    (lambda: descend(lr=-0.1), "lr must be positive"),
    (lambda: descend(w0=np.zeros(3)), r"w0 must have shape \(\*S, 2\), got \(3,\)"),
    (lambda: descend(problem=simulated.draw_samples(3, size=(4,), rng=0), w0=np.zeros((3, 2))),
     r"w0 must have shape \(4,\) \+ \(2,\), got \(3, 2\)"),
    (lambda: descend(max_steps=0), "max_steps must be at least 1"),
    (lambda: descend(batch_size=4), "batch_size must be a whole number in 1…3"),
    (lambda: simulated.three_samples((1.0, 1.0, 1.0)), r"minimum must have shape \(2,\)"),
    (lambda: simulated.draw_samples(0), "n must be at least 1"),
    (lambda: simulated.Problem(np.ones((2, 2)), np.ones(3), np.eye(2), np.ones(2)), r"x must have shape \(…, n, d\)"),
    (lambda: simulated.Problem(np.ones((2, 2)), np.ones(2), np.eye(3), np.ones(3)), r"x_test must have shape \(m, 2\)"),
    (lambda: simulated.from_hessians(-H, G, [0.0, 0.0]), "train_hessian.* must be positive semi-definite"),
])
def test_simulation_refuses_before_work(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.claim("NAK20.annealed")
def test_targets_that_are_not_reached_are_a_status():
    """η = 3/2 never shrinks the sharp direction, whose loss ⅔ stays; η = 1.6 diverges; a slow run is cut off."""
    held = descend(0.5, lr=1.5, max_steps=500)
    assert held.status == simulated.EXHAUSTED and not held.success and held.nit == 500
    assert_allclose(held.train_loss, 2 / 3, rtol=1e-12)
    assert np.isnan(held.loss_ratio) and np.isnan(held.target_ratio)
    diverged = descend(0.5, lr=1.6, max_steps=5000)
    assert diverged.status == simulated.DIVERGED and diverged.nit < 5000 and np.isfinite(diverged.train_loss)
    slow = descend(1e-6, lr=1e-3, max_steps=50)
    assert slow.status == simulated.EXHAUSTED and slow.message.endswith("1 used up their 50 steps")
    learned = descend(0.05, lr=1.0, large_lr=0.75, switch_step=1)  # one step at 1/λ_max learns the sharp direction
    assert learned.success and learned.nit == 2 and learned.switch == 1
    assert learned.loss_ratio == pytest.approx(1.5, rel=1e-14)
