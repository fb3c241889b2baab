r"""Simulate Wu, Ma and E 2018: SGD near a global minimum, and the toy with two minima.

Losses carry a factor ½ and are means over the examples of the batch,
L_B(w) = (1/2B) Σ_{i∈B} wᵀ H_i w, so that H_i is the Hessian of example i and
the limits of learning rates are in its units. The toy has no ½, as on the poster.

What has no closed form beyond one parameter is estimated here with a 95 %
interval from independent replicas (`Interval`): Λ the growth of log‖x‖ on
almost every path, the rate at which it is 0, κ the exponent of the probability
to escape, and the growth of shuffled epochs.
"""

from theory import _checks
from refimpl.linear_stability._lyapunov import almost_sure_lr_interval, lyapunov_interval
from refimpl.linear_stability._models import TOY_CURVATURES, LinearRegression, Quadratic, TwoMinima
from refimpl.linear_stability._replicas import Interval
from refimpl.linear_stability._sampled_orders import epoch_mean_square_interval
from refimpl.linear_stability._simulate import simulate, two_minima
from refimpl.linear_stability._tail_exponent import escape_exponent_interval

__all__ = ["TOY_CURVATURES", "LinearRegression", "Quadratic", "TwoMinima", "simulate", "two_minima", "Interval",
           "lyapunov_interval", "almost_sure_lr_interval", "escape_exponent_interval", "epoch_mean_square_interval"]

_checks.publish(__name__)
