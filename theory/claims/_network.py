"""Ledger rows of Wu, Ma and E 2018, on real networks: figures 1, 3 and 4 and the measured half of Table 1."""

from theory import linear_stability
from theory.claims._claim import Claim, on_images

_NET = ("synthetic set: tanh net [20, 40, 40, 40, 1], n = 200, squared loss (1/2n)Σ(f−y)², ±1 labels with a quarter "
        "turned over, ")
_IMAGES = ("two classes, 200 images of 784 pixels, a quarter of the labels turned over, the same net and loss: ")
_TABLE = "the authors' setting (ReLU, inputs in [0, 1], one-hot labels, mean square over outputs too, full batch): "

CLAIMS = (
    Claim("WME18.tab1-gd", "Table 1",
          "Gradient descent ends at minima of sharpness 2/η and blows up where η is too large.",
          "holds", linear_stability.sharpness_limit, "simulated",
          test="test_gradient_descent_ends_at_the_edge", figure="network-sharpness",
          regime=_NET + "η = 0.02, 0.05, 0.1, where the flow would end sharper: aη/2 within 0.5 % of 1; "
                        "η = 2 blows up",
          elsewhere=on_images("in part", _TABLE + "784-500-500-500-10 on the first 1000 images, time means at the "
                              "edge: aη/2 = 1.04, .99 and .97 at η = .5, .1 and .05, swinging. 100 units, 500 "
                              "images: .961 ± .013 at .1 (five starts), not told from 1; at .5 each of sixteen "
                              "starts overshoots the edge, by up to 39 %, and they come to rest at .927 ± .006 of "
                              "it, .886 to .975, where Table 1 has .975")),
    Claim("WME18.tab1-measured", "Table 1",
          "On FashionMNIST gradient descent ends at sharpness 53.5 ± 4.3, 39.3 ± 0.5, 19.6 ± 0.15, 3.9 ± 0.0 "
          "at η = 0.01, 0.05, 0.1, 0.5.",
          "holds", linear_stability.sharpness_limit, "simulated",
          test="test_table_one_on_the_real_images", figure="network-sharpness",
          regime="only with --data and the real set; no copy of CIFAR-10, the table's other half, was at hand",
          elsewhere=on_images(
              "in part", _TABLE + "784-500-500-500-10, 1000 images, one start: 4.1 ± .4 at η = .5 and 19.7 ± .3 at .1 "
              "(a record's deviation), 38.8 ± .2 at .05 over η·steps = 1100 to 1360 (at the edge since 560, 37.8 at "
              "first); at .01 it is within 53.5 ± 4.3 from η·steps = 713 to 875 (loss .0049 to .0030, training "
              "accuracy .999 and 1), 59.6 after 92 500 steps and rising by .8 per 25: that value is of a time. "
              "Until a run meets its edge sharpness is one function of η·steps, alike to .5 % at all rates. 100 units, "
              "500 images: 3.71 ± .02 (sixteen starts, not the 3.9 of the larger net), 19.2 ± .3, 28 to 39 and rising "
              "(three starts), and 6.3 at .01 after 10 000 steps. At equal training loss sharpness hardly "
              "depends on n, width and depth, and grows with the scale of the start; more images only take longer")),
    Claim("WME18.sharpest", "Learning rate and sharpness",
          "Gradient descent tends to select the sharpest possible minima.",
          "corrected", linear_stability.sharpness_limit, "simulated",
          test="test_a_small_rate_ends_below_the_edge", figure="network-sharpness",
          regime=_NET + "η from 0.01 to 2",
          elsewhere=on_images("seen", _TABLE + "aη/2 is .03 at η = .01 after 10 000 steps, and nowhere above 1 by "
                               "more than swings at .05, .1 and .5"),
          correction="It ends at the edge a = 2/η only where the flow would end at a sharper minimum. At η = 0.01 it "
                     "ends below (aη/2 from 0.5 to 0.9), and at η ≥ 0.2 some starts overshoot to minima flatter than "
                     "2/η (aη/2 down to 0.3)."),
    Claim("WME18.sharpening", "Table 1",
          "More examples only slow gradient descent down: how sharp it is at a training loss depends on the scale of "
          "the start, and hardly on the number of examples.",
          "holds", linear_stability.sharpness_limit, "simulated",
          test="test_sharpness_at_a_loss_goes_with_the_scale_of_the_start_and_not_with_the_examples",
          figure="network-sharpening",
          regime="synthetic images of 10 × 10 pixels in ten classes, " + _TABLE + "30 units, 50 to 400 examples, 1 to "
                 "4 hidden layers, scales .7 to 2 of PyTorch's start",
          elsewhere=on_images("seen", _TABLE + "30 units, 50 to 400 images, five starts: sharpness at equal loss goes "
                              "as the scale to the power 1.03 ± .11, as the examples to .09 ± .03, as the hidden "
                              "layers to −.26 ± .08; time to that loss as the examples to .32 ± .01"), ours=True),
    Claim("WME18.fig1", "Fig. 1",
          "SGD that starts at a minimum found by gradient descent with the same learning rate escapes fast and "
          "converges to another one.",
          "holds", linear_stability.critical_lr, "simulated",
          test="test_sgd_escapes_where_theory_says", figure="network-escape",
          regime=_NET + "η = 0.05: escape at B = 4 and 16, where η > η* of that minimum; none at B = 100, where "
                        "η ≈ η*. Where it goes is flatter; at B = 4 it was not followed until it converged",
          elsewhere=on_images("seen", _IMAGES + "four starts, η/η* = 3.9, 1.4, 1.02 at B = 4, 16, 100: escapes, "
                               "escapes, stays; at B = 16 η/η* goes from 1.29 to .82 (means), sharpness and "
                               "non-uniformity to .58 and .64 of what they were; B = 4 had not settled in 25 000 "
                               "steps")),
    Claim("WME18.fig1-growth", "Fig. 1 and eq. 2",
          "While it escapes, SGD on a net follows the linearised dynamics.",
          "holds", linear_stability.path_log_loss, "simulated",
          test="test_nets_follow_their_linearisation_on_the_same_batches", figure="network-escape",
          regime=_NET + "loss from 1e-20 on: log-loss grows by twice the Lyapunov exponent of the linearised map per "
                        "step, and step by step as the linearised map does on the same batches",
          elsewhere=on_images("seen", _IMAGES + "64 nets and their linearisation apart by .006 and .004 in log loss "
                               "at B = 4 and 16 over 23 e-folds, once the minimum is polished to rounding (a loss of "
                               "6e-23 there, hardly below the start's, had set them apart by .4 to 4); growth .485 "
                               "against .499 and .150 against .146, of nets put back near the minimum before they "
                               "leave the linear range")),
    Claim("WME18.momentum-net", "eq. 3, with momentum",
          "A net stays at its minimum under SGD with momentum up to the exact critical rate, and leaves beyond it.",
          "holds", linear_stability.critical_lr, "simulated",
          test="test_nets_with_momentum_stay_below_the_critical_rate_and_leave_above", figure="network-momentum",
          regime=_NET + "B = 16, momentum .9, 10 000 steps from a loss of 1e-10: all paths fall below 1e-5 of it at "
                        ".9 η*, all exceed 300 times it at 1.1 η* (after 1500 steps about half of them)",
          elsewhere=on_images("in part", _IMAGES + "24 of 24 nets fall at .9 η*, and at 1.1 η* too: the mean square "
                               "grows there, by rare batches, but 2Λ = −.0014 per step, and almost every path falls"),
          ours=True),
    Claim("WME18.momentum-minima", "eq. 3 and Fig. 3, with momentum",
          "Minima that SGD with momentum finds lie at or below the exact critical rate with momentum, and beyond (1−μ) "
          "times the one without.",
          "holds", linear_stability.critical_lr, "simulated",
          test="test_minima_found_with_momentum_meet_its_threshold_and_not_the_rule_of_thumb",
          figure="network-momentum",
          regime=_NET + "μ = .9, η = .005 to .02, B = 4 and 16, loss below 1e-7: η/η* from .5 to 1.1, up to twice the "
                        "rule of thumb",
          elsewhere=on_images("seen", _IMAGES + "24 minima with loss below 1e-5, η = .005 and .01, B = 16 and 64: "
                               "η/η* from .01 to .86, and up to 14 times the rule of thumb (B = 64); none in 20 000 "
                               "steps at η = .002, B = 4"),
          ours=True),
    Claim("WME18.fig1-test", "Fig. 1 right",
          "The minimum found by SGD generalises better than the one found by gradient descent.",
          "not reproduced", linear_stability.critical_lr, "simulated",
          test="test_sgd_escapes_where_theory_says", figure="network-escape",
          regime=_NET + "B = 4 and 16 after gradient descent at η = .05",
          elsewhere=on_images("not seen", _IMAGES + "SGD with B = 16 gains +.006 ± .0034 over four starts; over 30 "
                               "minima of SGD accuracy changes with log a by +.0085 ± .0037: neither is told from "
                               "none"),
          correction="On FashionMNIST, the source's set, SGD's minimum tests as gradient descent's does, within "
                     "errors. On the synthetic set it gains +.021 ± .003 at B = 4 over four starts, and at B = 16 "
                     "+.001 ± .0016, not told from none; over all minima of SGD test accuracy falls with sharpness."),
    Claim("WME18.fig3", "Fig. 3",
          "Minima found by SGD lie below the line s = 1/(η√p).",
          "corrected", linear_stability.critical_lr, "simulated",
          test="test_minima_of_sgd_meet_the_exact_threshold_and_cross_the_drawn_bound", figure="network-minima",
          regime=_NET + "minima with loss below 1e-7 reached by independent batches",
          correction="Many lie above it (up to 1.3 times). The envelope is the exact mean-square threshold: a ≤ 2/η, "
                     "and η ≤ 1.1 η* for nearly all, at B = 4 for most. The others, up to 1.2 η*, lie where the "
                     "Lyapunov exponent of the linearised map is still negative: almost every path converges although "
                     "E‖x_t‖² diverges.",
          elsewhere=on_images("seen", _IMAGES + "30 minima with loss below 1e-5 and falling, η = .05 and .1, B = 16 "
                               "and 64: η/η* up to 1.10, no Lyapunov exponent of the 9 beyond 1 above 0 by 3 "
                               "standard errors; 3 above the poster's line (up to 1.08 times); at B = 4 none is "
                               "reached in 40 000 steps")),
    Claim("WME18.fig4", "Fig. 4",
          "Non-uniformity and sharpness of the minima are roughly proportional.",
          "holds", linear_stability.non_uniformity, "simulated",
          test="test_minima_of_sgd_meet_the_exact_threshold_and_cross_the_drawn_bound", figure="network-minima",
          regime=_NET + "correlation of the logarithms above 0.8, s/a constant to about 20 %",
          elsewhere=on_images("seen", _IMAGES + "30 minima, a from 2.7 to 29: correlation .95, s ∝ a^p with p = 1.31 "
                               "± .08, s/a about 3 but for flat minima, where it falls to 1")),
)
