"""Predict Li, Wei and Ma 2019: noise of the weights, kernels, the curvature D, and the sizes in the theorems.

Half of the patterns, P, are learned by a linear classifier from many examples;
the other half, Q, are three directions that a net memorises from few. A large
rate learns P first, a small one Q.

Notation
--------
d, N : dimension of either block, and number of examples; κ² = d/N
p, q : fractions of examples with P only and Q only; p₀, q₀ their probabilities
x₁, x₂ : the blocks of an example, from P and from Q
z, ζ, r : Q's directions are z and z ± ζ, with ‖z‖ = 1 and ‖ζ‖ = r; α scales them
w*, γ₀ : P's separating direction and its margin
W, V, U : first layers of r (on x₁) and of g (on x₂), and both; f = r + g
c_w, c_v : the second layers are ±c_w/√m_w and ±c_v/√m_v
η₁, η₂ : large and small rate; times are sums of rates
λ : weight decay
τ₀, τ_ξ : standard deviations of the noise part of a weight and of the gradient's noise
Ū, Ũ : signal and noise part of U
ρ : correlation of the noise part with itself some steps later (in `memorising_network` the offset)
D : g(z+ζ) + g(z−ζ) − 2g(z)
"""

from theory._checks import publish
from theory.learning_order._arc_cosine import arc_cosine_kernel, lag_kernel
from theory.learning_order._asymptotics import Visibility, asymptotic_exponents, least_dimension, visibility
from theory.learning_order._curvature_law import curvature_bound, curvature_prediction
from theory.learning_order._linear_classifier import effective_samples, linear_error, odd_part
from theory.learning_order._memorising_net import MemorisingNetwork, memorising_error, memorising_network
from theory.learning_order._weight_noise import (decoupling_error, mixing_time, noise_autocorrelation, noise_std,
                                                 pattern_turnover, stationary_std)

__all__ = ["MemorisingNetwork", "Visibility", "arc_cosine_kernel", "asymptotic_exponents", "curvature_bound",
           "curvature_prediction", "decoupling_error", "effective_samples", "lag_kernel", "least_dimension",
           "linear_error",
           "memorising_error", "memorising_network", "mixing_time", "noise_autocorrelation", "noise_std",
           "odd_part", "pattern_turnover", "stationary_std", "visibility"]

publish(__name__)
