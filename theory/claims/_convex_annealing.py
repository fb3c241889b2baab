"""Ledger rows of Nakkiran 2020, the convex part of the slides, and of their claim 3 that it answers."""

from theory import convex_annealing
from theory.claims._claim import Claim

CLAIMS = (
    Claim("NAK20.empirical-loss", "Empirical Loss",
          "For the sample (e₁, e₁, e₂) the empirical loss is ⅔(β₁ − β₁*)² + ⅓(β₂ − β₂*)².",
          "exact", convex_annealing.sample_hessian, "enumerated",
          test="test_losses_are_those_of_the_slides", figure="annealing-paths"),
    Claim("NAK20.population-loss", "Population Loss",
          "For x uniform on {e₁, e₂} the population loss is ½(β₁ − β₁*)² + ½(β₂ − β₂*)².",
          "exact", convex_annealing.population_hessian, "enumerated",
          test="test_losses_are_those_of_the_slides", figure="annealing-paths"),
    Claim("NAK20.small-lr", "panel (a)",
          "From zero, a small learning rate stops at L̂ = ε with its error along the flat direction, where the test "
          "loss is high.",
          "holds", convex_annealing.flow_loss_ratio, "simulated",
          test="test_simulated_stop_equals_the_predicted_one", figure="annealing-paths",
          regime="β₂* ≠ 0 and Aε ≪ B², A = ⅔β₁*² and B = ⅓β₂*²; exactly P/ε = ¾(1 + 2/(1 + √(1 + 4Aε/B²))) → 3/2"),
    Claim("NAK20.annealed", "panel (b)",
          "From zero, a large and then a small learning rate stop at L̂ = ε with the error along the sharp "
          "direction, where the test loss is low.",
          "holds", convex_annealing.annealed_loss_ratio, "simulated",
          test="test_annealing_halves_the_test_loss", figure="annealing-paths",
          regime="gradient descent, β₁* ≠ 0, 1 < η < 3/2 and B²/(4A) ≪ ε ≤ L̂ at the switch, A and B there; P/L → "
                 "3/4, half of the small rate's"),
    Claim("NAK20.landscape", "panel (c)",
          "Points of the same train loss differ in test loss, and the two stopping points lie at its two ends.",
          "holds", convex_annealing.ratio_bounds, "proved",
          test="test_test_loss_on_a_contour_lies_between_the_bounds", figure="annealing-paths",
          regime="the contour L̂ = ε has 3/4 ≤ P/ε ≤ 3/2 exactly; the stops come to the ends where panels (a) and "
                 "(b) hold"),
    Claim("NAK20.large", "no statement of the source: a reading of “large”, as panel (b) draws it",
          "The learning rate is large where gradient descent bounces across the sharp direction, up to 2/λ_max.",
          "corrected", convex_annealing.crossover_lr, "simulated", ours=True,
          test="test_ratio_on_both_sides_of_the_crossover", figure="annealing-crossover",
          regime="any train Hessian with two different eigenvalues; on the slides oscillation from η = ¾, crossover "
                 "1, limit 3/2",
          correction="Large is η > 2/(λ_min + λ_max), not η > 1/λ_max, where bouncing begins, and need not be near "
                     "2/λ_max. Between 1/λ_max and the crossover the path bounces, and annealing has no benefit in "
                     "the limit."),
    Claim("NAK20.mechanism", "“large learning rate is regularizing the high curvature update”",
          "A large learning rate holds back the direction of high curvature, and so generalises better.",
          "corrected", convex_annealing.limit_ratios, "simulated",
          test="test_the_test_hessian_decides_whether_annealing_helps", figure="annealing-crossover",
          regime="any pair of Hessians (H, G) with simple extreme eigenvalues and a start with a component along both",
          correction="Above the crossover the sharp direction is learned last, for every H. Whether that helps is "
                     "decided by the test Hessian: iff v_maxᵀGv_max/λ_max < v_minᵀGv_min/λ_min. It does for every G "
                     "∝ I, as on the slides; it does nothing for G = H and harm for G = H²."),
    Claim("NAK20.convex", "title and Conclusions",
          "The learning rate can have a regularising effect in a convex problem.",
          "exact", convex_annealing.limit_ratios, "proved",
          test="test_one_minimum_two_generalisation_errors", figure="annealing-target"),
    Claim("NAK20.reasons", "Conclusions: “although reasons are different”",
          "The learning rate regularises in convex and in non-convex problems, for different reasons.",
          "holds", convex_annealing.sgd_stopping_law, "enumerated",
          test="test_limits_of_the_law_as_the_target_falls", figure="annealing-sgd",
          regime="the convex side, on the sample of the slides: the reason is where on the contour L̂ = ε a run stops, "
                 "not noise. "
                 "Full-batch descent has the whole effect and single-sample SGD none as ε → 0. On the non-convex side "
                 "it is the "
                 "order in which patterns are learned under noise, see LWM19"),
    Claim("NAK20.claim1", "Non-Convex Setting-B, claim 1 (Li, Wei and Ma 2019 as the slides quote it)",
          "A small learning rate learns easy-to-generalise and hard-to-fit patterns first.",
          "not tested", None, "not tested as stated",
          regime="the slides only quote it; what it says is tested in the rows of its source, LWM19.1.2 and LWM19.5.1"),
    Claim("NAK20.claim2", "Non-Convex Setting-B, claim 2 (Li, Wei and Ma 2019 as the slides quote it)",
          "A large learning rate learns hard-to-generalise and easy-to-fit patterns first.",
          "not tested", None, "not tested as stated",
          regime="the slides only quote it; what it says is tested in the rows of its source, LWM19.1.1 and LWM19.4.1"),
    Claim("NAK20.claim3", "Non-Convex Setting-E, claim 3 (Li, Wei and Ma 2019 as the slides quote it)",
          "Convex problems have a unique minimum, so this effect cannot be observed in them.",
          "corrected", convex_annealing.limit_ratios, "simulated",
          test="test_one_minimum_two_generalisation_errors", figure="annealing-target",
          regime="the sample of the slides, ε = 1e-2…1e-10; every stable schedule that stops at L̂ = ε > 0",
          correction="The minimum is unique, and at ε = 0 the effect is gone: both runs converge to it and P → 0. At "
                     "every ε > 0 they stop at different points of the contour L̂ = ε, and their test losses stay a "
                     "factor of up to λ_max/λ_min = 2 apart however small ε is."),
    Claim("NAK20.fixed-switch", "“until L̂ = ε”, schedules (a) and (b) compared",
          "At equal train loss ε a run with large steps first generalises better than one with small steps only.",
          "corrected", convex_annealing.reversal_target, "simulated",
          test="test_fixed_switch_reverses_as_the_target_falls", figure="annealing-target",
          regime="gradient descent on the sample of the slides, 1 < η < 3/2, K large steps",
          correction="The switch must follow ε. With K fixed the benefit is half gone at ε = 2B_K²/A_K and P/L → 3/2 "
                     "as ε → 0, as with a small rate throughout."),
    Claim("NAK20.samples", "“for drawn n samples from the distribution”",
          "On n examples drawn from the distribution annealing lowers the test loss, as on the sample of n = 3.",
          "holds", convex_annealing.mean_benefit, "enumerated",
          test="test_mean_benefit_equals_the_mean_over_all_samples", figure="annealing-crossover",
          regime="draws with both vectors, c and n − c times, c ≠ n/2: the limits differ by the factor min(c, "
                 "n−c)/max(c, n−c), whose mean tends to 1 as 1 − √(8/(πn)); equal numbers give none, and without one "
                 "vector (probability 2^(1−n)) the test loss does not fall"),
    Claim("NAK20.sgd", "“update with SGD”",
          "The panels and the effect are those of SGD.",
          "corrected", convex_annealing.sgd_stopping_law, "enumerated",
          test="test_law_of_the_stop_equals_all_index_sequences", figure="annealing-sgd",
          regime="the sample of the slides, batches drawn afresh without replacement, B = 1, 2, 3; mean-square "
                 "limits 1, 4/3, 3/2",
          correction="They are those of full-batch gradient descent. The crossover is η = 1 for every B, and the "
                     "mean-square limit is 2/(2p + (1−p)h_max): at B = 1 both are 1. There a rate η in (½, 1) does "
                     "on every sequence of examples what the small rate 1 − η does, and P/L → 3/2 as ε → 0 at every "
                     "stable η ≠ ½; at finite ε chance alone lowers the mean, most near η = ½. At B = 2 the limit is "
                     "3/4 for 1 < η < 4/3, but the mean comes near it slowly (η = 1.3: 0.92 at ε = 1e-2, 0.79 at "
                     "1e-8)."),
)
