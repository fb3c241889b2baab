"""Predict Li, Wei and Ma 2019: noise of the weights, kernels, the curvature D, and the sizes in the theorems."""

from theory._public import publish
from theory.learning_order._asymptotics import Visibility, asymptotic_exponents, least_dimension, visibility
from theory.learning_order._curvature_law import arc_cosine_kernel, curvature_bound, curvature_prediction, lag_kernel
from theory.learning_order._memorising_net import (MemorisingNetwork, effective_samples, linear_error, memorising_error,
                                                   memorising_network, odd_part)
from theory.learning_order._weight_noise import (mixing_time, noise_autocorrelation, noise_std, pattern_turnover,
                                                 stationary_std)

__all__ = ["MemorisingNetwork", "Visibility", "arc_cosine_kernel", "asymptotic_exponents", "curvature_bound",
           "curvature_prediction", "effective_samples", "lag_kernel", "least_dimension", "linear_error",
           "memorising_error", "memorising_network", "mixing_time", "noise_autocorrelation", "noise_std",
           "odd_part", "pattern_turnover", "stationary_std", "visibility"]

publish(__name__)
