"""Ledger rows of Li, Wei and Ma 2019, sections 2 to 6."""

from theory import learning_order
from theory.claims._claim import Claim

_TOY = ("d = 50, N = 200, κ = ½, p₀ = .05, q₀ = .2, r = .05, c_v = 20, λ = 4e-3, α ~ U[.5, 1], V's patterns from its "
        "noise part (not those of the network's own weights), small-rate steps lumped, summed over seeds")

CLAIMS = (
    Claim("LWM19.fractions", "Notations", "q and p, the fractions with only Q and only P, are |M₁|/N and |M₂|/N.",
          "corrected", learning_order.effective_samples, "simulated",
          test="test_samples_follow_the_mixture", figure="memorising-net", regime="every sample of (2.1)–(2.5)",
          correction="M₁ and M₂ hold the examples that have the pattern: q = 1 − |M₁|/N and p = 1 − |M₂|/N."),
    Claim("LWM19.bayes", "section 2, distribution P", "P is linearly separable by w* with margin γ₀ = 1/√d.",
          "exact", learning_order.linear_error, "proved",
          test="test_linear_error_on_p", figure="memorising-net"),
    Claim("LWM19.memorise", "section 2, Figure 2",
          "Two ReLU neurons and a small enough offset ρ > 0 give the correct sign on all of Q.",
          "corrected", learning_order.memorising_error, "simulated",
          test="test_memorising_network", figure="memorising-net", regime="α ~ U[0, 1], every ρ in (0, 1)",
          correction="A fixed ρ errs on z ± ζ where α ≤ ρ, a fraction ρ/2 of Q, small but never 0; ρ⟨z, x₂⟩ in its "
                     "place, a third neuron, is right for all α > 0."),
    Claim("LWM19.network", "(2.6) and Training objective",
          "N_A(u, U; x) takes the activation pattern from A; f is N_U, and L̂ its mean logistic loss.",
          "exact", learning_order.arc_cosine_kernel, "proved",
          test="test_network_is_that_of_the_paper", figure="memorising-net"),
    Claim("LWM19.stationary", "(3.3), Assumption 3.1",
          "With (1 − η₁λ)²τ₀² + η₁²τ_ξ² = τ₀² the noise part keeps the law of the start.",
          "exact", learning_order.stationary_std, "proved",
          test="test_stationary_noise_solves_the_balance", figure="pattern-turnover"),
    Claim("LWM19.decomposition", "(3.4)",
          "At a constant rate the signal part is Ū_t = Σ η(1 − ηλ)^{t−s} ∇L̂(U_{s−1}).",
          "corrected", learning_order.noise_autocorrelation, "simulated",
          test="test_signal_and_noise_sum_to_the_run_of_sgd", figure="pattern-turnover",
          regime="every run, to rounding",
          correction="The sign is lost in the simplified form and again in (5.1): Ū_t = −Σ η(1 − ηλ)^{t−s} "
                     "∇L̂(U_{s−1}), as in (3.4) itself."),
    Claim("LWM19.turnover", "section 4, “rapidly changing” kernel",
          "Under the large rate the activation patterns turn over; under the small rate they hardly change.",
          "holds", learning_order.pattern_turnover, "simulated",
          test="test_noise_part_of_a_run_has_the_stationary_law", figure="pattern-turnover",
          regime="arccos((1 − ηλ)^k)/π after k steps, at the stationary noise"),
    Claim("LWM19.conditions", "below Assumption 3.3", "The choices satisfy λ ≤ r²/(κ²q³p²).",
          "corrected", learning_order.asymptotic_exponents, "proved",
          test="test_exponents_are_those_that_follow_in_print", figure="curvature-law",
          regime="r = d^{−3/4}, λ = d^{−5/4}, d → ∞ at fixed κ",
          correction="λ/r² = d^{1/4} grows, so the condition fails for large d, and wherever Theorem 3.4 has a range "
                     "of ε₁: "
                     "that asks for d^{1/16} > 4/(κ⁶q³), the condition for d^{1/4} < 4/(κ⁶q³). What Lemma 4.2 needs is "
                     "the "
                     "reverse, r²/λ small."),
    Claim("LWM19.scales", "below Assumption 3.3", "The choices satisfy (rd)^{−1}, dλ, λ/r ≤ κ^{O(1)}.",
          "exact", learning_order.asymptotic_exponents, "proved", test="test_exponents_are_those_that_follow_in_print",
          figure="curvature-law", regime="d → ∞ at fixed κ: powers −1/4, −1/4, −1/2 of d"),
    Claim("LWM19.4.1", "Lemma 4.1",
          "The large rate reaches a training loss of q log 2 + ε₁ in time Õ(d/ε₁), with a signal ‖Ū‖² of order "
          "d log²(1/ε₁).", "holds", learning_order.asymptotic_exponents, "simulated",
          test="test_annealing_time_and_signal_grow_with_the_dimension", figure="annealing-time",
          regime="powers 1 in d at ε₁ = .4 from d = 40 to 400 with N = 4d, c_v = 10, r and λ of Assumption 3.3 up to "
                 "constants; d log(1/ε₁)/ε₁ and d log²(1/ε₁) on P alone, ε₁ = .4 to .05. With Q the noise keeps the "
                 "loss above small ε₁ at these sizes. " + _TOY + ": annealed at Σ η of 1 to 4 d"),
    Claim("LWM19.4.2", "Lemma 4.2", "Under the large rate |D| = |g(z+ζ) + g(z−ζ) − 2g(z)| stays below Õ(r²/λ).",
          "holds", learning_order.curvature_bound, "simulated",
          test="test_d_is_small_before_annealing_and_r_is_better_after", figure="curvature-law",
          regime="with constant c_v² and no logarithm: every record of " + _TOY
          + ", and time means on the Q-only population, "
                 "r = .08 to .2. The bound is 80 times D and more, so this says little; LWM19.4.2-law says what D is"),
    Claim("LWM19.4.2-law", "Lemma 4.2, the order of D", "|D| before annealing is of the order r²/λ.",
          "corrected", learning_order.curvature_prediction, "simulated",
          test="test_simulated_curvature_has_the_powers_of_the_law", figure="curvature-law",
          regime="means over time on the Q-only population, patterns of the noise part, r = .08 to .2, λ = 4e-3 to "
                 ".016, |D| ≤ .6",
          correction="The bound is not tight: D → −¼E[ασ] (4/3π) c_v² r³/λ for small r, λ and η, smaller by a factor "
                     "of order r; slopes that answer to g to first order give the mean of D at finite sizes."),
    Claim("LWM19.4.3", "Lemma 4.3",
          "After annealing the training loss falls to O(√(ε₁/q)) in time Õ(1/(ε₁³r)).",
          "holds", learning_order.asymptotic_exponents, "simulated",
          test="test_time_to_learn_q_with_kinks_at_rest_is_of_order_one_over_r", figure="learning-order",
          regime=_TOY + "; the order in r seen on Q alone with kinks at rest, r = .05 to .2; that in ε₁ not fitted; at "
                 "ε₁ = .3 √(ε₁/q) exceeds log 2, so that the bound on the loss says nothing"),
    Claim("LWM19.4.3-change", "Lemma 4.3, second half", "‖Ū_{t₀+t} − Ū_{t₀}‖² is at most Õ(1/(ε₁²r)), and that O(d).",
          "not tested", None, "not tested as stated",
          regime="runs keep ‖Ū‖ and not Ū at annealing; at ε₁ = .3 the bound is 200 times ‖Ū‖² and could not fail"),
    Claim("LWM19.4.4", "Lemma 4.4",
          "After annealing the losses of r on M₁ and of g on its complement are O(√(ε₁/q)) and O(√(ε₁/q³)).",
          "out of reach", None, "not tested as stated",
          regime="at ε₁ = .3 both bounds exceed log 2, an untrained net's loss; the noise keeps smaller ε₁ from being "
                 "reached"),
    Claim("LWM19.4.4-order", "of the kind of Lemma 4.4", "At equal training loss r alone has a lower loss on M₁ for "
                                                         "L-S than for S.",
          "holds", learning_order.effective_samples, "simulated",
          test="test_d_is_small_before_annealing_and_r_is_better_after", figure="learning-order", regime=_TOY,
          ours=True),
    Claim("LWM19.5.1", "Lemma 5.1, order of fitting", "The small rate fits M₂ first, before the P-only examples.",
          "holds", learning_order.effective_samples, "simulated",
          test="test_small_rate_learns_q_first", figure="learning-order", regime=_TOY),
    Claim("LWM19.5.1-times", "Lemma 5.1, times and norm",
          "M₂ is fitted in time Õ(1/(ε₂³r)), all in Õ(1/(ε₂³r) + Np/ε₂′), with ‖Ū‖² of Õ(1/(ε₂²r) + Np).",
          "not tested", None, "not tested as stated",
          regime="powers of r, Np and ε₂′ ask for a factor of ten in each at sizes where Q is still learned first; one "
                 "size was run"),
    Claim("LWM19.5.2", "Lemma 5.2, in words",
          "Under the small rate W learns little from M₂: its classifier for P is worse than that of the large rate.",
          "holds", learning_order.asymptotic_exponents, "simulated",
          test="test_small_rate_learns_little_of_p_from_m2", figure="learning-order",
          regime=_TOY + "; ‖W̄⁽²⁾‖ is below half of that under the large rate"),
    Claim("LWM19.5.2-norm", "Lemma 5.2, norm", "‖W̄⁽²⁾‖ is at most Õ(d^{15/32}/ε₂′) for every t of O(d/ε₂′).",
          "out of reach", None, "not tested as stated",
          regime="d^{15/32} and √d differ by a factor 1.16 from d = 100 to 10⁴; one seed scatters by 0.22"),
    Claim("LWM19.5.3", "Lemma 5.3, identity", "r(x) − r(−x) is 2⟨α, x⟩ up to Õ(ε₃).", "exact",
          learning_order.odd_part, "proved",
          test="test_odd_part_of_a_relu_network_is_linear", figure="memorising-net",
          regime="without a remainder, with 2α = Σ w_j W_j"),
    Claim("LWM19.5.3-span", "Lemma 5.3, span and norm",
          "α lies in the span of the P-only examples and has norm Ω̃(√(Np)).",
          "not reproduced", learning_order.odd_part, "simulated",
          test="test_small_rate_learns_little_of_p_from_m2", figure="learning-order", regime=_TOY
          + "; also at d = 200, N = 800",
          correction="α has three parts, from P-only examples, from M₂ and from the noise. That from P-only examples "
                     "is the smallest and its norm is below √(Np)/5."),
    Claim("LWM19.3.4-range", "Theorem 3.4, range of ε₁",
          "ε₁ is chosen in (d^{−c}, κ²p²q³) with c < 1/16, a range that is there for large d.",
          "exact", learning_order.least_dimension, "proved",
          test="test_range_of_the_annealing_loss_is_empty_below_a_dimension", figure="learning-order",
          regime="p = κ²/2; it is empty unless d > (4/(κ⁶q³))^{16}, 1e53 at κ = q = ½: no experiment lies in it"),
    Claim("LWM19.3.4", "Theorem 3.4, classification error", "L-S has test error at most O(pκ log 1/ε₁).",
          "holds", learning_order.asymptotic_exponents, "simulated",
          test="test_ratio_of_errors_is_below_kappa", figure="learning-order", regime=_TOY
          + "; below p₀κ, the constant not determined"),
    Claim("LWM19.3.5", "Theorem 3.5, classification error", "S has test error at least Ω(p).",
          "holds", learning_order.asymptotic_exponents, "simulated",
          test="test_large_rate_first_errs_less_on_p", figure="learning-order",
          regime=_TOY + "; a fraction of P-only examples that is not small. With the roles of P and Q exchanged S does "
                        "not err more than L-S"),
    Claim("LWM19.3.5-time", "Theorem 3.5, time and range of η₂",
          "With any η₂ ≤ η₁d^{−c}, S reaches any ε₂′ in (d^{−c}, ε₂] within Õ(d/(η₂ε₂′)) iterations.",
          "not tested", None, "not tested as stated",
          regime="S was run at one d, one η₂ (η₁/3e4, steps lumped) and one ε₂′: it took a time of 1.3 d, and no power "
                 "was fitted"),
    Claim("LWM19.test-loss", "Theorems 3.4 and 3.5, test loss", "The total test loss of L-S is below that of S.",
          "not reproduced", learning_order.asymptotic_exponents, "simulated",
          test="test_total_test_loss_does_not_separate", figure="learning-order", regime=_TOY,
          correction="At equal training loss the total test losses are about equal: L-S has the lower loss on P-only "
                     "and the higher on Q-only examples."),
    Claim("LWM19.1.1", "Theorem 1.1",
          "A large rate learns P first, from (1 − q)N examples, and Q only after annealing.",
          "holds", learning_order.effective_samples, "simulated",
          test="test_large_rate_learns_p_first", figure="learning-order", regime=_TOY),
    Claim("LWM19.1.2", "Theorem 1.2", "A small rate learns Q quickly, and P only from the pN examples without Q.",
          "holds", learning_order.effective_samples, "simulated",
          test="test_small_rate_learns_q_first", figure="learning-order",
          regime=_TOY + "; exchanging c_w with c_v and p₀ with q₀ reverses the order"),
    Claim("LWM19.kappa", "below Assumption 3.3, “factor O(κ)”", "The ratio of errors of L-S and S is O(κ).",
          "holds", learning_order.asymptotic_exponents, "simulated",
          test="test_ratio_of_errors_is_below_kappa", figure="learning-order-kappa",
          regime="toy, Np₀ = d/5, κ = .35 to .71: the ratio of means over seeds is below κ/4 and falls faster than κ; "
                 "three sizes do not fix the power. At κ = .71 about one pair in 13 never reaches the training loss"),
    Claim("LWM19.mitigation", "section 6", "Noise before the activations, later taken away, helps a small rate.",
          "holds", learning_order.arc_cosine_kernel, "simulated",
          test="test_noise_before_activations_holds_back_q", figure="learning-order",
          regime=_TOY + "; noise before V alone, 0.15 of the noise part's, taken away after a fixed time: the test "
                        "shows that Q is held back, the figure that S then errs less on P. That it has the "
                        "guarantees of Theorem 3.4 (section 1) is a proof in an appendix that was not at hand"),
    Claim("LWM19.visible", "Assumption 3.3, “can be relaxed”",
          "Learning order shows also away from the asymptotic choices.",
          "holds", learning_order.visibility, "simulated",
          test="test_large_rate_first_errs_less_on_p", figure="learning-order",
          regime=_TOY + "; also d = 200, N = 800, α ~ U[0, 1], and the network's own patterns at d = 100, m_v = 4e5"),
    Claim("LWM19.outputs", "(3.5), (3.6)", "In block form f(x) = g(x₂) + r(x₁), g made by V and r by W.",
          "exact", learning_order.odd_part, "proved", test="test_outputs_of_the_blocks_add_up",
          figure="pattern-turnover"),
    Claim("LWM19.footnote2", "footnote 2",
          "A start smaller or larger than τ₀′, the solution of (3.3), lets the noise part grow or shrink to τ₀′.",
          "holds", learning_order.stationary_std, "simulated",
          test="test_noise_part_goes_to_its_stationary_size", figure="pattern-turnover",
          regime="from τ₀′/2 and 2τ₀′: variance τ₀′²(1 − ρ²) + ρ²τ₀² with ρ = (1 − ηλ)^t"),
    Claim("LWM19.coupling", "section 3, “using only the noise component to compute the activations roughly preserves "
                            "the output”",
          "If the signal part is small, activations computed from the noise part alone roughly preserve the output.",
          "holds", learning_order.decoupling_error, "simulated", test="test_change_by_patterns_falls_with_the_width",
          figure="activation-coupling",
          regime="Q alone, c_v = 5, τ₀ = ½, m = 500 to 8000: the rms change of g is of order ‖V̄‖^{3/2} m^{−3/4}, from "
                 "17 % of g down "
                 "to a few per cent. At the sizes of the toy runs (m = 1000, c_v = 20) it is not small at the stop, "
                 "1.2 times g: "
                 "those runs are of the decoupled model and stand for a net far wider than m"),
    Claim("LWM19.shared-optimum", "section 4, after Lemma 4.1", "The changing kernels share a common optimal "
                                                                "classifier.",
          "not tested", None, "not tested as stated",
          regime="a step of the proof (Theorem B.2, in an appendix that was not at hand); its consequence, Lemma 4.1, "
                 "was run"),
    Claim("LWM19.samples", "section 1; section 2", "P requires many samples to be learned, Q few.",
          "not tested", None, "not tested as stated",
          regime="no learning curve over N was run for either alone; κ was varied for both together only"),
)
