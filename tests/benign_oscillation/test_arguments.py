"""Bad arguments are refused before any work."""

from functools import partial

import numpy as np
import pytest

from refimpl import benign_oscillation as simulated
from tests import support
from theory import benign_oscillation as theory

MODEL, DATA = simulated.TwoLayerCNN(3, 2), simulated.two_patches([1.0, 0.0, 0.0], [0.0, 0.1, 0.0])
RUN = partial(simulated.train, MODEL, DATA, np.ones((2, 2, 3)), lr=0.1, steps=2)
test_bad_arguments_are_refused_before_any_work = support.refusals([
    (lambda: RUN(lr=-1.0), "lr must be positive"),
    (lambda: RUN(lr=[0.1, 0.1, 0.1]), r"lr must be one number, or have shape \(2,\)"),
    (lambda: RUN(steps=-1), "steps must be at least 0"),
    (lambda: RUN(batch_size=2), "batch_size must be a whole number in 1…1"),
    (lambda: RUN(sampling="random"), "sampling must be one of"),
    (lambda: RUN(indices=[[0], [1]]), r"indices must lie in 0…0, got 0…1"),
    (lambda: RUN(indices=[0, 0]), "indices must be an integer array"),
    (lambda: simulated.train(MODEL, DATA, np.ones((2, 3)), lr=1.0, steps=1), r"w0 must have shape \(\*S, 2, 2, 3"),
    (lambda: simulated.train(MODEL, simulated.sample(2, dim=4), np.ones((2, 2, 3)), lr=1.0, steps=1),
     "data.x must have shape"),
    (lambda: simulated.train(simulated.TwoLayerCNN(4, 1), simulated.sample(3, dim=4), np.ones((2, 1, 4)), lr=1.0,
                             steps=1, batch_size=2), "batch_size must divide the 3 examples"),
    (lambda: simulated.TwoLayerCNN(3, 2, "tanh"), "activation must be one of 'relu2'"),
    (lambda: simulated.TwoLayerCNN(3, 0), "width must be at least 1"),
    (lambda: simulated.sample(2, strong=np.eye(64)[0], weak=np.eye(64)[0]), "must be orthogonal"),
    (lambda: simulated.two_patches([0.0, 0.0], [0.0, 1.0]), "strong must not be 0"),
    (lambda: simulated.sample(2, noise_std=-1.0), "noise_std must be non-negative"),
    (lambda: simulated.sample(2, dim=2, noise_std=1.0), "dim must be at least 3"),
    (lambda: simulated.sample(2, weak_share=1.5), "weak_share must be a probability"),
    (lambda: simulated.sample(2, weak_share=0.5, n_weak=1), "cannot both be given"),
    (lambda: simulated.sample(2, n_weak=3), "n_weak must be in 0…2"),
    (lambda: simulated.sample(2, labels=[0, 1]), r"y must hold \+1 and -1, got 0"),
    (lambda: simulated.descend_reduced([1.0, 2.0], 1.0, 0.1, 1), r"start must have shape \(\*S, 4\)"),
    (lambda: simulated.descend_reduced(1.0, 1.0, 0.1, 1), r"start must have shape \(\*S, 4\)"),
    (lambda: simulated.descend_reduced(np.ones((2, 4)), [1.0, 1.0, 1.0], 0.1, 1), "c must have shape"),
    (lambda: simulated.strengths(np.ones(3)), "alignments must have shape"),
    (lambda: simulated.accuracy(MODEL, np.ones((2, 3)), DATA), "w must have shape"),
    (lambda: simulated.accuracy(MODEL, np.ones((2, 2, 3)), simulated.sample(2, dim=3, size=(2,))),
     "data must be one set"),
    (lambda: theory.period_two_orbit([1.2, 0.9]), "c must be at least 1, got 0.9"),
    (lambda: theory.lyapunov_exponent([1.0, 1.6]), "c must be below 3√3/2"),
    (lambda: theory.mean_residual(1.6), "iterate feature_map"),
    (lambda: theory.reduced_map([0.5, 3.0], 1.0), r"f must be at most 1 \+ 1/c"),
    (lambda: theory.feature_map([1.0, 2.0], 1.0, 0.1), "state must have shape"),
    (lambda: theory.weak_limit(1.2, 1.5), "kappa must be below 1, .*swap"),
    (lambda: theory.weak_limit(0.9, 0.1), "small_rate_limit"),
    (lambda: theory.weak_growth_rate(1.3, 0.1), "use weak_drift"),
    (lambda: theory.weak_half_time(1.6, 0.1, 1e-4, 1e-6), r"c must be in \(1, "),
    (lambda: theory.weak_half_time(1.2, 0.1, 1e-4, 0.5), "beta0 must be so small"),
    (lambda: theory.weak_half_time(1.2, 0.1, 1.0, 1e-6), "alpha0 must be below 1"),
    (lambda: theory.weak_excess(-1.0, 0.1), "growth must be above -1"),
    (lambda: theory.accumulation_bounds(1.2, 0.1, 0.1, 0.2), "must enclose 0"),
    (lambda: theory.accumulation_bounds(1.2, 0.1, -0.5, -0.2), "must enclose 0"),
    (lambda: theory.accumulation_bounds(1.2, 0.1, -1.0, 0.2), "must enclose 0"),
    (lambda: theory.stable_weak_strength([1.0, 20.0], 0.1), "c must be at most 1/kappa"),
    (lambda: theory.interpolation_multiplier(1.2, 0.1, 1.1), "beta must be at most 1"),
    (lambda: theory.weak_drift(1.2, 0.1, 1.0), "beta must be below 1"),
    (lambda: theory.full_batch_onset(16, 17), "strong_per_class must be in 1…16"),
    (lambda: theory.accuracy_without_weak(2.0), "weak_share must be a probability"),
    (lambda: theory.memorisation_exponent(0.5, 0.01, 8, 0.2), "strong_square must be larger"),
    (lambda: theory.effective_rate(1.0, 1.0, 1.5), "width must be a whole number")])


def test_features_are_orthogonal_to_rounding():
    """A cosine of 0.9e-12 is taken for 0, one of 1.1e-12 is not."""
    simulated.two_patches([1.0, 0.0], [0.9e-12, 1.0])
    support.refused("strong and weak must be orthogonal, got a cosine of 1.1e-12", simulated.two_patches, [2.0, 0.0],
                    [-2.2e-12, 2.0])


@pytest.mark.parametrize("name, others", [
    ("mean_residual", ()), ("mean_square_residual", ()), ("lyapunov_exponent", ()), ("period_two_orbit", ()),
    ("attractor_bounds", ()), ("orbit_multiplier", ()), ("fixed_point_multiplier", ()), ("weak_growth_rate", (0.01,)),
    ("stable_weak_strength", (0.01,)), ("interpolation_multiplier", (0.01, 0.2)), ("weak_excess", (0.01,))])
def test_numbers_in_single_precision_are_answered_in_double(name, others):
    """To the digits of the same numbers in double; an answer in single precision, 1e-7 off, is caught."""
    single = np.array([1.1, 1.2], np.float32)
    found, exact = (np.asarray(getattr(theory, name)(values, *others)) for values in (single, single.astype(float)))
    assert found.dtype == np.float64 and (found == exact).all()
