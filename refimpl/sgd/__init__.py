r"""Stochastic gradient descent on a stack of replicas: the hot loop of every study.

.. math:: w_{t+1} = (1 - \eta_t \lambda)\, w_t - \eta_t (\nabla L_{B_t}(w_t) + \xi_t)

L_B is the model's loss on the batch B_t, λ the weight decay and ξ_t optional
noise with independent N(0, τ_ξ²) entries. With momentum μ and dampening τ it is
the step of `torch.optim.SGD`, its first one (v = g, undamped) included:

.. math:: g = \nabla L_{B_t}(w_t) + \lambda w_t + \xi_t, \qquad v \leftarrow \mu v + (1 - \tau) g, \qquad
          w_{t+1} = w_t - \eta_t v

or w − η (g + μ v) by Nesterov's rule. Replicas lie on leading axes and share
nothing but the data: the result of one never depends on the others, nor on how
they are chunked or spread over workers, to the last bit.

A model is a frozen dataclass with an attribute `parameter_shape` and a method
``gradient(w, x, y)`` that broadcasts over leading axes of `w`, `x` and `y` and
returns a new array. Two methods are optional: ``check_data(x, y)`` refuses
examples or labels that are not the model's, before the first step, and
``kernel(x, y, batch_size)`` returns a fast path, or None where it has none
(what a kernel is says `refimpl.sgd._kernel`).

The status of every run, here and in the studies, is 0 for success, 1 for
divergence, and 2 where the steps were used up or the run was stopped early.
"""

from theory import _checks
from refimpl._renamed import old_constants
from refimpl.sgd._run import Result, run
from refimpl.sgd._status import DIVERGED, STOPPED, SUCCESS

__all__ = ["DIVERGED", "STOPPED", "SUCCESS", "Result", "run"]

__getattr__ = old_constants(__name__, COMPLETED="SUCCESS")

_checks.publish(__name__)
