"""Ledger rows of Lu, Wu, Yang and Zou 2024."""

from theory import benign_oscillation
from theory.claims._claim import Claim

CLAIMS = (
    Claim("LWYZ24.data-model", "Strong feature v.s. Weak feature Model",
          "An example has three patches: the strong feature y·u with probability 1 − ρ and else noise, the weak "
          "feature "
          "y·v always, and noise.",
          "exact", benign_oscillation.accuracy_without_weak, "simulated",
          test="test_sample_draws_what_the_poster_describes", figure="oscillation-published"),
    Claim("LWYZ24.two-patch", "Network on strong data; Illustrative setup: single data with two patches",
          "On strong data the network is f = Σ_r σ(⟨w_r, u⟩) + σ(⟨w_r, v⟩) + noise and the loss (f − 1)².",
          "exact", benign_oscillation.feature_map, "proved",
          test="test_network_equals_the_four_number_map", figure="oscillation-two-patches"),
    Claim("LWYZ24.large-oscillates", "Motivation and Observations, large LR training",
          "A large learning rate makes an oscillating training curve.",
          "holds", benign_oscillation.fixed_point_multiplier, "simulated",
          test="test_oscillation_begins_at_one", figure="oscillation-map",
          regime="c = 4η|u|²/m > 1, where f = 1 has the multiplier 1 − 2c < −1; without oscillation for c < 1"),
    Claim("LWYZ24.small-smooth", "Motivation and Observations, small LR training",
          "A small learning rate makes a curve that is much smoother and converges more rapidly.",
          "holds", benign_oscillation.fixed_point_multiplier, "simulated",
          test="test_small_rates_converge_by_their_multiplier", figure="oscillation-two-patches",
          regime="strong data, c < 1: |1 − f| shrinks by |1 − 2c| a step, monotonically for c < ½; a large rate "
                 "needs thousands of steps more, until the weak feature is learned. With weak examples in the set a "
                 "small rate is ahead at first only: it then has their noise to memorise"),
    Claim("LWYZ24.orbit", "Oscillation during training",
          "With a large learning rate the output on strong data oscillates around the label.",
          "holds", benign_oscillation.period_two_orbit, "proved",
          test="test_simulated_orbit_is_the_closed_form", figure="oscillation-map",
          regime="the strong feature alone, 1 < c < 3√3/2 − 1: between two values that are proved and attract up to c "
                 "= √5 "
                 "− 1; beyond, further doublings and chaos between proved bounds. For c < 1 there is none"),
    Claim("LWYZ24.sufficient", "Oscillation during training",
          "Oscillation is assumed: the argument starts from a training curve that oscillates.",
          "corrected", benign_oscillation.stable_weak_strength, "simulated",
          test="test_interpolating_points_attract_exactly_above_the_stable_strength", figure="oscillation-end",
          regime="one example. Proved: no point with zero loss and β < β* attracts, and log β grows more than κ log "
                 "α at each step with f ≠ 1. Numerical only: from small starts the orbit stays bounded for c < 3√3/2 "
                 "− 1 and then settles with f = 1 just above β*",
          correction="It need not be assumed. For 1 < c < 3√3/2 − 1 every interpolating point with β < β* = (c − "
                     "1)/(c − c_v) is unstable, so that a bounded orbit oscillates until the weak feature has grown "
                     "to β*, from all starts but a null set; for c < 1 there is none."),
    Claim("LWYZ24.window", "not on the poster: the large rates of its paper (arXiv:2310.17074), m/(4|u|²) ≤ η ≤ "
                           "2m/(5|u|²)",
          "The window of large learning rates runs from c = 1 to c = 8/5.",
          "corrected", benign_oscillation.attractor_bounds, "simulated",
          test="test_filters_turn_off_just_below_the_upper_end_of_the_window", figure="oscillation-map",
          regime="one example with both features, 1000 starts; the upper end is that of the limit κ → 0",
          correction="The lower end is the onset exactly. The upper end is c = 3√3/2 − 1 = 1.598076 for κ → 0: there 1 "
                     "+ "
                     "c(1 − f) reaches 0 on the attractor of the strong feature, filters turn off, and 8/5 lies just "
                     "outside. At κ > 0 it is not sharp: a weak feature that is learned lowers the effective rate to "
                     "c(1 − "
                     "β), and of starts at c = 8/5 a share that grows with κ keeps both features (0 at κ = 0.01, about "
                     "0.4 "
                     "at 0.1). Further beyond one example loses the strong feature for good and f → 1 on v alone."),
    Claim("LWYZ24.balance", "Strong signal oscillation",
          "The updates of the strong feature balance: Σ (1 − f)⟨w_r, u⟩ over the steps of δ⁻ is approximately that "
          "over the "
          "steps of δ⁺.",
          "corrected", benign_oscillation.update_balance, "proved",
          test="test_strong_updates_telescope", figure="oscillation-mechanism",
          regime="any stretch of any bounded oscillation with 1 + c(1 − f) > 0",
          correction="As printed both sums have opposite signs and cannot be equal: a minus is missing. Equal and "
                     "opposite they "
                     "are: their sum is exactly (⟨w_t₁, u⟩ − ⟨w_t₀, u⟩)/c, bounded while each grows with t₁ − t₀."),
    Claim("LWYZ24.negative-updates", "Accumulation of negative updates: “since larger ⟨w, u⟩ implies larger f”",
          "Because a larger ⟨w, u⟩ means a larger f, the residuals 1 − f of an oscillation add up to a positive sum.",
          "holds", benign_oscillation.mean_residual, "simulated",
          test="test_residuals_of_every_oscillation_add_up_to_a_positive_sum", figure="oscillation-map",
          regime="every bounded oscillation with 1 + c(1 − f) > 0: the mean of log(1 + c(1 − f)) is 0, so by Jensen "
                 "that of 1 − f is positive; (c − 1)/(2c) for 1 < c ≤ √5 − 1"),
    Claim("LWYZ24.accumulation", "Σ (1 − f) = Ω(δ)(t₁ − t₀)",
          "The sum of the residuals grows at a rate of the order of the size δ of the oscillation.",
          "corrected", benign_oscillation.accumulation_bounds, "simulated",
          test="test_accumulation_is_not_of_the_order_of_the_amplitude", figure="oscillation-map",
          regime="δ = min |1 − f|; near the onset, c = 1.01…1.2, the rate over δ falls from 0.28 to 0.05 while over "
                 "δ² it stays in 0.56…0.94",
          correction="The rate is of the order of δ², not δ: between c·mean(e²)/(2(1 + c e_max)²) and "
                     "c·mean(e²)/(2(1 + c e_min)²), e = 1 − f, on every bounded oscillation. A lower bound in δ "
                     "holds only for δ bounded away from 0, with a constant that depends on it."),
    Claim("LWYZ24.weak-learning", "Weak signal learning: Σ (1 − f)⟨w_r, v⟩ ≈ Σ (1 − f)⟨w_r^(t₀), v⟩",
          "While the strong feature oscillates, ⟨w_r, v⟩ in the weak update may be kept at its start.",
          "corrected", benign_oscillation.weak_growth_rate, "simulated",
          test="test_the_poster_s_linear_step_is_good_only_while_little_has_been_learned",
          figure="oscillation-mechanism",
          regime="period-2 oscillation, 1 < c ≤ √5 − 1; approximation within 5 % up to κcΣ(1 − f) = 0.1",
          correction="It holds while κcΣ(1 − f) ≪ 1. Beyond, ⟨w_r, v⟩ grows as Π(1 + κc(1 − f)): exponentially, β by "
                     "the factor 1 + κ(1 − κ)(c − 1) a step; at the half-time it is hundreds of times its start."),
    Claim("LWYZ24.longer", "Longer oscillation implies larger weak signal learning",
          "The longer the oscillation lasts, the more of the weak feature is learned.",
          "holds", benign_oscillation.weak_half_time, "simulated",
          test="test_half_time_by_the_adiabatic_equation", figure="oscillation-mechanism",
          regime="1 < c < 3√3/2 − 1: logistic growth towards β*; half-time within 1 % at κ = 0.01 (single orbits; in "
                 "chaos the mean over starts, within 2 %)"),
    Claim("LWYZ24.engine", "Our Key Message: the oscillation is the engine of learning the less prominent pattern",
          "Oscillation drives the weak feature beyond what a smooth descent learns of it.",
          "exact", benign_oscillation.weak_excess, "proved",
          test="test_weak_growth_is_kappa_times_the_strong_plus_the_excess", figure="oscillation-mechanism"),
    Claim("LWYZ24.greedy", "Our Key Message: it prevents the over-greedy convergence",
          "Training ends on the strong feature alone as soon as the oscillation is stopped.",
          "holds", benign_oscillation.small_rate_limit, "simulated",
          test="test_annealing_freezes_the_weak_feature", figure="oscillation-end",
          regime="annealed from c > 1 to c ≤ 0.05 at any time: β is frozen within a few per cent, by the law of "
                 "gradient flow to 5e-3"),
    Claim("LWYZ24.large-lr", "SGD, large LR: learns both strong/weak features",
          "With a large learning rate both features are learned.",
          "holds", benign_oscillation.weak_limit, "simulated",
          test="test_what_is_learned_is_within_the_stated_bound_of_the_law", figure="oscillation-two-patches",
          regime="1 < c < 3√3/2 − 1, κ ≤ 0.2, small starts: f = 1 with β = β*(1 + κ(1 − κ)/4), low by at most κ²(c − "
                 "1)/5, "
                 "relative"),
    Claim("LWYZ24.small-lr", "SGD, small LR: only learns the strong feature",
          "With a small learning rate only the strong feature is learned.",
          "holds", benign_oscillation.small_rate_limit, "simulated",
          test="test_a_small_rate_learns_the_strong_feature_only", figure="oscillation-two-patches",
          regime="c < 1, κ small: β/β₀ = (α/α₀)^κ with α + β = 1, 10–13 % of growth; the formula is 0.05c low for c "
                 "≤ 0.3, 12 % near c = 1"),
    Claim("LWYZ24.patterns", "All useful data patterns are discovered and learned",
          "With oscillation, all patterns that are useful for generalisation are learned.",
          "holds", benign_oscillation.stable_weak_strength, "simulated",
          test="test_oscillation_ends_with_both_features_learned", figure="oscillation-end",
          regime="to the strength β* and no further: 17 % of the output at c = 1.2, 37 % at 1.59. It suffices for "
                 "weak data whose noise is smaller"),
    Claim("LWYZ24.division", "Division of generalization properties",
          "Large learning rates generalise to weak data and small ones do not.",
          "holds", benign_oscillation.data_half_time, "simulated",
          test="test_large_rates_generalise_to_weak_data_and_small_ones_do_not", figure="oscillation-division",
          regime="n = 16, d = 64, m = 16, |v| = 0.1|u|, |ξ|² = 2|v|², two weak examples: weak-only accuracy above "
                 "0.99 at c = 1.3 and below 0.60 at c = 0.5; time counted in visits of strong examples of the class"),
    Claim("LWYZ24.all-points", "To generalize to all new data points the network must learn the weak patch",
          "A network without the weak feature fails on weak data, and its accuracy shows it.",
          "holds", benign_oscillation.accuracy_without_weak, "simulated",
          test="test_without_the_weak_feature_accuracy_is_that_of_a_coin_on_weak_data", figure="oscillation-published",
          regime="networks whose filters have no component along v: 1 − ρ/2 exactly in expectation, since the label of "
                 "a weak "
                 "example is then a fair coin to them. Trained at a small rate a network keeps the little of v that it "
                 "started "
                 "with, and does 0.3 % better at ρ = 1/8"),
    Claim("LWYZ24.published", "not on the poster: the experiment of its paper (arXiv:2310.17074), d = 64, n = 16, m = "
                              "8",
          "Test accuracy is 99.38 % with a large rate and 93.75 % with a small one.",
          "holds", benign_oscillation.accuracy_without_weak, "simulated",
          test="test_published_setting", figure="oscillation-published",
          regime="ρ = 1/8, |ξ|² = 4|v|², 120 seeds, 10 000 test points, long training: 99.4 % at c = 1.1, 99.6–100 % "
                 "from 1.2 to 1.58, 94.1 ± 0.04 % at c = 0.1. Without v it would be 1 − ρ/2 = 93.75 %"),
    Claim("LWYZ24.benign", "We refer to such a phenomenon as “benign oscillation”",
          "Oscillation is benign: what it drives beyond the strong feature helps on new data.",
          "corrected", benign_oscillation.memorisation_exponent, "simulated",
          test="test_oscillation_turns_harmful_where_noise_outgrows_the_weak_feature", figure="oscillation-noise",
          regime="n = 16, d = 64, c = 1.2: weak-only accuracy above 0.99 for p ≤ 0.625, below 0.6 for p ≥ 1.5",
          correction="It drives noise by the same mechanism, ν ∝ β^p with p = |ξ|²/(n_c|v|²) (times (1 − "
                     "|ξ|²/|u|²)/(1 − |v|²/|u|²)) for orthogonal noise patches; random ones in d = 64 have a power "
                     "7–20 % larger. It is benign for p < 1 and harmful for p > 1, where noise ends the oscillation "
                     "before v is learned."),
    Claim("LWYZ24.sgd", "no statement of the source: a reading of its title",
          "Benign oscillation needs the sampling of stochastic gradient descent.",
          "corrected", benign_oscillation.full_batch_onset, "simulated", ours=True,
          test="test_full_batch_descent_oscillates_from_twice_the_onset", figure="oscillation-noise",
          regime="n = 16, 8 strong examples per class; mean residual of the reduced map at c n_c/n to 1e-4",
          correction="It is that of the large rate. Full-batch gradient descent has it too, from c n_c/n = 1 on, "
                     "with the reduced map at c n_c/n."),
)
