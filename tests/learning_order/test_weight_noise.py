"""The noise part of the weights: its balance, its law in a run, its correlation.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import learning_order as simulated
from tests import support
from theory import learning_order as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("LWM19.stationary")
def test_stationary_noise_solves_the_balance(rng):
    """(3.3) both ways to rounding; the small-ηλ formula without its second order is caught."""
    for lr, decay, noise in 10 ** rng.uniform(-2, 0, (50, 3)):
        std = theory.stationary_std(lr, decay, noise)
        assert_allclose((1 - lr * decay)**2 * std**2 + lr**2 * noise**2, std**2, rtol=1e-12)
        assert_allclose(theory.noise_std(lr, decay, std), noise, rtol=1e-12)
        assert not np.isclose(np.sqrt(lr / (2 * decay)) * noise, std, rtol=1e-6, atol=0)


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.stationary", "LWM19.decomposition", "LWM19.turnover")
def test_noise_part_of_a_run_has_the_stationary_law(rng):
    """Variance and lag correlation after 40 steps, 30 000 weights; noise without γ, or no decay, is caught."""
    lr, decay, tau, steps, width = 0.1, 0.2, 0.5, 40, 15_000
    noise = float(theory.noise_std(lr, decay, tau))
    data = simulated.sample(simulated.Distribution(2, 0, 1), 20, rng)
    model = simulated.TwoLayerReLU(2, 1, width, 1, 1, tau)
    start = model.init(rng)
    run = simulated.train_small(model, data, lr=lr, target=1e-6, weight_decay=decay, noise_std=noise,
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


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.footnote2")
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_noise_part_goes_to_its_stationary_size(factor, rng):
    """Variance from half and twice τ₀′ after 10 and 60 steps, 20 000 weights; a start that is kept, and one that is
    forgotten at once, are caught."""
    lr, decay, tau, width = 0.1, 0.2, 0.5, 10_000
    noise, data = float(theory.noise_std(lr, decay, tau)), simulated.sample(simulated.Distribution(2, 0, 1), 20, rng)
    for steps in (10, 60):
        run = simulated.train_small(simulated.TwoLayerReLU(2, 1, width, 1, 1, factor * tau), data, lr=lr, target=1e-6,
                                    weight_decay=decay, noise_std=noise, max_steps=steps, record_every=steps, rng=rng)
        ratio, kept = (run.noise[1:, 2:]**2).mean() / tau**2, float(theory.noise_autocorrelation(lr, decay, steps))**2
        wanted, limit = 1 + (factor**2 - 1) * kept, support.z_limit(2) * np.sqrt(1 / width)
        assert abs(ratio / wanted - 1) <= limit
        assert min(abs(factor**2 / wanted - 1), abs(1 / wanted - 1) if steps == 10 else 1) > 2 * limit


@pytest.mark.chance("law")
def test_change_by_patterns_of_independent_noise(rng):
    """20 000 draws of a neuron each: the second moment of the change, and not that of every sign, b² P(sign
    differs)."""
    n = 20_000
    for signal, std in ((0.3, 1.0), (2.0, 0.5)):
        noise = std * rng.standard_normal(n)
        change = (np.maximum(signal + noise, 0) - (noise > 0) * (signal + noise))**2
        error, wanted = change.std() / np.sqrt(n), theory.decoupling_error([signal], [1.0], std)**2
        assert abs(change.mean() - wanted) <= support.z_limit(2) * error
        assert abs(signal**2 * np.mean((noise > 0) != (noise + signal > 0)) - wanted) > 10 * error
