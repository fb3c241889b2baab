"""Simulate Li, Wei and Ma 2019: learning order under large and small learning rates.

The data have two kinds of patterns, the network two blocks. P, which a linear
classifier learns from many examples, is seen by W; Q, three directions that a
network memorises from few, by V. Noise enters the weights as γ ξ with
ξ ~ N(0, τ_ξ²) in every update.

Notation
--------
d, N : dimension of either block of an example, and number of examples
p, q : fractions with P only and Q only; M₁, M₂ the examples that have x₁ (P), x₂ (Q)
z, ζ, r, α : Q's directions z and z ± ζ with ‖ζ‖ = r, and the length of an example along them
U = (W, V) : first layer (m_w + m_v, 2d); u its second, ±c_w/√m_w and ±c_v/√m_v
r(x), g(x) : what W makes of x₁ and V of x₂; f = r + g
η₁, η₂, γ : large and small rate, the rate of an update; times are sums of rates
λ, τ₀, τ_ξ : weight decay, standard deviation of the start, and of the gradient's noise
Ū, Ũ : signal and noise part of U (3.4); decoupled: V's activation pattern is that of Ũ
D : g(z+ζ) + g(z−ζ) − 2g(z)
"""

from theory import _checks
from refimpl._renamed import old_constants
from refimpl.learning_order._data import BOTH, P_ONLY, Q_ONLY, Data, Distribution, full_sample, q_population, sample
from refimpl.learning_order._loop import Run
from refimpl.learning_order._train import train_large_then_small, train_small
from refimpl.learning_order._two_layer_relu import TwoLayerReLU, logistic_loss
from refimpl.sgd._status import DIVERGED, STOPPED, SUCCESS

__all__ = ["BOTH", "DIVERGED", "P_ONLY", "Q_ONLY", "STOPPED", "SUCCESS", "Data", "Distribution", "Run", "TwoLayerReLU",
           "full_sample", "logistic_loss", "q_population", "sample", "train_large_then_small", "train_small"]

__getattr__ = old_constants(__name__, EXHAUSTED="STOPPED")

_checks.publish(__name__)
