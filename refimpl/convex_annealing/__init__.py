r"""Simulate Nakkiran 2020: gradient descent and SGD that stop at a train loss.

The loss is the mean of squares without a factor ½, as on the slides,
L̂(β) = (1/n) Σ (⟨β, x_i⟩ − y_i)², so that its Hessian is (2/n) Σ x_i x_iᵀ.
The test loss P is the same mean over a test set; for the slides' distribution,
uniform on the basis vectors, the basis itself is a test set without error.
"""

from theory import _checks
from refimpl._renamed import old_constants
from refimpl.convex_annealing._descend import Descent, descend
from refimpl.convex_annealing._problem import LeastSquares, Problem, draw_samples, from_hessians, three_samples
from refimpl.sgd._status import DIVERGED, STOPPED, SUCCESS

__all__ = ["DIVERGED", "STOPPED", "SUCCESS", "Descent", "LeastSquares", "Problem", "descend", "draw_samples",
           "from_hessians", "three_samples"]

__getattr__ = old_constants(__name__, REACHED="SUCCESS", EXHAUSTED="STOPPED")

_checks.publish(__name__)
