r"""Simulate Li, Wei and Ma 2019, section 6: patch-augmented images and a two-layer convolutional network.

A patch z ± ζ_y on an image of class y is easy to memorise and hard to fit: all
classes share z, and no linear classifier can use ζ. A small learning rate
memorises it at once and then learns little from the images; a large one, or
noise before the activations, cannot use it until it is annealed.

The published sizes are 7 × 7 patches with z of scale 1.25 and ζ in ±0.1 on
CIFAR-10, for a WideResNet; with two layers, and images of contrast 0.2, the
defaults here (2.2 and ±0.7) show the effect. The patch is then eleven times
brighter than the images.

Notation
--------
z, ζ_c, s : common part of the patches, that of class c, and the standard deviation of z's entries
C, K, m, d : classes, blocks of an image, filters, and inputs of a block
U, u, b : filters (d, m), head (K, m, C) and bias (C,)
ν, σ : noise before the activations and its standard deviation
η, μ, λ, B : learning rate, momentum, weight decay, batch size
"""

from theory import _checks
from refimpl._renamed import old_constants
from refimpl.images._arms import ARMS, Problem, arm, at_equal_loss, draw_problem, patch_activity, run_arm
from refimpl.images._conv_net import ConvNet
from refimpl.images._patches import BOTH, CLEAN, PATCH_ONLY, ImageData, Patches, augment, draw_patches, put_patches
from refimpl.images._synthetic import synthetic_images
from refimpl.images._train import Training, train
from refimpl.sgd._status import DIVERGED, SUCCESS

__all__ = ["ARMS", "BOTH", "CLEAN", "DIVERGED", "PATCH_ONLY", "SUCCESS", "ConvNet", "ImageData", "Patches", "Problem",
           "Training", "arm", "at_equal_loss", "augment", "draw_patches", "draw_problem", "patch_activity",
           "put_patches", "run_arm", "synthetic_images", "train"]

__getattr__ = old_constants(__name__, COMPLETED="SUCCESS")

_checks.publish(__name__)
