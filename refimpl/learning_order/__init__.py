"""Simulate Li, Wei and Ma 2019: learning order under large and small learning rates.

The data have two kinds of patterns, the network two blocks. P, which a linear
classifier learns from many examples, is seen by W; Q, three directions that a
network memorises from few, by V. Noise enters the weights as γ ξ with
ξ ~ N(0, τ_ξ²) in every update.
"""

from refimpl._public import publish
from refimpl.learning_order._data import BOTH, P_ONLY, Q_ONLY, Data, Distribution, full_sample, q_population, sample
from refimpl.learning_order._train import DIVERGED, EXHAUSTED, STOPPED, Run, train_large_then_small, train_small
from refimpl.learning_order._two_layer_relu import TwoLayerReLU, logistic_loss

__all__ = ["BOTH", "DIVERGED", "EXHAUSTED", "P_ONLY", "Q_ONLY", "STOPPED", "Data", "Distribution", "Run",
           "TwoLayerReLU", "full_sample", "logistic_loss", "q_population", "sample", "train_large_then_small",
           "train_small"]

publish(__name__)
