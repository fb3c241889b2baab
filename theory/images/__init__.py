r"""Predict Li, Wei and Ma 2019, section 6: shares, what a patch gives away, and the rate at which it is unstable.

The patches of class c are z + ζ and z − ζ. The net is
f(x) = b + Σ_k u_kᵀ[Uᵀx₍ₖ₎]₊ with K blocks of d inputs, m filters and C classes;
the loss is the mean softmax cross-entropy.
"""

from theory._public import publish
from theory.images._patch_curvature import (critical_patch_scale, initial_patch_curvature, momentum_limit,
                                            noise_covariance, patch_curvature)
from theory.images._shares import (augmentation_shares, distinct_patches, linear_patch_limit, mixed_accuracy,
                                   picture_shares)

__all__ = ["augmentation_shares", "picture_shares", "mixed_accuracy", "linear_patch_limit", "distinct_patches",
           "patch_curvature", "initial_patch_curvature", "momentum_limit", "critical_patch_scale", "noise_covariance"]

publish(__name__)
