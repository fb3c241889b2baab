"""Li, Wei and Ma 2019: every prediction against quadrature, exact arithmetic or a simulation.

Each test says which wrong answer it would catch and shows it caught.
"""

from functools import lru_cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from figures._statistics import fitted_power, t_limit
from figures.learning_order._laws import annealed, averaged_curvature
from figures.learning_order._regimes import EXCHANGED, SMALL, at, half_time, last, problem, train
from refimpl import learning_order as simulated, sgd
from tests import support
from theory import learning_order as theory


def tiny(rng, block=True, n=12, d=4):
    """A small problem with all kinds of examples: model, data, start."""
    data = simulated.sample(simulated.Distribution(d, 0.3, 0.3, 0.5), n, rng)
    model = simulated.TwoLayerReLU(d, 5, 8, 1.5, 2.5, 0.7, block)
    return model, data, model.init(rng)


# --- noise ------------------------------------------------------------------------------------

@pytest.mark.claim("LWM19.stationary")
def test_stationary_noise_solves_the_balance(rng):
    """(3.3) both ways to rounding; the small-ηλ formula without its second order is caught."""
    for lr, decay, noise in 10 ** rng.uniform(-2, 0, (50, 3)):
        std = theory.stationary_std(lr, decay, noise)
        assert_allclose((1 - lr * decay)**2 * std**2 + lr**2 * noise**2, std**2, rtol=1e-12)
        assert_allclose(theory.noise_std(lr, decay, std), noise, rtol=1e-12)
        assert not np.isclose(np.sqrt(lr / (2 * decay)) * noise, std, rtol=1e-6, atol=0)
    with pytest.raises(ValueError, match="below 2"):
        theory.stationary_std(2.0, 1.0, 1.0)


@pytest.mark.claim("LWM19.stationary", "LWM19.decomposition", "LWM19.turnover")
def test_noise_part_of_a_run_has_the_stationary_law(rng):
    """Variance and lag correlation after 40 steps, 30 000 weights; noise without γ, or no decay, is caught."""
    lr, decay, tau, steps, width = 0.1, 0.2, 0.5, 40, 15_000
    noise = float(theory.noise_std(lr, decay, tau))
    data = simulated.sample(simulated.Distribution(2, 0, 1), 20, rng)
    model = simulated.TwoLayerReLU(2, 1, width, 1, 1, tau)
    start = model.init(rng)
    run = simulated.train_small(model, data, lr=lr, stop_loss=1e-6, weight_decay=decay, noise_std=noise,
                                max_steps=steps, record_every=steps, start=start, rng=rng)
    first, last = start[1:, 2:], run.noise[1:, 2:]
    count, limit = first.size, support.z_limit(3)
    rho = theory.noise_autocorrelation(lr, decay, steps)
    assert abs((last**2).mean() / tau**2 - 1) <= limit * np.sqrt(2 / count) < abs((1 - decay * lr)**(2 * steps) - 1)
    error = np.sqrt((1 + rho**2) / count)
    assert abs((first * last).mean() / tau**2 - rho) <= limit * error < abs(1 - rho)
    # The pattern is that of the weights, so the signal, small here, moves it: decoupled it is that of the noise.
    turnover = theory.pattern_turnover(rho)
    flips = np.mean((first[:, 0] > 0) != (last[:, 0] > 0))
    assert abs(flips - turnover) <= limit * support.binomial_error(turnover, width) < turnover
    assert_allclose(theory.mixing_time(lr, decay, rho), steps, rtol=1e-12)


@pytest.mark.claim("LWM19.decomposition")
@pytest.mark.parametrize("block", [True, False])
def test_signal_and_noise_sum_to_the_run_of_sgd(rng, block):
    """The foundation's SGD with the same noise, to 1e-12; (3.4) as simplified in print, +Σ η(1−ηλ)^{t−s}∇L, and a
    loss of r that is not on M₁ alone are caught."""
    model, data, start = tiny(rng, block)
    noise = rng.standard_normal((30, *model.parameter_shape)) * model.mask
    other = sgd.run(model, start, data.x, data.y, lr=0.2, steps=30, noise=noise, weight_decay=0.05)
    run = simulated.train_small(model, data, lr=0.2, stop_loss=1e-9, weight_decay=0.05, noise_std=0, noise=noise,
                                start=start, engine="plain")
    assert run.nit == 30
    assert_allclose(run.signal + run.noise, other.w, rtol=0, atol=1e-12)
    powers = 0.99 ** np.arange(29, -1, -1)
    assert_allclose(run.noise, 0.99**30 * start - 0.2 * np.tensordot(powers, noise, 1), rtol=0, atol=1e-12)
    assert np.abs(run.noise - run.signal - other.w).max() > 1e-3
    of_m1 = np.concatenate([data.x1, np.zeros_like(data.x2)], axis=1)[data.in_m1], data.y[data.in_m1]
    assert_allclose(run.observed["loss_r"][-1], model.loss(other.w, *of_m1), rtol=1e-11)
    assert abs(run.observed["loss_r"][-1] - model.loss(other.w, data.x, data.y)) > 1e-3


# --- the model and the engines ----------------------------------------------------------------

@pytest.mark.claim("LWM19.network")
@pytest.mark.parametrize("block", [True, False])
@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_gradient_and_curvature_are_those_of_the_loss(rng, block, lead):
    """Central differences on any stack; a sum instead of the mean and a lost label are caught."""
    model, data, _ = tiny(rng, block)
    u, v = rng.standard_normal((2, *lead, *model.parameter_shape))
    # The loss is smooth only off the kinks of ReLU: take steps short enough that no pattern changes.
    h, change = model.preactivations(u, data.x), model.preactivations(v, data.x)
    moving = np.abs(change) > 0
    step = min(1e-5, 0.5 * np.abs(h[moving] / change[moving]).min())
    slope = (model.loss(u + step * v, data.x, data.y) - model.loss(u - step * v, data.x, data.y)) / (2 * step)
    found = (model.gradient(u, data.x, data.y) * v).sum(axis=(-2, -1))
    tolerance = 1e-4 * step / 1e-5 + 1e-13 / step
    assert_allclose(found, slope, rtol=0, atol=tolerance)
    ahead, behind = (model.gradient(u + sign * step * v, data.x, data.y) for sign in (1, -1))
    assert_allclose(model.hvp(u, data.x, data.y, v), (ahead - behind) / (2 * step), rtol=0, atol=tolerance)
    assert np.abs(model.gradient(u, data.x, -data.y) - model.gradient(u, data.x, data.y)).max() > 1e-3
    assert_allclose(model.predict(u, data.x, u), model.predict(u, data.x), rtol=1e-12, atol=1e-12)
    assert_array_equal(model.gradient(u, data.x, data.y) * (1 - model.mask), np.zeros_like(u))


@pytest.mark.claim("LWM19.network")
def test_logistic_loss_is_exact_for_large_margins():
    assert_allclose(simulated.logistic_loss([-800.0, 0.0, 40.0]), [800.0, np.log(2), np.exp(-40.0)], rtol=1e-14)


@pytest.mark.claim("LWM19.network", "LWM19.decomposition")
@pytest.mark.parametrize("decoupled", [True, False])
def test_reduced_engine_is_the_plain_one(rng, decoupled):
    """Same noise, both phases, every record to 1e-12; the other kind of pattern is caught."""
    model, data, start = tiny(rng, n=40)
    test = simulated.full_sample(data.distribution, 30, rng)
    noise = 0.3 * rng.standard_normal((60, *model.parameter_shape))
    kw = dict(large_lr=0.3, small_lr=0.1, anneal_loss=1e-9, stop_loss=1e-9, weight_decay=0.05, noise_std=0, noise=noise,
              large_steps=30, start=start, test=test, record_every=7)
    plain, reduced, other = (
        simulated.train_large_then_small(model, data, engine=engine, decoupled=kind, **kw)
        for engine, kind in (("plain", decoupled), ("reduced", decoupled), ("reduced", not decoupled)))
    assert plain.anneal_step == reduced.anneal_step == 30 and plain.nit == reduced.nit == 60
    for name, values in plain.observed.items():
        assert np.isfinite(values).all(), name
        assert_allclose(reduced.observed[name], values, rtol=1e-12, atol=1e-12, err_msg=name)
    assert_allclose(reduced.signal, plain.signal, rtol=0, atol=1e-12)
    assert np.abs(other.signal - plain.signal).max() > 1e-3


@pytest.mark.claim("LWM19.mitigation")
@pytest.mark.parametrize("decoupled", [True, False])
def test_noise_before_activations_is_lowered_in_both_engines(rng, decoupled):
    """The same draws, to 1e-12; noise taken away at once, never lowered, or lowered to 0 is caught."""
    model, data, start = tiny(rng, n=40)
    noise, seed = 0.3 * rng.standard_normal((40, *model.parameter_shape)), int(rng.integers(2**32))
    kw = dict(lr=0.3, stop_loss=1e-9, weight_decay=0.05, noise_std=0, noise=noise, start=start, decoupled=decoupled)

    def run(engine="reduced", jitter_steps=15, jitter_final=0.2):
        return simulated.train_small(model, data, jitter_std=0.5, jitter_steps=jitter_steps, jitter_final=jitter_final,
                                     engine=engine, rng=seed, **kw)

    plain, reduced = run("plain"), run()
    assert plain.anneal_step == reduced.anneal_step == 15
    assert_allclose(reduced.signal, plain.signal, rtol=0, atol=1e-12)
    others = run(jitter_final=0.0), run(jitter_steps=40), run(jitter_steps=1)
    assert min(np.abs(other.signal - plain.signal).max() for other in others) > 1e-3
    kw["noise"] = noise[:16]  # the update at which it is lowered is the last one and has the lower noise already
    assert np.abs(run().signal - run(jitter_final=0.0).signal).max() > 1e-6
    with pytest.raises(ValueError, match="jitter_final needs"):
        simulated.train_small(model, data, jitter_final=0.2, **kw)


@pytest.mark.claim("LWM19.decomposition")
def test_lumped_steps_are_exact_in_decay_and_noise_and_approximate_in_the_gradient(rng):
    """100 small steps in lumps of 10: to second order in their length; a lump that counts once is caught."""
    model, data, start = tiny(rng)
    kw = dict(lr=1e-4, stop_loss=1e-9, weight_decay=0.5, start=start)
    single = simulated.train_small(model, data, noise_std=0.0, max_steps=100, **kw)
    lumped = simulated.train_small(model, data, noise_std=0.0, max_steps=10, lump=10, **kw)
    assert_allclose(lumped.noise, single.noise, rtol=1e-12, atol=1e-14)
    moved = np.abs(single.signal).max()
    assert np.abs(lumped.signal - single.signal).max() < 0.02 * moved
    assert_allclose(lumped.time[-1], single.time[-1], rtol=1e-12)


# --- the distribution and section 2 -----------------------------------------------------------

@pytest.mark.claim("LWM19.fractions", "LWM19.bayes")
def test_samples_follow_the_mixture(rng):
    """20 000 examples: fractions, labels, α, margin; |M₁|/N and |M₂|/N as printed for q and p are caught."""
    n, dist = 20_000, simulated.Distribution(6, 0.2, 0.3, 0.4)
    data = simulated.sample(dist, n, rng)
    limit = support.z_limit(6)
    for found, wanted, printed in ((data.p, 0.2, data.in_m2.mean()), (data.q, 0.3, data.in_m1.mean())):
        assert abs(found - wanted) <= limit * support.binomial_error(wanted, n) < abs(printed - wanted)
    large, small = theory.effective_samples(n, data.p, data.q)
    assert_allclose([large, small], [data.in_m1.sum(), (~data.in_m2).sum()], rtol=1e-12)
    assert abs(data.y.mean()) <= limit / np.sqrt(n)
    assert (data.y * data.x1[:, 0])[data.in_m1].min() >= 1 / np.sqrt(6)
    assert not data.x1[~data.in_m1].any() and not data.x2[~data.in_m2].any()
    alpha = data.x2[data.in_m2, 0]
    assert abs(alpha.mean() - 0.5) <= limit * np.sqrt(1 / 12 / len(alpha))
    assert_allclose(np.abs(data.x2[data.in_m2, 1]), 0.4 * alpha * (data.y[data.in_m2] < 0), rtol=1e-12)
    other = data.x1[data.in_m1, 1]
    assert abs((other**2).mean() * 6 - 1) <= limit * np.sqrt(2 / len(other))


@pytest.mark.claim("LWM19.4.2-law")
def test_population_of_q_has_the_means_of_its_law():
    """By direction: shares ¼, ½, ¼, E[α] exact and E[α²] to 1/(12 levels²) of (2.3)–(2.5); ends of the levels instead
    of their middles are caught."""
    data = simulated.q_population(simulated.Distribution(3, r=0.4, alpha=(0.5, 1.0)), 8)
    assert data.q == 1 and data.p == 0
    for direction, share, y in ((0, 0.25, -1), (1, 0.5, 1), (2, 0.25, -1)):
        rows = data.direction == direction
        assert rows.mean() == share and np.all(data.y[rows] == y)
        assert_allclose(data.alpha[rows].mean(), 0.75, rtol=1e-14)
        assert_allclose((data.alpha[rows]**2).mean(), 7 / 12 - 0.25 / (12 * 64), rtol=1e-14)
        assert_allclose(data.x2[rows, 1], 0.4 * (direction - 1) * data.alpha[rows], rtol=1e-14, atol=1e-15)
    assert not data.x1.any() and abs(0.75 - 0.5 - np.arange(1, 9).mean() * 0.5 / 8) > 0.01


@pytest.mark.claim("LWM19.bayes")
def test_linear_error_on_p(rng):
    """100 000 draws at three angles; the error without the margin, φ/π, is caught. Along w* nothing is wrong."""
    n, dim = 100_000, 10
    data = simulated.full_sample(simulated.Distribution(dim), n, rng)
    for cosine in (0.9, 0.6, 0.2):
        u = np.zeros(dim)
        u[:2] = cosine, np.sqrt(1 - cosine**2)
        predicted = theory.linear_error(cosine, dim**-0.5, dim)
        wrong = np.mean(data.y * (data.x1 @ u) <= 0)
        assert abs(wrong - predicted) <= support.z_limit(3) * support.binomial_error(predicted, n) < \
            np.arccos(cosine) / np.pi - predicted
        assert_allclose(theory.linear_error(cosine, 0.0, dim), np.arccos(cosine) / np.pi, rtol=1e-9)
    assert (data.y * data.x1[:, 0] > 0).all() and theory.linear_error(1.0, 0.1, dim) == 0


@pytest.mark.claim("LWM19.memorise")
def test_memorising_network(rng):
    """A fixed offset errs on half of P(α ≤ ρ), not nowhere; with ρ⟨z, x⟩ nothing is wrong and margins are as given."""
    n, r, offset = 50_000, 0.05, 0.2
    data = simulated.full_sample(simulated.Distribution(3, r=r), n, rng)
    net = theory.memorising_network(r, offset)
    margin = data.y * net.predict(data.x2[:, :2])
    assert_allclose(margin, np.where(data.y > 0, offset, data.alpha - offset), atol=1e-12)
    wrong = theory.memorising_error(offset)
    assert abs(np.mean(margin < 0) - wrong) <= support.z_limit(1) * support.binomial_error(wrong, n) < wrong
    fine = theory.memorising_network(r, offset, homogeneous=True)
    assert_allclose(data.y * fine.predict(data.x2[:, :2]), data.alpha * np.where(data.y > 0, offset, 1 - offset),
                    atol=1e-12)


# --- kernels and D ----------------------------------------------------------------------------

@pytest.mark.claim("LWM19.4.2")
def test_kernels_against_quadrature():
    """Two-dimensional Gaussian quadrature in polar form; a kernel without its ½ is caught."""
    angle = (np.arange(200_000) + 0.5) * np.pi / 100_000
    for theta in (0.3, 1.2, 2.5):
        one, two = np.cos(angle), np.cos(angle - theta)
        both = (one > 0) & (two > 0)
        assert_allclose(theory.arc_cosine_kernel(0, np.cos(theta)), both.mean(), atol=2e-5)
        assert_allclose(theory.arc_cosine_kernel(1, np.cos(theta)), 2 * (one * two * both).mean(), atol=1e-8)
        assert abs(2 * theory.arc_cosine_kernel(0, np.cos(theta)) - both.mean()) > 0.01


@pytest.mark.claim("LWM19.4.2")
def test_lag_kernel_against_monte_carlo(rng):
    """400 000 pairs of weights at correlation ρ, bounded terms, error from the sample; the kernel at lag 0 is
    caught."""
    n, r = 400_000, 0.5
    x = np.array([[1, -r], [1, 0], [1, r]])
    weights = np.array([1, -2, 1])
    for rho in (0.95, 0.5):
        first = rng.standard_normal((n, 2))
        second = rho * first + np.sqrt(1 - rho**2) * rng.standard_normal((n, 2))
        terms = (((first @ x.T > 0) * weights @ x) * ((second @ x.T > 0) * weights @ x)).sum(axis=1)
        error = terms.std() / np.sqrt(n)
        assert abs(terms.mean() - theory.lag_kernel(rho, r)) <= support.z_limit(2) * error
        assert abs(terms.mean() - theory.lag_kernel(1.0, r)) > support.z_limit(2) * error


@pytest.mark.claim("LWM19.4.2", "LWM19.4.2-law")
def test_curvature_scales_as_the_cube():
    """The sum tends to (4/3π)r³/λ: exponents 3 and −1; the bound's r² is caught, and the bound lies above."""
    decay, r = 1e-4, 0.02

    def total(r, decay):
        return theory.curvature_prediction(5.0, r, decay, lr=0.1)
    power_r = np.log(total(2 * r, decay) / total(r, decay)) / np.log(2)
    power_decay = np.log(total(r, 2 * decay) / total(r, decay)) / np.log(2)
    assert abs(power_r - 3) < 0.05 and abs(power_decay + 1) < 0.05
    assert abs(power_r - 2) > 0.5
    limit = theory.curvature_prediction(5.0, r, decay)
    assert 0.95 < total(r, decay) / limit < 1
    assert -limit < theory.curvature_bound(5.0, r, decay)


@pytest.mark.claim("LWM19.4.2-law")
def test_curvature_of_frozen_slopes(rng):
    """D of signal steps at slope ½ on true noise, by the engine's own model: the law, its sign, and not half of it."""
    r, decay, lr, scale, width, steps = 0.3, 0.05, 0.5, 1.0, 20_000, 60
    x = np.array([[1, -r], [1, 0], [1, r]])
    share = np.array([0.25, 0.5, 0.25]) * 0.5   # fraction × E[α]
    label = np.array([-1, 1, -1])
    found = []
    for _ in range(12):
        noise, signal = rng.standard_normal((width, 2)), np.zeros((width, 2))
        out = scale / np.sqrt(width) * (-1.0) ** np.arange(width)
        for _ in range(steps):
            gradient = -out[:, None] * ((noise @ x.T > 0) * (label * share / 2) @ x)
            signal = (1 - lr * decay) * signal - lr * gradient
            rho = 1 - lr * decay
            noise = rho * noise + np.sqrt(1 - rho**2) * rng.standard_normal(noise.shape)
        g = ((noise @ x.T > 0) * (signal @ x.T)).T @ out
        found.append(g[0] + g[2] - 2 * g[1])
    predicted = theory.curvature_prediction(scale, r, decay, lr=lr, steps=steps)
    error = np.std(found, ddof=1) / np.sqrt(12)
    assert abs(np.mean(found) - predicted) <= t_limit(11) * error < abs(predicted) / 2


@pytest.mark.claim("LWM19.4.2", "LWM19.4.2-law")
def test_simulated_curvature_has_the_powers_of_the_law(rng):
    """Powers of r and λ between two points each, five runs a point: those of the law there, next to 3 and −1; the
    bound's r², no dependence on λ and 1/λ² are caught. Each mean is that of the law, neither half nor twice of it."""
    points = np.array([(0.1, 8e-3), (0.2, 8e-3), (0.15, 4e-3), (0.15, 16e-3)])
    found = np.log([[averaged_curvature(r, decay, rng, 2000, 0.5, settled=2, whole=8) for _ in range(5)]
                    for r, decay in points])
    law = np.log([-theory.curvature_prediction(5.0, r, decay, lr=0.5, mean_square_alpha=1 / 3) for r, decay in points])
    # Scatter of log D, alike at the four points and pooled: 16 degrees of freedom, 10 comparisons.
    error = np.sqrt(found.var(axis=1, ddof=1).mean() / 5)
    limit, found = t_limit(16, 1e-7) * error, found.mean(axis=1)
    assert np.all(np.abs(found - law) <= limit) and limit < np.log(2) / 2
    for first, second, change, wrong in ((0, 1, 2, (2,)), (2, 3, 4, (0, -2))):
        power, expected = ((values[second] - values[first]) / np.log(change) for values in (found, law))
        reach = limit * np.sqrt(2) / np.log(change)
        assert abs(power - expected) <= reach
        assert all(abs(power - other) > reach for other in wrong), (power, reach)
    assert np.all(found < [np.log(theory.curvature_bound(5.0, *point)) for point in points])


@pytest.mark.claim("LWM19.4.2-law")
def test_slopes_that_answer_reduce_the_curvature(rng):
    """Against the fixed point of the mean recursion in explicit sums over lags; a faint net gives the sum at slope
    ½, and a C twice as large is caught."""
    scale, r, decay, lr, alpha, square, share = 4.0, 0.2, 0.02, 0.1, 0.6, 0.4, 0.8
    x = np.array([[1, -r], [1, 0], [1, r]])
    label, weight = np.array([-1, 1, -1]), np.array([0.25, 0.5, 0.25]) * share
    angles = np.arccos(np.clip([[a @ b / np.sqrt(a @ a * (b @ b)) for a in x] for b in x], -1, 1))
    lags = np.arange(1, 6001)
    kept = (1 - lr * decay) ** lags
    kernel = np.array([scale**2 * lr * (1 - lr * decay) ** (k - 1) * (x @ x.T)
                       * (0.5 - np.arccos(np.clip(rho * np.cos(angles), -1, 1)) / (2 * np.pi))
                       for k, rho in zip(lags, kept)])
    g = np.zeros(3)
    for _ in range(400):  # slopes held at g until it has settled, then taken anew, with damping
        slope = -weight * (label * alpha / 2 - square * g / 4)
        g = g + 0.02 * (-np.tensordot(kernel, slope, ([2], [0])).sum(axis=0) - g)
    found = g[0] + g[2] - 2 * g[1]
    kw = dict(lr=lr, mean_alpha=alpha, fraction=share)
    assert_allclose(theory.curvature_prediction(scale, r, decay, mean_square_alpha=square, **kw), found, rtol=1e-3)
    plain = theory.curvature_prediction(scale, r, decay, **kw)
    faint, same = (theory.curvature_prediction(1e-4, r, decay, mean_square_alpha=c, **kw) for c in (square, None))
    assert_allclose(faint, same, rtol=1e-6)
    assert abs(plain / found - 1) > 0.01
    assert abs(theory.curvature_prediction(scale, r, decay, mean_square_alpha=2 * square, **kw) / found - 1) > 0.01
    for changed, message in ((dict(lr=None), "needs lr"), (dict(mean_square_alpha=0.3), "at least mean_alpha²"),
                             (dict(fraction=40.0), "at most 0.5"), (dict(steps=5), "no steps")):
        with pytest.raises(ValueError, match=message):
            theory.curvature_prediction(scale, r, decay, **{**kw, "mean_square_alpha": square, **changed})


# --- theorems ---------------------------------------------------------------------------------

@pytest.mark.claim("LWM19.conditions", "LWM19.4.1", "LWM19.4.2", "LWM19.4.3", "LWM19.5.1", "LWM19.5.2", "LWM19.3.4",
                   "LWM19.3.5")
def test_exponents_follow_from_the_assumptions():
    """Recomputed from two sizes of d and of κ; the condition λ ≤ r²/(…) in print fails as d grows."""
    def sizes(d, kappa):
        r, decay, n, p = d**-0.75, d**-1.25, d / kappa**2, kappa**2 / 2
        return {"curvature bound (4.2)": r**2 / decay, "curvature law": r**3 / decay, "memorising time (4.3)": 1 / r,
                "signal change squared (4.3)": 1 / r, "fitting time of P-only examples (5.1)": n * p,
                "norm of alpha (5.3)": np.sqrt(n * p), "error of L-S (3.4)": p * kappa, "error of S (3.5)": p,
                "stated condition, lambda / r^2": decay / r**2, "annealing time (4.1)": d,
                "signal norm squared (4.1)": d, "signal of M2 (5.2)": d**(15 / 32), "ratio of errors": kappa}
    powers = theory.asymptotic_exponents()
    base, in_d, in_kappa = sizes(100, 0.1), sizes(1e6, 0.1), sizes(100, 0.2)
    assert set(base) == set(powers)
    for name, value in base.items():
        assert_allclose([np.log(in_d[name] / value) / np.log(1e4), np.log(in_kappa[name] / value) / np.log(2)],
                        powers[name], atol=1e-12, err_msg=name)
    assert powers["stated condition, lambda / r^2"][0] > 0 > powers["curvature bound (4.2)"][0]


@pytest.mark.claim("LWM19.5.3")
def test_odd_part_of_a_relu_network_is_linear(rng):
    """r(x) − r(−x) = 2⟨α, x⟩ to rounding for any W; without the ½ it is not."""
    model, data, u = tiny(rng, n=30)
    x1 = data.x.copy()
    x1[:, model.dim:] = 0
    alpha = theory.odd_part(u[:model.w_width, :model.dim], model.output_weights[:model.w_width])
    odd = model.predict(u, x1) - model.predict(u, -x1)
    assert_allclose(odd, 2 * x1[:, :model.dim] @ alpha, rtol=0, atol=1e-13)
    assert np.abs(odd - 4 * x1[:, :model.dim] @ alpha).max() > 1e-3


@pytest.mark.claim("LWM19.3.4-range")
def test_range_of_the_annealing_loss_is_empty_below_a_dimension(rng):
    """The two ends meet at d with c = 1/16; a single power of d less in the exponent is caught."""
    for kappa, q in rng.uniform(0.3, 0.9, (5, 2)):
        d = theory.least_dimension(kappa, q)
        upper = kappa**2 * (kappa**2 / 2)**2 * q**3
        assert_allclose(d**(-1 / 16), upper, rtol=1e-10)
        assert (0.5 * d)**(-1 / 16) > upper > (2 * d)**(-1 / 16)
        assert not np.isclose(d**(-1 / 15), upper, rtol=1e-3)
    with pytest.raises(ValueError, match="q must lie"):
        theory.least_dimension(0.5, 1.0)


@pytest.mark.claim("LWM19.5.2", "LWM19.5.3", "LWM19.decomposition")
@pytest.mark.parametrize("engine", ["plain", "reduced"])
def test_signal_by_subset_is_the_sum_of_its_gradients(rng, engine):
    """W̄⁽²⁾ step by step from gradients of M₂ alone, with the minus sign that (5.1) loses; P-only instead is caught."""
    model, data, start = tiny(rng, n=40)
    m, d, lr, decay, steps = model.w_width, model.dim, 0.3, 0.05, 20
    noise = 0.1 * rng.standard_normal((steps, *model.parameter_shape)) * model.mask
    run = simulated.train_small(model, data, lr=lr, stop_loss=1e-9, weight_decay=decay, noise_std=0, noise=noise,
                                start=start, engine=engine)
    u, parts = start.copy(), np.zeros((2, *start.shape))
    for xi in noise:
        gradients = [model.gradient(u, data.x[rows], data.y[rows]) * rows.mean() for rows in (data.in_m2, ~data.in_m2)]
        for part, gradient in zip(parts, gradients):
            part *= 1 - lr * decay
            part -= lr * gradient
        u = (1 - lr * decay) * u - lr * (sum(gradients) + xi)
    of_m2, of_p = parts[:, :m, :d]
    assert_allclose(of_m2 + of_p, run.signal[:m, :d], rtol=0, atol=1e-12)
    assert_allclose(run.observed["signal_m2"][-1], np.linalg.norm(of_m2), rtol=1e-10)
    wanted = [np.linalg.norm(theory.odd_part(part, model.output_weights[:m]))
              for part in (of_p, of_m2, run.noise[:m, :d])]
    assert_allclose(run.observed["odd"][-1], wanted, rtol=1e-10)
    assert abs(np.linalg.norm(of_p) - np.linalg.norm(of_m2)) > 1e-3


@pytest.mark.claim("LWM19.4.3")
def test_time_to_learn_q_with_kinks_at_rest_is_of_order_one_over_r(rng):
    """Frozen patterns of 20 000 neurons at r = .05 and .2: about 320 and 1300 kinks between z and z ± ζ, so the power
    has a standard error of 0.045; a time free of r, or 1/r², is caught."""
    times = []
    for r in (0.05, 0.2):
        data = simulated.sample(simulated.Distribution(4, 0.0, 1.0, r, (0.5, 1.0)), 400, rng)
        model = simulated.TwoLayerReLU(4, 1, 20_000, 1.0, 5.0, 1e-3)
        run = simulated.train_small(model, data, lr=0.04 / r, stop_loss=0.3, weight_decay=1e-9, noise_std=0.0,
                                    decoupled=True, start=model.init(rng), rng=rng)
        assert run.success
        times.append(run.time[-1])
    power = np.log(times[1] / times[0]) / np.log(4)
    assert abs(power - theory.asymptotic_exponents()["memorising time (4.3)"][0] / -0.75) < 0.3  # r = d^{−3/4}


@pytest.mark.claim("LWM19.visible")
def test_kinks_stay_for_the_residence_time(rng):
    """Weights after that time at the small rate are turned by r, 40 000 numbers; the time without the logarithm, in
    which decay is forgotten, is caught. One step about kinks at rest gives the growth of D that it is set against."""
    r, decay, large, small, scale, width = 0.2, 0.05, 0.1, 1e-3, 3.0, 20_000
    seen = theory.visibility(4, r, scale, decay, large, small)
    time = seen.residence * 32 * np.pi / (scale**2 * 0.5 * r)
    model = simulated.TwoLayerReLU(2, 1, width, 1.0, scale, 1.0)
    data = simulated.q_population(simulated.Distribution(2, r=r))
    kw = dict(stop_loss=1e-9, weight_decay=decay, decoupled=True)

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


# --- learning order ---------------------------------------------------------------------------

@lru_cache(maxsize=None)
def runs(seed):
    """Three of what `train` returns, at d = 50: L-S and S from the same data and start."""
    return [train(SMALL, child, ("large", "small")) for child in np.random.default_rng(seed).spawn(3)]


def pairs(found):
    return [(both["large"], both["small"]) for both, _ in found]


@pytest.fixture
def seed(request):
    return request.config.getoption("--rng-seed")


@pytest.mark.claim("LWM19.3.4", "LWM19.3.5", "LWM19.kappa", "LWM19.visible")
def test_large_rate_first_errs_less_on_p(seed):
    """At equal training loss, three seeds: a third of the error at most; no effect, a ratio of 1, is caught by that."""
    found = runs(seed)
    for large, small in pairs(found):
        assert large.success and small.success and large.anneal_step > 0
        assert 0.08 < large.observed["loss"][-1] <= SMALL.stop and 0.08 < small.observed["loss"][-1] <= SMALL.stop
    ratio = last(found, "large", "test_error_p") / last(found, "small", "test_error_p")
    assert ratio < 1 / 3 < 0.5  # κ = ½
    assert last(found, "large", "test_error") < last(found, "small", "test_error") / 3
    assert last(found, "small", "test_error_p") > 0.01  # three seeds of a law from .002 to .3, mean .14
    seen = theory.visibility(SMALL.dim, 0.05, 20.0, 4e-3, 0.05, 0.05 / 3e4, mean_alpha=0.75, mean_square_alpha=7 / 12)
    assert seen.speed == pytest.approx(1000) and seen.decay == pytest.approx(0.45) and seen.stability < 1
    assert not theory.visibility(SMALL.dim, 0.05, 5.0, 4e-3, 0.05, 0.05 / 3e4).visible
    asymptotic = theory.asymptotic_exponents()
    difference = asymptotic["error of L-S (3.4)"][1] - asymptotic["error of S (3.5)"][1]
    assert difference == asymptotic["ratio of errors"][1] == 1


@pytest.mark.claim("LWM19.5.2", "LWM19.5.3-span")
def test_small_rate_learns_little_of_p_from_m2(seed):
    """‖W̄⁽²⁾‖ of S is below half of that of L-S, where no effect is 1; of S's α the part in the lemma's span is the
    least and far below √(Np)."""
    found = runs(seed)
    assert last(found, "small", "signal_m2") < last(found, "large", "signal_m2") / 2
    of_p, of_m2, noise = np.mean([small.observed["odd"][-1] for _, small in pairs(found)], axis=0)
    assert of_p < min(of_m2, noise) and of_p < np.sqrt(SMALL.dim / 5) / 5


@pytest.mark.claim("LWM19.4.2-law")
def test_prediction_of_curvature_at_one_lag(rng):
    """One step: D = −c_v² η C(ρ) E[α] σ/4 with σ = ½, from the kernel itself; a quarter for the eighth is caught."""
    scale, r, decay, lr, alpha = 3.0, 0.2, 0.1, 0.5, 0.75
    wanted = -scale**2 * lr * theory.lag_kernel(1 - lr * decay, r) * alpha * 0.5 / 4
    assert_allclose(theory.curvature_prediction(scale, r, decay, lr=lr, steps=1, mean_alpha=alpha), wanted, rtol=1e-12)
    limit = -0.25 * alpha * 0.5 * 4 / (3 * np.pi) * scale**2 * r**3 / decay
    assert_allclose(theory.curvature_prediction(scale, r, decay, mean_alpha=alpha), limit, rtol=1e-12)
    assert_allclose(theory.lag_kernel(1.0, 1e-3), 2e-3 / np.pi, rtol=3e-3)


@pytest.mark.claim("LWM19.test-loss")
def test_total_test_loss_does_not_separate_and_q_reverses_the_order(seed):
    """The total test loss of L-S is not a third, nor below nine tenths, of that of S; exchanging P and Q reverses
    the ratio."""
    found = runs(seed)
    ratio = {name: last(found, "large", name) / last(found, "small", name)
             for name in ("test_loss", "test_loss_p", "test_loss_q")}
    assert 0.9 < ratio["test_loss"] < 1.4
    assert ratio["test_loss_p"] < 1 < ratio["test_loss_q"]


@pytest.mark.claim("LWM19.1.1", "LWM19.1.2", "LWM19.4.1", "LWM19.4.2", "LWM19.4.3", "LWM19.4.4", "LWM19.5.1",
                   "LWM19.5.2")
def test_order_of_learning(seed):
    """Large rate: P first, D small before annealing. Small rate: Q first. Each would fail with the two runs
    exchanged."""
    found = runs(seed)
    assert at(found, "large", "test_error_p") < 0.1
    before = []
    for large, _ in pairs(found):
        window = (large.time > 0.2 * large.anneal_time) & (large.time < large.anneal_time)
        before.append(np.abs(large.observed["curvature"][window].mean()))
    assert np.mean(before) < min(3.0, theory.curvature_bound(20.0, 0.05, 4e-3))
    early = [np.searchsorted(small.time, 0.25 * small.time[-1]) for _, small in pairs(found)]
    small_d = np.mean([-small.observed["curvature"][i] for (_, small), i in zip(pairs(found), early)])
    assert small_d > 3.0
    assert np.mean([small.observed["loss_q"][i] - small.observed["loss_p"][i]
                    for (_, small), i in zip(pairs(found), early)]) < 0
    large_q, large_p = (np.mean([large.observed[name][np.searchsorted(large.time, large.anneal_time) - 1]
                                 for large, _ in pairs(found)]) for name in ("loss_q", "loss_p"))
    assert large_p < large_q
    time = np.mean([large.anneal_time for large, _ in pairs(found)]) / SMALL.dim
    assert 0.5 < time < 5 and at(found, "large", "signal_norm") < 10 * SMALL.dim
    assert np.mean([large.time[-1] - large.anneal_time for large, _ in pairs(found)]) < 1.5 * time * SMALL.dim
    assert last(found, "large", "loss_q") < np.log(2) and last(found, "large", "loss_p") < np.log(2)
    assert last(found, "large", "loss_r") < last(found, "small", "loss_r")
    assert last(found, "small", "test_loss_p") > at(found, "large", "test_loss_p")


@pytest.mark.claim("LWM19.3.4")
def test_equal_rates_give_no_difference(rng):
    """The null: with η₁ = η₂ Algorithm 1 is Algorithm 2, to the last bit."""
    model, data, options = problem(SMALL, rng)
    kw = {**options, "max_steps": 600, "lump": 1, "rng": int(rng.integers(2**32))}
    one = simulated.train_large_then_small(model, data, large_lr=0.01, small_lr=0.01, anneal_loss=0.4, **kw)
    two = simulated.train_small(model, data, lr=0.01, **kw)
    assert one.nit == two.nit
    assert_array_equal(one.signal, two.signal)
    assert one.observed["test_error_p"][-1] == two.observed["test_error_p"][-1]


@pytest.mark.claim("LWM19.1.2", "LWM19.5.1", "LWM19.3.5")
def test_exchanging_the_roles_of_p_and_q_reverses_the_order(rng):
    """c_w with c_v, p₀ with q₀: the small rate then learns P first and never Q, and the large rate no longer helps P.
    Unexchanged, from the same numbers, Q comes first; time is that until the test loss on a part is halved."""
    for regime, first, other in ((SMALL, "test_loss_q", "test_loss_p"), (EXCHANGED, "test_loss_p", "test_loss_q")):
        found = [train(regime, child, ("large", "small"), record_every=20) for child in rng.spawn(3)]
        for one in found:
            assert all(run.success for run in one[0].values())
            assert half_time([one], "small", first) < half_time([one], "small", other) == np.inf
    assert 1 / 2 < last(found, "large", "test_error_p") / last(found, "small", "test_error_p") < 2


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


@pytest.mark.claim("LWM19.mitigation")
def test_noise_before_activations_holds_back_q(rng):
    """Same data, start and time: |D| is a fifth of that without noise; noise that is not there, 1, is caught."""
    model, data, options = problem(SMALL, rng)
    kw = {**options, "lr": SMALL.small_lr, "lump": round(0.02 / SMALL.small_lr), "max_steps": 500, "stop_loss": 1e-9}
    plain = simulated.train_small(model, data, **kw)
    noisy = simulated.train_small(model, data, jitter_std=0.06, jitter_steps=1000, **kw)
    assert abs(noisy.observed["curvature"][-1]) < 0.2 * abs(plain.observed["curvature"][-1])
    with pytest.raises(ValueError, match="jitter_steps"):
        simulated.train_small(model, data, jitter_std=0.06, **kw)
