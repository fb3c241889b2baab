"""Refusals of learning order: each names the argument, what came, and what is wanted; what rounding made is taken."""

import numpy as np

from tests.support import refusals, refused
from theory import learning_order as theory


test_outside_their_domain_formulas_refuse = refusals([
    (lambda: theory.effective_samples(100, 0.9, 0.9), r"p \+ q must be at most 1, got 0.9 \+ 0.9"),
    (lambda: theory.effective_samples(100, -0.1, 0.9), "p must be non-negative"),
    (lambda: theory.noise_autocorrelation(1, 1.5, 0.5), "lag must be whole where lr times weight_decay is above 1"),
    (lambda: theory.noise_autocorrelation([0.1, 1.0], 1.5, [0.5, 1.5]), "lag must be whole .* got 1.5 there"),
    (lambda: theory.noise_autocorrelation(2.0, 1.0, 1), "lr times weight_decay must be below 2"),
    (lambda: theory.stationary_std(2.0, 1.0, 1.0), "lr times weight_decay must be below 2"),
    (lambda: theory.arc_cosine_kernel(0, [0.5, 2.0]), r"cosine must lie in \[-1, 1\], got 2"),
    (lambda: theory.arc_cosine_kernel(0, 1 + 1e-13), "cosine must lie"),
    (lambda: theory.arc_cosine_kernel(2, 0.5), "degree must be one of"),
    (lambda: theory.lag_kernel(-1.5, 0.1), "rho must lie"), (lambda: theory.pattern_turnover(1.1), "rho must lie"),
    (lambda: theory.lag_kernel(0.5, 0.0), "r must be positive"),
    (lambda: theory.least_dimension(1e-4, 0.5), "where log10 d is 408.082"),
    (lambda: theory.least_dimension(0.5, 1.0), "q must lie"),
    (lambda: theory.curvature_prediction(1, 0.1, 0.1, fraction=7), r"fraction must lie in \(0, 1\], got 7"),
    (lambda: theory.curvature_prediction(1, 0.1, 1.0, lr=1.0), r"must lie in \(0, 1\), got 1"),
    (lambda: theory.curvature_prediction(1, 0.1, 0.1, steps=5), "steps must be None without lr"),
    (lambda: theory.linear_error(1.5, 0.1, 10), "cosine must be one number"),
    (lambda: theory.linear_error([0.5, 0.6], 0.1, 10), "cosine must be one number"),
    (lambda: theory.mixing_time(0.1, 0.1, 1.0), "remaining must lie"),
    (lambda: theory.memorising_error(1.0), "offset must lie"),
    (lambda: theory.memorising_network(0.1, 1.5), "offset must"),
    (lambda: theory.visibility(200, 0.02, 5.0, 1e-3, 0.1, 0.2), "small_lr must be at most lr")])


def test_lags_between_steps_are_powers_up_to_a_product_of_one():
    assert theory.noise_autocorrelation(0.75, 1.0, 0.5) == 0.5 and theory.noise_autocorrelation(1.0, 1.0, 0.5) == 0


def test_rounding_beyond_one_is_taken_as_one():
    """A cosine of 1 + 2.3e-16, and of 1 + 1e-6 in float32 only, are cosines of equal vectors."""
    assert theory.arc_cosine_kernel(0, 1 + 2.3e-16) == 0.5 and theory.pattern_turnover(-1 - 2.3e-16) == 1.0
    assert theory.arc_cosine_kernel(0, np.float32(1 + 1e-6)) == 0.5
    refused("cosine", theory.arc_cosine_kernel, 0, 1 + 1e-6)
