"""Curvature of a loss, from products alone: eigenvalues, spectra and traces of any model, also somebody else's."""

from refimpl._public import publish
from refimpl.curvature._eigenvalues import Eigenpairs, Estimate, non_uniformity, sharpness, top_eigenpairs
from refimpl.curvature._operator import Operator, operator
from refimpl.curvature._spectrum import Density, spectral_density, trace

__all__ = ["Density", "Eigenpairs", "Estimate", "Operator", "non_uniformity", "operator", "sharpness",
           "spectral_density", "top_eigenpairs", "trace"]

publish(__name__)
