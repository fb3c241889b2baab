"""Theory refuses outside its domain."""

import numpy as np

from figures.convex_annealing._runs import G, H, LOSSES
from tests.convex_annealing.problems import SLIDES
from tests.support import refusals
from theory import convex_annealing as theory

SINGULAR = np.diag([1.0, 0.0])


test_theory_refuses_outside_its_domain = refusals([
    (lambda: theory.flow_loss_ratio(*LOSSES, 1.1),
     "target must be at most the train loss at the start, 1, got 1.1; gradient flow"),
    (lambda: theory.flow_loss_ratio(*LOSSES, [0.1, 0.0]), "target must be positive and finite, got 0; give target > 0"),
    (lambda: theory.flow_loss_ratio(*LOSSES, np.nan), "target must be finite"),
    (lambda: theory.flow_loss_ratio(-1.0, 1.0, 0.1), "sharp_loss must be non-negative"),
    (lambda: theory.flow_loss_ratio(0.0, 0.0, 0.1), "must not both be 0"),
    (lambda: theory.flow_loss_ratio([1.0, 2.0], [1.0, 2.0, 3.0], 0.1), "flat_loss must broadcast with sharp_loss"),
    (lambda: theory.flow_loss_ratio([1.0, 2.0], 1.0, [0.1] * 3), "target must broadcast with sharp_loss, flat_loss"),
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
    (lambda: theory.crossover_lr(SINGULAR), "train_hessian must be positive definite")])


test_theory_of_samples_refuses_outside_its_domain = refusals([
    (lambda: theory.mean_benefit(1), "n must be in 2…"),
    (lambda: theory.sample_hessian([2.0, 1.0]), "counts must be whole numbers"),
    (lambda: theory.sample_hessian([3, -1]), "counts must be whole numbers >= 0"),
    (lambda: theory.sample_hessian([0, 0]), "counts must be whole numbers >= 0, one a direction and not all 0"),
    (lambda: theory.population_hessian(0), "dim must be at least 1"),
    (lambda: theory.mean_square_lr([2, 1], 4), "batch_size must be a whole number in 1…3"),
    (lambda: theory.mean_square_multipliers([2, 1], -1.0, 1), "lr must be positive"),
    (lambda: theory.mean_square_crossover([2, 2], 1), "counts must hold two different numbers"),
    (lambda: theory.mean_square_crossover([3, 0], 1), "counts must hold two different numbers"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1, lr=1.0),
     "lr must be below 1, where SGD with batch_size=1 is stable"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 2, large_lr=1.4, anneal_loss=0.1),
     "large_lr must be below 1.33333"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1, lr=0.5), "above 0, .* at the stop, got 0.5 and"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 2, large_lr=1.0, anneal_loss=0.1),
     "above 0, .* at the stop, got 1 and"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1, lr=0.01, max_steps=30).mean,
     "a run goes on with probability 1; give more"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 2, lr=0.1, max_steps=30).std, "max_steps must let all runs stop"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 4, lr=0.1), "batch_size must be in 1…3, got 4"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1), "for gradient flow alone use flow_loss_ratio"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1, lr=0.1, large_lr=0.2), "large_lr and anneal_loss go together"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1e-2, 1, lr=0.1, large_lr=0.2, anneal_loss=1e-3),
     "anneal_loss must be at least the target"),
    (lambda: theory.sgd_stopping_law(*LOSSES, 1.5, 1, lr=0.1),
     "target must be below the train loss at the start, 1, got 1.5"),
    (lambda: theory.sgd_stopping_law([0.5, 0.6], 0.3, 0.1, 1, lr=0.1), "must be one number each")])
