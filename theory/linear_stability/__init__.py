r"""Linear stability of SGD at a global minimum (Wu, Ma and E 2018).

Near a global minimum x* = 0 the loss is f(x) = (1/2n) Σ_i xᵀ H_i x with each
H_i symmetric positive semi-definite, and a step of SGD with learning rate η is

.. math:: x_{t+1} = x_t - \eta H_B x_t, \qquad H_B = \frac1B \sum_{i \in B} H_i,

with a batch of B examples drawn afresh at each step. H is the mean of the
H_i, Σ = mean(H_i²) − H², a = λmax(H) the sharpness, s = √λmax(Σ) the
non-uniformity, and p the `sampling_factor`. The minimum is *linearly stable*
(eq. 3, here: stable in mean square) if E‖x_t‖² stays bounded.

Eq. 4 of the poster, λmax((I − ηH)² + η²pΣ) ≤ 1, suffices for that; the exact
condition is η ≤ `critical_lr`, also with momentum μ, dampening τ, weight decay
wd (A = H + wd·I) and a frozen preconditioner; `certify` proves a verdict on one
rate. Where the examples' gradients g_i do not vanish, see `loss_floor`. Where examples are passed once an epoch in a
random order, see `epoch_mean_square_rate`.

References
----------
.. [WME18] L. Wu, C. Ma, W. E, "How SGD selects the global minima in
   over-parameterized learning: a dynamical stability perspective",
   NeurIPS 2018 (the poster's equation numbers).
"""

from theory._checks import publish
from theory.linear_stability._almost_sure import almost_sure_lr
from theory.linear_stability._bracket import Bracket, lr_bracket
from theory.linear_stability._certificate import Certificate, certify
from theory.linear_stability._covariance import gradient_ratio, loss_floor, stationary_covariance
from theory.linear_stability._critical_lr import critical_lr, necessary_lr
from theory.linear_stability._ensemble import Ensemble, GaussNewton
from theory.linear_stability._epoch import epoch_mean_square_rate
from theory.linear_stability._eq4 import (lambda_max, mean_square_non_uniformity, non_uniformity, non_uniformity_limit,
                                          sharpness, sharpness_limit, stability_matrix)
from theory.linear_stability._enclosure import Spectrum
from theory.linear_stability._escape import escape_exponent
from theory.linear_stability._mean_square import mean_square_rate, perron_weight, second_moment
from theory.linear_stability._multiplier import absolute_moment, lyapunov_exponent
from theory.linear_stability._path import path_log_loss
from theory.linear_stability._plot import plot_diagram, plot_rates
from theory.linear_stability._products import Products
from theory.linear_stability._report import StabilityReport, stability_report
from theory.linear_stability._sampling_factor import sampling_factor
from theory.linear_stability._toy import exit_time, mean_exit_time, two_minima

__all__ = ["Ensemble", "GaussNewton", "sampling_factor", "stability_matrix", "lambda_max", "mean_square_rate",
           "perron_weight", "critical_lr", "Spectrum", "necessary_lr", "certify", "Certificate",
           "stationary_covariance", "loss_floor", "gradient_ratio", "second_moment", "epoch_mean_square_rate",
           "sharpness", "non_uniformity", "sharpness_limit", "non_uniformity_limit", "mean_square_non_uniformity",
           "absolute_moment", "lyapunov_exponent", "almost_sure_lr", "escape_exponent", "two_minima", "exit_time",
           "mean_exit_time", "path_log_loss", "Products", "lr_bracket", "Bracket", "stability_report",
           "StabilityReport", "plot_diagram", "plot_rates"]

publish(__name__)
