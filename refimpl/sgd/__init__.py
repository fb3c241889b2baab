r"""Stochastic gradient descent on a stack of replicas: the hot loop of every study.

.. math:: w_{t+1} = (1 - \eta_t \lambda)\, w_t - \eta_t (\nabla L_{B_t}(w_t) + \xi_t)

L_B is the model's loss on the batch B_t, λ the weight decay and ξ_t optional
noise with independent N(0, τ²) entries. Replicas lie on leading axes and share
nothing but the data: the result of one never depends on the others, nor on how
they are chunked or spread over workers, to the last bit.

A model is a frozen dataclass with an attribute `parameter_shape` and a method
``gradient(w, x, y)`` that broadcasts over leading axes of `w`, `x` and `y` and
returns a new array.
"""

from refimpl._public import publish
from refimpl.sgd._chunk import COMPLETED, DIVERGED, STOPPED
from refimpl.sgd._run import Result, run

__all__ = ["COMPLETED", "DIVERGED", "STOPPED", "Result", "run"]

publish(__name__)
