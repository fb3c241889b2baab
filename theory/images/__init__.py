r"""Predict Li, Wei and Ma 2019, section 6: shares, what a patch gives away, and the rate at which it is unstable.

Notation
--------
z ± ζ_c : the patches of class c, z common to all
a, p : share of images with a patch, and of those that keep nothing else
q : share of the examples with a patch in the set whose curvature is asked for (a, or 1 if all have it)
C, K, m, d : classes, blocks of an image, filters, and inputs of a block
U, u, b : filters, head and bias of f(x) = b + Σ_k u_kᵀ[Uᵀx₍ₖ₎]₊
s : standard deviation of z's entries
η, μ, λ_w : learning rate, momentum, weight decay
λ : a curvature, an eigenvalue of the Hessian of the mean softmax cross-entropy
"""

from theory._checks import publish
from theory.images._patch_curvature import (critical_patch_scale, initial_patch_curvature, momentum_limit,
                                            noise_covariance, patch_curvature)
from theory.images._shares import (augmentation_shares, distinct_patches, linear_patch_limit, mixed_accuracy,
                                   picture_shares)

__all__ = ["augmentation_shares", "picture_shares", "mixed_accuracy", "linear_patch_limit", "distinct_patches",
           "patch_curvature", "initial_patch_curvature", "momentum_limit", "critical_patch_scale", "noise_covariance"]

publish(__name__)
