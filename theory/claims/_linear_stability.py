"""Ledger rows of Wu, Ma and E 2018, the part on linear stability."""

from theory import linear_stability
from theory.claims._claim import Claim

CLAIMS = (
    Claim("WME18.eq2", "eqs. 1–2",
          "Near a global minimum SGD follows the linear dynamics x ← x − η H_B x, whose second moment closes on "
          "itself.",
          "exact", linear_stability.second_moment, "enumerated",
          test="test_simulation_averaged_over_all_index_sequences_equals_the_moment", figure="sufficient-condition"),
    Claim("WME18.eq4", "Theorem, eq. 4",
          "λmax((I − ηH)² + η²pΣ) ≤ 1 with p = (n−B)/(B(n−1)) makes a global minimum linearly stable.",
          "exact", linear_stability.lambda_max, "proved",
          test="test_eq4_is_the_largest_one_step_growth", figure="sufficient-condition"),
    Claim("WME18.p", "eq. 4, sampling factor",
          "A batch of B of n examples adds the noise p Σ with p = (n−B)/(B(n−1)).",
          "exact", linear_stability.sampling_factor, "proved",
          test="test_variance_of_a_batch_mean", figure="batch-size"),
    Claim("WME18.eq4-sharp", "Theorem, eq. 4 read as the boundary of stability",
          "The minima that SGD can keep are those that satisfy eq. 4.",
          "corrected", linear_stability.critical_lr, "enumerated",
          test="test_between_the_two_limits_the_ensemble_decays_although_eq4_fails", figure="sufficient-condition",
          regime="1-D to 64-D ensembles: equality for d = 1, commuting H_i, and equal-norm rank-1 H_i at B = 1; "
                 "η_suff/η* down to about 0.4 elsewhere",
          correction="Eq. 4 is sufficient only. A minimum is stable in mean square iff η ≤ η* = 2/λmax(C⁻¹D) on "
                     "range(H), with C(X) = ½(HX + XH) and D(X) = (1−p)HXH + p·mean(H_i X H_i); and η_suff ≤ η* ≤ "
                     "2/λmax(H)."),
    Claim("WME18.s", "below eq. 4",
          "The non-uniformity is s = λmax(Σ).",
          "corrected", linear_stability.non_uniformity, "proved",
          test="test_non_uniformity_is_a_curvature_and_eq4_bounds_it", figure="stability-diagram",
          regime="any ensemble: Σ scales as the square of curvature, the bound drawn for s as its first power",
          correction="s = √λmax(Σ): only then does eq. 4 give the bound s ≤ 1/(η√p) that the diagram draws."),
    Claim("WME18.fig2", "Fig. 2",
          "In the sharpness–non-uniformity plane the stable region is the rectangle a ≤ 2/η, s ≤ 1/(η√p).",
          "corrected", linear_stability.mean_square_non_uniformity, "enumerated",
          test="test_in_one_dimension_the_stable_region_is_the_half_ellipse", figure="stability-diagram",
          regime="d = 1, where both limits are exact",
          correction="The rectangle is drawn around the region of eq. 4, which in d = 1 is exact and is the "
                     "half-ellipse (1 − ηa)² + p(ηs)² ≤ 1: at the rectangle's corner λmax of eq. 4 is 2. In d > 1 "
                     "minima above s = 1/(η√p) can be stable. Only a ≤ 2/η is necessary everywhere."),
    Claim("WME18.fig2-B", "Fig. 2 left",
          "A larger batch lets SGD keep less uniform minima.",
          "exact", linear_stability.critical_lr, "proved",
          test="test_larger_batches_admit_larger_rates", figure="stability-diagram"),
    Claim("WME18.fig2-lr", "Fig. 2 right",
          "A smaller learning rate lets SGD keep sharper and less uniform minima: the region scales as 1/η.",
          "exact", linear_stability.non_uniformity_limit, "proved",
          test="test_the_region_scales_as_one_over_the_rate", figure="stability-diagram"),
    Claim("WME18.a", "Table 1, prediction row",
          "Gradient descent keeps only minima of sharpness at most 2/η, and SGD of any batch size no sharper ones.",
          "exact", linear_stability.sharpness_limit, "proved",
          test="test_gradient_descent_keeps_sharpness_up_to_two_over_the_rate", figure="stability-diagram"),
    Claim("WME18.toy", "Toy example",
          "On f₁, f₂ SGD with learning rate 0.7 escapes the minimum at 1 because of instability, while gradient "
          "descent stays.",
          "holds", linear_stability.two_minima, "simulated",
          test="test_exit_times_follow_their_exact_law", figure="two-minima",
          regime="B = 1, η = 0.7: almost every path leaves, ln|x−1| grows by 0.178 a step; exit times follow their "
                 "exact law"),
    Claim("WME18.many", "Introduction",
          "An over-parameterised loss has many global minima, and different algorithms choose different sets of them.",
          "holds", linear_stability.two_minima, "simulated",
          test="test_gradient_descent_stays_where_sgd_leaves", figure="two-minima",
          regime="the toy, which has two: at η = 0.7 gradient descent keeps both and SGD at B = 1 only x = 0"),
    Claim("WME18.eq3", "eq. 3",
          "Whether SGD stays at a minimum is decided by linear stability in mean square.",
          "corrected", linear_stability.almost_sure_lr, "simulated",
          test="test_between_the_limits_the_mean_square_diverges_while_paths_converge", figure="two-minima",
          regime="d = 1, the toy at x = 1: η* = 0.55249 against 0.55947",
          correction="Boundedness of E‖x_t‖² is stronger than staying: between η* and the zero of the Lyapunov "
                     "exponent E‖x_t‖² diverges while almost every path converges, and the probability to escape from "
                     "ε falls as ε^κ with E|1 − ηh_B|^κ = 1; κ = 2 at η*, κ = 0 at the almost-sure limit."),
    Claim("WME18.epoch", "eq. 4, for SGD as it is run",
          "Eq. 4 describes SGD that passes its examples in shuffled epochs.",
          "corrected", linear_stability.epoch_mean_square_rate, "enumerated",
          test="test_shuffled_epochs_can_be_less_stable_than_independent_batches", figure="batch-size",
          regime="n ≤ 7, d ≤ 3, every batch size, all orders enumerated",
          correction="Eq. 4 and η* are for batches drawn independently at each step. In d = 1 and B = 1 the "
                     "mean-square limit of shuffled epochs is the almost-sure limit of independent batches, never "
                     "below η*. In d > 1 it is above η* on random ensembles, but not always: factors (0, 3), (2, −2), "
                     "(3, 0) at B = 1 have .9939 η*.",
          ours=True),
)
