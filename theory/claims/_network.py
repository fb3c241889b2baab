"""Ledger rows of Wu, Ma and E 2018, on real networks: figures 1, 3 and 4 and the measured half of Table 1."""

from theory import linear_stability
from theory.claims._claim import Claim

_NET = ("synthetic set: tanh net [20, 40, 40, 40, 1], n = 200, squared loss (1/2n)Σ(f−y)², ±1 labels with a quarter "
        "turned over, ")
_IMAGES = "; FashionMNIST (two classes, 784 inputs, the same net and loss): "
_TABLE = "; FashionMNIST in the authors' setting (784-100-100-100-10, ReLU, the first 500 images): "

CLAIMS = (
    Claim("WME18.tab1-gd", "Table 1",
          "Gradient descent ends at minima of sharpness 2/η and blows up where η is too large.",
          "holds", linear_stability.sharpness_limit, "simulated",
          test="test_gradient_descent_ends_at_the_edge", figure="network-sharpness",
          regime=_NET + "η = 0.02, 0.05, 0.1, where the flow would end sharper: aη/2 within 0.5 % of 1; "
                        "η = 2 blows up" + _TABLE + "aη/2 from .91 to 1 at η = .1 and .5, as time mean at the edge "
                        "while the loss still falls"),
    Claim("WME18.tab1-measured", "Table 1",
          "On FashionMNIST gradient descent ends at sharpness 53.5 ± 4.3, 39.3 ± 0.5, 19.6 ± 0.15, 3.9 ± 0.0 "
          "at η = 0.01, 0.05, 0.1, 0.5.",
          "holds", linear_stability.sharpness_limit, "simulated",
          test="test_table_one_on_the_real_images", figure="network-sharpness",
          regime="only with --data and the real set, 784-100-100-100-10 (the authors': 500), ReLU, PyTorch's start, "
                 "the first 500 images (the authors': 1000): 3.6 to 3.8 at η = .5, 19.1 at .1; 38.9, 39.3 and 27.5 at "
                 ".05 from three starts (the third start's flow ends below 2/η); 11 and rising at .01 after 20 000 "
                 "steps, where the published value is the end of a flow of η·steps in the thousands"),
    Claim("WME18.sharpest", "Learning rate and sharpness",
          "Gradient descent tends to select the sharpest possible minima.",
          "corrected", linear_stability.sharpness_limit, "simulated",
          test="test_a_small_rate_ends_below_the_edge", figure="network-sharpness",
          regime=_NET + "η from 0.01 to 2" + _TABLE + "η from 0.01 to 0.5",
          correction="It ends at the edge a = 2/η only where the flow would end at a sharper minimum. At η = 0.01 it "
                     "ends below (aη/2 from 0.5 to 0.9 on the synthetic set, .05 to .3 on FashionMNIST), and on the "
                     "synthetic set at η ≥ 0.2 some starts overshoot to minima flatter than 2/η (aη/2 down to 0.3)."),
    Claim("WME18.fig1", "Fig. 1",
          "SGD that starts at a minimum found by gradient descent with the same learning rate escapes fast, to a "
          "flatter one.",
          "holds", linear_stability.critical_lr, "simulated",
          test="test_sgd_escapes_where_theory_says", figure="network-escape",
          regime=_NET + "η = 0.05: escape at B = 4 and 16, where η > η* of that minimum; none at B = 100, where "
                        "η ≈ η*" + _IMAGES + "η/η* = 4.3, 1.4, .96 at B = 4, 16, 100: escapes, escapes, stays; B = 16 "
                        "settles at .72, with sharpness and non-uniformity .55 and .53 times those before"),
    Claim("WME18.fig1-growth", "Fig. 1 and eq. 2",
          "While it escapes, SGD on a net follows the linearised dynamics.",
          "holds", linear_stability.path_log_loss, "simulated",
          test="test_nets_follow_their_linearisation_on_the_same_batches", figure="network-escape",
          regime=_NET + "loss from 1e-20 on: log-loss grows by twice the Lyapunov exponent of the linearised map per "
                        "step, and step by step as the linearised map does on the same batches" + _IMAGES + "apart by "
                        ".06 and .005 in log loss at B = 4 and 16 over 23 e-folds, once the minimum is polished to "
                        "rounding (by 4 where its loss is 6e-23, hardly below the start)"),
    Claim("WME18.momentum-net", "eq. 3, with momentum",
          "A net stays at its minimum under SGD with momentum up to the exact critical rate, and leaves beyond it.",
          "holds", linear_stability.critical_lr, "simulated",
          test="test_nets_with_momentum_stay_below_the_critical_rate_and_leave_above", figure="network-momentum",
          regime=_NET + "B = 16, momentum .9, 10 000 steps from a loss of 1e-10: all paths fall below 1e-5 of it at "
                        ".9 η*, all exceed 300 times it at 1.1 η* (after 1500 steps about half of them)", ours=True),
    Claim("WME18.momentum-minima", "eq. 3 and Fig. 3, with momentum",
          "Minima that SGD with momentum finds lie at or below the exact critical rate with momentum, and beyond (1−μ) "
          "times the one without.",
          "holds", linear_stability.critical_lr, "simulated",
          test="test_minima_found_with_momentum_meet_its_threshold_and_not_the_rule_of_thumb",
          figure="network-momentum",
          regime=_NET + "μ = .9, η = .005 to .02, B = 4 and 16, loss below 1e-7: η/η* from .5 to 1.1, up to twice the "
                        "rule of thumb", ours=True),
    Claim("WME18.fig1-test", "Fig. 1 right",
          "The minimum found by SGD generalises better than the one found by gradient descent.",
          "not reproduced", linear_stability.critical_lr, "simulated",
          test="test_sgd_escapes_where_theory_says", figure="network-escape",
          regime=_NET + "B = 4 and 16 after gradient descent at η = .05" + _IMAGES + "B = 4",
          correction="On FashionMNIST, the source's set, SGD's minimum tests worse: .746 for gradient descent, .721 for"
                     " SGD. On the synthetic set it gains +.021 ± .003 at B = 4 over four starts, and at B = 16 +.001 "
                     "± .0016, not told from none; over all minima of SGD test accuracy falls with sharpness."),
    Claim("WME18.fig3", "Fig. 3",
          "Minima found by SGD lie below the line s = 1/(η√p).",
          "corrected", linear_stability.critical_lr, "simulated",
          test="test_minima_of_sgd_meet_the_exact_threshold_and_cross_the_drawn_bound", figure="network-minima",
          regime=_NET + "minima with loss below 1e-7 reached by independent batches",
          correction="Many lie above it (up to 1.3 times). The envelope is the exact mean-square threshold: a ≤ 2/η, "
                     "and η ≤ 1.1 η* for nearly all, at B = 4 for most. The others, up to 1.2 η*, lie where the "
                     "Lyapunov exponent of the linearised map is still negative: almost every path converges although "
                     "E‖x_t‖² diverges."),
    Claim("WME18.fig4", "Fig. 4",
          "Non-uniformity and sharpness of the minima are roughly proportional.",
          "holds", linear_stability.non_uniformity, "simulated",
          test="test_minima_of_sgd_meet_the_exact_threshold_and_cross_the_drawn_bound", figure="network-minima",
          regime=_NET + "correlation of the logarithms above 0.8, s/a constant to about 20 %"),
)
