"""Data sets: how they are drawn, time on them, accuracy, noise, full batches."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from figures.benign_oscillation._runs import KAPPA, balanced, outputs, sets, unseen
from refimpl import benign_oscillation as simulated
from tests import support
from theory import benign_oscillation as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.chance("law")
@pytest.mark.claim("LWYZ24.data-model")
def test_sample_draws_what_the_poster_describes(rng):
    """Patches, shares and the covariance of the noise: 20 000 examples; noise along u or v is excluded."""
    u, v = np.array([0.0, 2.0, 0.0, 0.0, 0.0]), np.array([0.1, 0.0, 0.0, 0.1, 0.0])
    n = 20_000
    data = simulated.sample(n, dim=5, strong=u, weak=v, noise_std=0.3, weak_share=0.3, labels="random", rng=rng)
    assert_array_equal(data.x[:, 1], data.y[:, None] * v)
    assert_array_equal(data.x[~data.weak, 0], data.y[~data.weak, None] * u)
    for share, expected, null in ((data.weak.mean(), 0.3, 0.35), ((data.y == 1).mean(), 0.5, 0.45)):
        assert abs(share - expected) <= support.z_limit(2) * support.binomial_error(expected, n) < abs(share - null)
    noise = np.concatenate([data.x[:, 2], data.x[data.weak, 0]])
    assert np.abs(noise @ u).max() < 1e-14 and np.abs(noise @ v).max() < 1e-14
    count = len(noise)
    expected = 0.09 * (np.eye(5) - np.outer(u, u) / (u @ u) - np.outer(v, v) / (v @ v))
    error = support.z_limit(25) * 0.09 * sqrt(2 / count)  # of an entry, at most
    assert np.abs(noise.T @ noise / count - expected).max() < error < np.abs(0.09 * np.eye(5) - expected).max()
    fixed = simulated.sample(6, dim=5, n_weak=2, labels=[1, 1, 1, -1, -1, 1], size=(2,), rng=rng)
    assert fixed.weak.tolist() == [[False] * 4 + [True] * 2] * 2 and fixed.y[1].tolist() == [1, 1, 1, -1, -1, 1]
    assert not fixed.x[:, :, 2].any()


@pytest.mark.chance("measured", "13 standard errors of 20 seeds")
@pytest.mark.claim("LWYZ24.division")
@pytest.mark.parametrize("c, ratio, tolerance", [(1.1, 0.5, 0.004), (1.2, 1.0, 0.004), (1.3, 1.0, 0.006)])
def test_half_time_on_data_counts_visits_of_strong_examples(rng, c, ratio, tolerance):
    """20 seeds, both classes: the mean ratio to the prediction; counting all visits (twice n_c) is caught."""
    model, data, w0 = sets(ratio, 0, 20, 16, rng, balanced)
    right = simulated.strengths(w0 @ data.strong_vector)[0], simulated.strengths(w0 @ data.weak_vector)[0]
    predicted = np.array([theory.data_half_time(c, KAPPA, *pair, 8) for pair in zip(*(part.ravel() for part in right))])
    run = simulated.train(model, data, w0, lr=4 * c, steps=16 * int(1.3 * predicted.max()), record_every=8, rng=rng)
    assert run.success.all()
    beta = simulated.strengths(run.weak)[0].reshape(len(run.recorded_steps), -1)
    hit = beta >= theory.stable_weak_strength(c, KAPPA) / 2
    assert hit[-1].all()
    measured = run.recorded_steps[np.argmax(hit, axis=0)] / 16
    assert abs((measured / predicted).mean() - 1) < tolerance
    assert abs((measured / (predicted / 2)).mean() - 1) > 0.5


@pytest.mark.chance("measured", "7 standard errors of 20 seeds")
@pytest.mark.claim("LWYZ24.division", "LWYZ24.large-lr", "LWYZ24.small-lr")
def test_large_rates_generalise_to_weak_data_and_small_ones_do_not(rng):
    """20 seeds, m = 16, two weak examples: above 0.99 at c = 1.3, below 0.60 at c = 0.5; both know strong data."""
    accuracies = {}
    for c in (0.5, 1.3):
        model, data, w0 = sets(2, 2, 20, 16, rng, balanced)
        run = simulated.train(model, data, w0, lr=4 * c, steps=9600, rng=rng)
        assert run.success.sum() >= 18, run.message
        w = run.w[run.success]
        assert simulated.accuracy(model, w, unseen(2, 1000, rng, 0.0)).min() > 0.999
        accuracies[c] = simulated.accuracy(model, w, unseen(2, 4000, rng))
    assert accuracies[1.3].mean() > 0.99 and np.median(accuracies[1.3]) > 0.999
    # About one start in a thousand learns the weak part at c = 0.5 too, four of twenty once in 2e8; in the window
    # nearly all do. The others lie at .546 ± .032 each, so that their mean is seven standard errors from .60.
    learned = accuracies[0.5] > 0.75
    assert accuracies[0.5][~learned].mean() < 0.60 and learned.mean() <= 0.15
    assert np.mean(accuracies[1.3] > 0.75) > 0.9


@pytest.mark.chance("law")
@pytest.mark.claim("LWYZ24.all-points")
@pytest.mark.parametrize("share", [0.125, 0.5])
def test_without_the_weak_feature_accuracy_is_that_of_a_coin_on_weak_data(rng, share):
    """A network with no filter along v, over 100 random networks: 1 − ρ/2; 1 − ρ (weak data all wrong) is caught."""
    model, count, seeds = simulated.TwoLayerCNN(64, 16), 1000, 100
    w = balanced(model, rng, (seeds,))
    w[..., 0] *= 40
    w[:, 0, 1::2, 0] = w[:, 1, ::2, 0] = 0  # what is left of the strong feature serves the right class
    w[..., 1] = 0
    test = unseen(4, count, rng, share)
    accuracy = simulated.accuracy(model, w, test)
    weak = test.weak.mean()
    predicted = theory.accuracy_without_weak(weak)
    # Given the network a weak example is right with some probability q; its label is a fair coin, independent of the
    # noise, so that given all outputs the number of right ones is a sum of fair coins, shared between the networks.
    error = 0.5 * sqrt(weak / count)
    assert abs(accuracy.mean() - predicted) < support.z_limit(1) * error < abs(accuracy.mean() - (1 - weak))


@pytest.mark.chance("measured", "9 standard errors of 40 seeds")
@pytest.mark.claim("LWYZ24.published")
def test_published_setting(rng):
    """m = 8, two weak examples of 16, |ξ|² = 4|v|², 40 seeds: 93.75 % at c = 0.1 and above 99 % in the window.

    Overall accuracy is 7/8 of that on strong data and 1/8 of that on weak.
    """
    overall = {}
    for c, epochs in ((0.1, 800), (1.3, 1200)):
        model, data, w0 = sets(4, 2, 40, 8, rng, balanced)
        run = simulated.train(model, data, w0, lr=2 * c, steps=16 * epochs, record_every=16 * epochs, rng=rng)
        kept = run.success
        assert kept.mean() > 0.7, run.message
        strong = unseen(4, 1000, rng, 0.0)
        overall[c] = (7 * simulated.accuracy(model, run.w[kept], strong)
                      + simulated.accuracy(model, run.w[kept], unseen(4, 4000, rng))) / 8
    assert abs(overall[0.1].mean() - theory.accuracy_without_weak(1 / 8)) < 0.01
    assert abs(overall[1.3].mean() - 0.9938) < 0.0075 and overall[1.3].mean() > 0.985
    # About one start in 2000 learns the weak part at c = 0.1 too; in the window nearly all do.
    assert np.mean(overall[0.1] > 0.97) <= 0.1 and np.mean(overall[1.3] > 0.97) > 0.9


def orthogonal_noise(data, square, rng):
    """The data with its last patches replaced by orthogonal ones of length² `square`."""
    x = data.x.copy()
    seeds, n = data.y.shape
    basis = np.linalg.qr(rng.standard_normal((seeds, data.x.shape[-1] - 2, n)))[0]
    x[:, :, 2] = 0
    x[:, :, 2, 2:] = basis.swapaxes(1, 2) * sqrt(square)
    return replace(data, x=x)


@pytest.mark.chance("measured", "300 standard errors of 20 seeds")
@pytest.mark.claim("LWYZ24.benign")
@pytest.mark.parametrize("power", [0.25, 0.75, 1.25])
def test_orthogonal_noise_is_memorised_with_the_predicted_power(rng, power):
    """Slope of log ν over log β, 20 seeds × 16 patches: 1.5 %; without the correction in |ξ|²/|u|²: caught."""
    model, data, w0 = sets(0, 0, 20, 16, rng, balanced)
    data = orthogonal_noise(data, 0.08 * power, rng)
    steps = 16 * int(0.9 * theory.data_half_time(1.2, KAPPA, 5e-5, 5e-7, 8))
    run = simulated.train(model, data, w0, lr=4.8, steps=steps, record_every=steps // 5, record_patches=True, rng=rng)
    half = (1 - data.y.astype(int)) // 2                            # F₊ for y = 1
    own = np.take_along_axis(run.patches[:, :, :, 2], half[None, :, :, None, None], axis=3)[..., 0, :]
    noise = (np.maximum(own, 0) ** 2).mean(axis=-1)                 # (K, seeds, n)
    beta = np.take_along_axis(simulated.strengths(run.weak)[0], half[None], axis=2)
    seen = noise[1] > 0                     # no filter sees one patch in 2¹⁶ at the start: nor does it later
    assert (noise[4][~seen] == 0).all() and seen.mean() > 0.9
    slopes = np.log(noise[4][seen] / noise[1][seen]) / np.log(beta[4] / beta[1])[seen]
    measured, predicted = slopes.mean(), theory.memorisation_exponent(0.08 * power, 0.01, 8, 1.0)
    assert abs(measured / predicted - 1) < 0.015
    if power > 0.5:
        assert abs(measured / theory.memorisation_exponent(0.08 * power, 0.01, 8) - 1) > 0.03


@pytest.mark.claim("LWYZ24.benign")
@pytest.mark.parametrize("square", [0.02, 0.06])
def test_power_of_noise_is_the_ratio_of_the_growth_of_two_features(square):
    """Simulated features with κ = |ξ|² and κ = |v|², one visit of eight against all: 1e-3; no 1 − |v|²/|u|²: caught."""
    begin = np.tile([outputs(1.02, 0.02, 8000, 0)[0], 1e-60, 0.0, 0.0], (2, 1))
    path = simulated.descend_reduced(begin, 1.02, np.array([square, 0.01]), 2000)
    growth = np.log(path[-1, :, 1] / path[0, :, 1])
    predicted = theory.memorisation_exponent(square, 0.01, 8, 1.0)
    assert_allclose(growth[0] / (8 * growth[1]), predicted, rtol=1e-3)
    assert abs(predicted * (1 - 0.01) / (growth[0] / (8 * growth[1])) - 1) > 5e-3
    assert_allclose(theory.memorisation_exponent(4 * square, 0.04, 8), theory.memorisation_exponent(square, 0.01, 8))


@pytest.mark.chance("measured", "5 standard deviations of 29 seeds")
@pytest.mark.claim("LWYZ24.benign")
def test_oscillation_turns_harmful_where_noise_outgrows_the_weak_feature(rng):
    """c = 1.2, median of 20 seeds: accuracy on weak data above 0.99 for p = 0.5, below 0.65 for p = 1.6, between
    at p = 1.

    The same c and |v| throughout: only the length of the noise changes. The
    median at p = 1 was .781 ± .039 under 29 seeds, five of that from a limit.
    """
    accuracies = []
    for power in (0.5, 1.0, 1.6):
        model, data, w0 = sets(8 * power, 0, 20, 16, rng, balanced)
        run = simulated.train(model, data, w0, lr=4.8, steps=16 * 1200, record_every=16_000, rng=rng)
        assert run.success.mean() > 0.8, run.message
        accuracies.append(np.median(simulated.accuracy(model, run.w[run.success], unseen(8 * power, 4000, rng))))
    assert accuracies[0] > 0.99 and 0.55 < accuracies[1] < 0.98 and accuracies[2] < 0.65


@pytest.mark.claim("LWYZ24.sgd")
@pytest.mark.parametrize("c", [1.9, 2.1, 2.4])
def test_full_batch_descent_oscillates_from_twice_the_onset(rng, c):
    """Eight strong examples of 16 per class: the reduced map at c/2, mean residual to 2e-5 below the onset.

    The reduced map at c is caught.
    """
    model, data, w0 = sets(0.5, 0, 10, 16, rng, balanced)
    run = simulated.train(model, data, w0, lr=4 * c, steps=1200, batch_size=None, record_every=1200)
    onset = theory.full_batch_onset(16, 8)
    tail = run.residuals[-200:].mean(axis=0)
    assert_allclose(tail, theory.mean_residual(c / onset), rtol=0, atol=2e-5 if c < onset else 1e-4)
    swing = np.abs(run.residuals[-200:]).max(axis=(0, 2))
    assert (swing < 4e-5).all() if c < onset else (swing > 0.1).all()
    if c > onset:
        assert np.abs(tail).max() < theory.mean_residual(1.5) - 0.02
