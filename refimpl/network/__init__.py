r"""Fully connected nets with hand-written derivatives, and the curvature of their minima (Wu, Ma and E 2018).

Conventions, stated here once:

- f(w, x) = φ(…φ(x W_0 + b_0)…) W_L + b_L; no activation after the last layer.
- Parameters are one flat array (…, P): W_0 row by row (inputs × outputs), b_0,
  W_1, b_1, …
- With k outputs f has shape (…, n, k); with k = 1 the last axis is dropped,
  (…, n). Labels of the squared loss have the shape of f, those of the
  cross-entropy are class numbers 0…k−1 of shape (…, n).
- L = (1/n) Σ ℓ_i with ℓ_i = ½‖f_i − y_i‖² (no mean over outputs) or
  ℓ_i = −log softmax(f_i)[y_i]. H_i is the Hessian of ℓ_i, and its Gauss–Newton
  part J_iᵀ (∂²ℓ_i/∂f²) J_i; H is the mean of the H_i. Another 1/n or ½ rescales
  η and H, not η·H.

At a minimum that interpolates, f_i = y_i, both agree for the squared loss and
`theory.linear_stability` applies with ``GaussNewton(model.factors(w, x))``.
"""

from theory import _checks
from refimpl.curvature import (Density, Eigenpairs, Estimate, Operator, bottom_eigenpairs, non_uniformity, operator,
                               sharpness, spectral_density, top_eigenpairs, trace)
from refimpl.network._descend import Minima, descend
from refimpl.network._line_derivatives import line_derivatives
from refimpl.network._mlp import MLP
from refimpl.network._polish import polish
from refimpl.network._teacher_set import teacher_set

__all__ = ["MLP", "sharpness", "non_uniformity", "top_eigenpairs", "bottom_eigenpairs", "trace", "spectral_density",
           "Operator", "operator", "Estimate", "Eigenpairs", "Density", "line_derivatives", "polish",
           "descend", "Minima", "teacher_set"]

_checks.publish(__name__)
