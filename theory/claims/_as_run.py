"""Ledger rows of later sources on the stability of SGD: thresholds, almost every path, tails, shuffling."""

from theory import linear_stability
from theory.claims._claim import Claim

CLAIMS = (
    Claim("MM24.threshold", "abstract; theorem on the exact threshold in mean square",
          "A minimum is linearly stable in mean square if and only if the learning rate is below a threshold in closed "
          "form, which does not fall with the batch size; it is that of a mixture of full steps, with probability "
          "1 − p, and single ones, with p = (n − B)/(B(n − 1)).",
          "exact", linear_stability.critical_lr, "enumerated",
          test="test_a_mixture_of_full_and_single_steps_has_the_same_threshold", figure="batch-size"),
    Claim("MM24.covariance", "abstract, “the asymptotic covariance of the dynamics around the minimum”",
          "At a minimum that does not interpolate the dynamics has an asymptotic covariance below the same threshold.",
          "exact", linear_stability.stationary_covariance, "enumerated",
          test="test_covariance_solves_the_enumerated_system", figure="loss-floor"),
    Claim("CE24.almost-sure", "abstract and Theorem B",
          "The sign of a Lyapunov exponent of the dynamics near a global minimum determines whether SGD can accumulate "
          "there.",
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
          "corrected", linear_stability.gradient_ratio, "enumerated",
          test="test_at_the_threshold_the_gradient_ratio_is_two_over_the_rate_and_batch_sharpness_is_not",
          figure="batch-sharpness",
          regime="linear dynamics at η*, n ≤ 12, d ≤ 4; their nets were not run",
          correction="What equals 2/η at η*, and under every stationary law, is E‖g_B‖²/(2 E L). Batch sharpness is "
                     "below it (.32 to 1 of it here): at B = 1 and one output it is the mean of ‖g_i‖² whatever the "
                     "rate, and is 2/η* only where all examples have equal norms."),
    Claim("AB26.plateaus", "abstract, “two distinct regimes”",
          "With momentum batch sharpness settles at 2(1 − μ)/η at small and at 2(1 + μ)/η at large batches; this "
          "agrees with thresholds of linear stability.",
          "holds", linear_stability.critical_lr, "enumerated",
          test="test_the_two_plateaus_of_momentum_are_the_ends_of_one_threshold", figure="momentum-limit",
          regime="thresholds of ensembles with n ≤ 8, d ≤ 3, μ from −.5 to .9, all batches enumerated: the exact limit "
                 "is 2(1 + μ)/λ at B = n and nears (1 − μ) times that of plain SGD where noise dominates; between the "
                 "two neither holds. Where batch sharpness settles in training was not run here"),
    Claim("CKLKT21.momentum", "appendix on momentum",
          "Gradient descent with heavy-ball momentum β is stable on a quadratic up to the sharpness 2(1 + β)/η.",
          "exact", linear_stability.critical_lr, "proved",
          test="test_heavy_ball_keeps_sharpness_up_to_two_plus_two_beta", figure="momentum-limit"),
    Claim("CKLKT21.nesterov", "appendix on momentum",
          "With Nesterov's momentum the limit is 2(1 + β)/(η (1 + 2β)).",
          "exact", linear_stability.critical_lr, "proved",
          test="test_nesterov_keeps_sharpness_up_to_two_plus_two_beta_over_one_plus_two_beta", figure="momentum-limit"),
    Claim("CGKDG22.adam", "stability threshold of the preconditioned sharpness",
          "Full-batch Adam at β₁ = 0.9, its preconditioner frozen, is stable up to a preconditioned sharpness 38/η.",
          "exact", linear_stability.critical_lr, "proved",
          test="test_frozen_adam_keeps_preconditioned_sharpness_up_to_38_over_the_rate", figure="momentum-limit"),
    Claim("LZU21.covariance", "stationary covariance at a finite learning rate",
          "With noise of covariance C that does not depend on x the stationary covariance around a minimum solves "
          "ΣK + KΣ − ηKΣK = ηC, K the Hessian.",
          "exact", linear_stability.stationary_covariance, "enumerated",
          test="test_noise_that_does_not_depend_on_place_has_the_discrete_time_covariance", figure="loss-floor"),
    Claim("LZU21.minibatch", "the same, with the covariance that minibatch gradients have at the minimum",
          "With C the covariance of the minibatch gradients at the minimum, that equation describes SGD there.",
          "corrected", linear_stability.loss_floor, "enumerated",
          test="test_a_minibatch_adds_the_noise_of_the_hessians_to_the_stationary_covariance", figure="loss-floor",
          regime="least squares with labels that cannot be fitted, n ≤ 8, d = 3, B = 1 and 2, μ = 0 and 0.9",
          correction="A batch has noisy Hessians too: X = (1/k − pN)⁻¹ (p mean g gᵀ), which diverges at η*. Without N "
                     "the floor "
                     "is right as η → 0 only: .7 of it at η = η*/2 and .2 at .9 η* on the figure's example at μ = 0."),
)
