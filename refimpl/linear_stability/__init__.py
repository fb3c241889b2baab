r"""Simulate Wu, Ma and E 2018: SGD near a global minimum, and the toy with two minima.

Losses carry a factor ½ and are means over the examples of the batch,
L_B(w) = (1/2B) Σ_{i∈B} wᵀ H_i w, so that H_i is the Hessian of example i and
the limits of learning rates are in its units. The toy has no ½, as on the poster.
"""

from refimpl._public import publish
from refimpl.linear_stability._models import TOY_CURVATURES, LinearRegression, Quadratic, TwoMinima
from refimpl.linear_stability._simulate import simulate, two_minima

__all__ = ["TOY_CURVATURES", "LinearRegression", "Quadratic", "TwoMinima", "simulate", "two_minima"]

publish(__name__)
