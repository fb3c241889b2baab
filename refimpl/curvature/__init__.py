"""Curvature of a loss, from products alone: eigenvalues, spectra and traces of any model, also somebody else's.

H = (1/n) Σ H_i is the Hessian of the mean loss at a point w (P,); v a vector
(P,); A the operator at hand (H, −H, or mean H_i² − H²); P the number of
parameters; a = λmax(H) the sharpness; s = √λmax(mean H_i² − H²) the
non-uniformity. Any constant in front of the loss is a constant in front of H.
"""

from theory import _checks
from refimpl.curvature._eigenvalues import (Eigenpairs, Estimate, bottom_eigenpairs, non_uniformity, sharpness,
                                            top_eigenpairs)
from refimpl.curvature._operator import Operator, operator
from refimpl.curvature._plot import plot_density
from refimpl.curvature._spectrum import Density, spectral_density, trace

__all__ = ["Density", "Eigenpairs", "Estimate", "Operator", "bottom_eigenpairs", "non_uniformity", "operator",
           "plot_density", "sharpness", "spectral_density", "top_eigenpairs", "trace"]

_checks.publish(__name__)
