"""Ledger rows of Li, Wei and Ma 2019, sections 2 to 6."""

from theory.claims._claim import Claim

_TOY = ("d = 50, N = 200, κ = ½, p₀ = .05, q₀ = .2, r = .05, c_v = 20, λ = 4e-3, α ~ U[.5, 1], V's patterns from its "
        "noise part (not those of the network's own weights), small-rate steps lumped, summed over seeds")

CLAIMS = (
    Claim("LWM19.fractions", "Notations", "q and p, the fractions with only Q and only P, are |M₁|/N and |M₂|/N.",
          "corrected", "learning_order.effective_samples", regime="every sample of (2.1)–(2.5)",
          correction="M₁ and M₂ hold the examples that have the pattern: q = 1 − |M₁|/N and p = 1 − |M₂|/N."),
    Claim("LWM19.bayes", "section 2, distribution P", "P is linearly separable by w* with margin γ₀ = 1/√d.",
          "exact", "learning_order.linear_error"),
    Claim("LWM19.memorise", "section 2, Figure 2",
          "Two ReLU neurons and a small enough offset ρ > 0 give the correct sign on all of Q.",
          "corrected", "learning_order.memorising_error", regime="α ~ U[0, 1], every ρ in (0, 1)",
          correction="A fixed ρ errs on z ± ζ where α ≤ ρ, a fraction ρ/2 of Q, small but never 0; ρ⟨z, x₂⟩ in its "
                     "place, a third neuron, is right for all α > 0."),
    Claim("LWM19.network", "(2.6) and Training objective",
          "N_A(u, U; x) takes the activation pattern from A; f is N_U, and the objective its mean logistic loss.",
          "exact", "learning_order.arc_cosine_kernel"),
    Claim("LWM19.stationary", "(3.3), Assumption 3.1",
          "With (1 − η₁λ)²τ₀² + η₁²τ_ξ² = τ₀² the noise part keeps the law of the start.",
          "exact", "learning_order.stationary_std"),
    Claim("LWM19.decomposition", "(3.4)",
          "At a constant rate the signal part is Ū_t = Σ η(1 − ηλ)^{t−s} ∇L̂(U_{s−1}).",
          "corrected", "learning_order.noise_autocorrelation", regime="every run, to rounding",
          correction="The sign is lost in the simplified form and again in (5.1): Ū_t = −Σ η(1 − ηλ)^{t−s} "
                     "∇L̂(U_{s−1}), as in (3.4) itself."),
    Claim("LWM19.turnover", "section 4, “rapidly changing” kernel",
          "Under the large rate the activation patterns turn over; under the small rate they hardly change.",
          "holds", "learning_order.pattern_turnover",
          regime="arccos((1 − ηλ)^k)/π after k steps, at the stationary noise"),
    Claim("LWM19.conditions", "below Assumption 3.3", "The choices satisfy λ ≤ r²/(κ²q³p²).",
          "corrected", "learning_order.asymptotic_exponents", regime="r = d^{−3/4}, λ = d^{−5/4}, d → ∞ at fixed κ",
          correction="λ/r² = d^{1/4} grows, so the condition fails for large d; what Lemma 4.2 needs is the reverse, "
                     "r²/λ small."),
    Claim("LWM19.4.1", "Lemma 4.1",
          "The large rate reaches a training loss of q log 2 + ε₁ in time Õ(d/ε₁), with a signal ‖Ū‖² of order "
          "d log²(1/ε₁).", "holds", "learning_order.asymptotic_exponents",
          regime="powers 1 in d at ε₁ = .4 from d = 40 to 400 with N = 4d, c_v = 10, r and λ of Assumption 3.3 up to "
                 "constants; d log(1/ε₁)/ε₁ and d log²(1/ε₁) on P alone, ε₁ = .4 to .05. With Q the noise keeps the "
                 "loss above small ε₁ at these sizes. " + _TOY + ": annealed at Σ η of 1 to 4 d"),
    Claim("LWM19.4.2", "Lemma 4.2", "Under the large rate |D| = |g(z+ζ) + g(z−ζ) − 2g(z)| stays below Õ(r²/λ).",
          "holds", "learning_order.curvature_bound",
          regime="Q-only population, r = .08 to .2, with constant c_v² and no logarithm; means over time"),
    Claim("LWM19.4.2-law", "Lemma 4.2, the order of D", "|D| before annealing is of the order r²/λ.",
          "corrected", "learning_order.curvature_prediction",
          regime="means over time on the Q-only population, patterns of the noise part, r = .08 to .2, λ = 4e-3 to "
                 ".016, |D| ≤ .6",
          correction="The bound is not tight: D → −¼E[ασ] (4/3π) c_v² r³/λ for small r, λ and η, smaller by a factor "
                     "of order r; slopes that answer to g to first order give the mean of D at finite sizes."),
    Claim("LWM19.4.3", "Lemma 4.3",
          "After annealing the training loss falls to O(√(ε₁/q)) in time of order 1/r, shorter than before.",
          "holds", "learning_order.asymptotic_exponents",
          regime=_TOY + "; the order in r seen on Q alone with kinks at rest, r = .05 to .2; that in ε₁ not fitted"),
    Claim("LWM19.4.4", "Lemma 4.4",
          "After annealing the losses of r on M₁ and of g on its complement are O(√(ε₁/q)) and O(√(ε₁/q³)).",
          "holds", "learning_order.asymptotic_exponents",
          regime=_TOY + "; at the stop. As ε₁ = .3 the bounds exceed log 2 and say little: r, about .5 on M₁, is below "
                        "that of S, and g is small"),
    Claim("LWM19.5.1", "Lemma 5.1", "The small rate fits M₂ first, before the P-only examples.",
          "holds", "learning_order.asymptotic_exponents", regime=_TOY),
    Claim("LWM19.5.2", "Lemma 5.2",
          "Under the small rate W learns little from M₂: its classifier for P is worse than that of the large rate.",
          "holds", "learning_order.asymptotic_exponents",
          regime=_TOY + "; ‖W̄⁽²⁾‖ is below half of that under the large rate; d^{15/32} was not fitted"),
    Claim("LWM19.5.3", "Lemma 5.3, identity", "r(x) − r(−x) is 2⟨α, x⟩ up to Õ(ε₃).", "exact",
          "learning_order.odd_part", regime="without a remainder, with 2α = Σ w_j W_j"),
    Claim("LWM19.5.3-span", "Lemma 5.3, span and norm",
          "α lies in the span of the P-only examples and has norm Ω̃(√(Np)).",
          "not reproduced", "learning_order.odd_part", regime=_TOY + "; also at d = 200, N = 800",
          correction="α has three parts, from P-only examples, from M₂ and from the noise. That from P-only examples "
                     "is the smallest and its norm is below √(Np)/5."),
    Claim("LWM19.3.4-range", "Theorem 3.4, range of ε₁", "ε₁ is chosen in (d^{−c}, κ²p²q³) with c < 1/16.",
          "corrected", "learning_order.least_dimension", regime="p = κ²/2",
          correction="The range is empty unless d > (4/(κ⁶q³))^{16}, 1e53 at κ = q = ½: no experiment lies in it."),
    Claim("LWM19.3.4", "Theorem 3.4, classification error", "L-S has test error at most O(pκ log 1/ε₁).",
          "holds", "learning_order.asymptotic_exponents", regime=_TOY + "; below p₀κ, the constant not determined"),
    Claim("LWM19.3.5", "Theorem 3.5, classification error", "S has test error at least Ω(p).",
          "holds", "learning_order.asymptotic_exponents",
          regime=_TOY + "; a fraction of P-only examples that is not small. With the roles of P and Q exchanged S does "
                        "not err more than L-S"),
    Claim("LWM19.test-loss", "Theorems 3.4 and 3.5, test loss", "The total test loss of L-S is below that of S.",
          "not reproduced", "learning_order.asymptotic_exponents", regime=_TOY,
          correction="At equal training loss the total test losses are about equal: L-S has the lower loss on P-only "
                     "and the higher on Q-only examples."),
    Claim("LWM19.1.1", "Theorem 1.1",
          "A large rate learns P first, from (1 − q)N examples, and Q only after annealing.",
          "holds", "learning_order.effective_samples", regime=_TOY),
    Claim("LWM19.1.2", "Theorem 1.2", "A small rate learns Q quickly, and P only from the pN examples without Q.",
          "holds", "learning_order.effective_samples",
          regime=_TOY + "; exchanging c_w with c_v and p₀ with q₀ reverses the order"),
    Claim("LWM19.kappa", "below Assumption 3.3, “factor O(κ)”", "The ratio of errors of L-S and S is O(κ).",
          "holds", "learning_order.asymptotic_exponents",
          regime="toy, Np₀ = d/5, κ = .35 to .71: the ratio of means over seeds is below κ/4 and falls faster than κ; "
                 "three sizes do not fix the power. At κ = .71 about one pair in 13 never reaches the training loss"),
    Claim("LWM19.mitigation", "section 6", "Noise before the activations, later taken away, helps a small rate.",
          "holds", "learning_order.arc_cosine_kernel",
          regime=_TOY + "; noise before V alone, 0.15 of the noise part's, taken away after a fixed time"),
    Claim("LWM19.visible", "Assumption 3.3, “can be relaxed”",
          "Learning order shows also away from the asymptotic choices.",
          "holds", "learning_order.visibility",
          regime=_TOY + "; also d = 200, N = 800, α ~ U[0, 1], and the network's own patterns at d = 100, m_v = 4e5"),
)
