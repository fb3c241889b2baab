"""Ledger rows of later sources on the stability of SGD: thresholds, almost every path, tails, shuffling."""

from theory import linear_stability
from theory.claims._claim import Claim

CLAIMS = (
    Claim("MM24.threshold", "Theorem on the exact threshold in mean square",
          "A minimum that interpolates is linearly stable in mean square if and only if the learning rate is below a "
          "threshold that does not fall with the batch size; SGD has the second moment of a mixture of full and "
          "single steps.",
          "exact", linear_stability.critical_lr, "enumerated",
          test="test_a_mixture_of_full_and_single_steps_has_the_same_threshold", figure="batch-size"),
    Claim("CE24.almost-sure", "Theorem on the sign of the Lyapunov exponent",
          "SGD can converge to a minimum if the Lyapunov exponent of its linearisation is negative, and almost never "
          "does if it is positive.",
          "holds", linear_stability.lyapunov_exponent, "simulated",
          test="test_almost_sure_limit_in_the_plane_equals_the_quadrature", figure="path-limits",
          regime="the linear dynamics itself, d = 1 to 3, n ≤ 12: simulated paths shrink 5 % below the zero of Λ and "
                 "grow 5 % above it, although their mean square grows at both; the theorem's nonlinear half was not "
                 "run here"),
    Claim("GSZ21.tail", "Theorems on the tail index",
          "SGD on least squares has tails of an index that solves ρ(κ) = 1, falls as the learning rate grows and is 2 "
          "where the variance ceases to be finite.",
          "holds", linear_stability.escape_exponent, "simulated",
          test="test_tail_exponent_in_the_plane_equals_the_quadrature", figure="tail-exponent",
          regime="at a minimum that interpolates, where κ is the exponent of the probability to escape: d = 1 in "
                 "closed form, d = 2 against quadrature, d = 3 against simulated escapes from .94 to 1.3 η*"),
    Claim("DS20.shuffling", "Title and counterexamples",
          "Random reshuffling is not always better than independent sampling.",
          "exact", linear_stability.epoch_mean_square_rate, "enumerated",
          test="test_shuffled_epochs_can_be_less_stable_than_independent_batches", figure="batch-size"),
    Claim("AB24.batch-sharpness", "Definition and main finding on batch sharpness",
          "SGD trains at the edge of stability where batch sharpness, the curvature of a batch along its own gradient "
          "E[gᵀH_B g/‖g‖²], is 2/η.",
          "corrected", linear_stability.critical_lr, "simulated",
          test="test_at_the_threshold_the_gradient_ratio_is_two_over_the_rate_and_batch_sharpness_is_not",
          figure="batch-sharpness",
          regime="linear dynamics at η*, n ≤ 12, d ≤ 4; their nets were not run",
          correction="What equals 2/η at η*, and under every stationary law, is E‖g_B‖²/(2 E L). Batch sharpness is "
                     "below it (.32 to 1 of it here): at B = 1 and one output it is the mean of ‖g_i‖² whatever the "
                     "rate, and is 2/η* only where all examples have equal norms."),
)
