"""Refusals of the image study: formulas outside their domain, draws that make no sense.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest

from refimpl import images
from tests.images.test_patch_curvature import sizes
from theory import images as theory


@pytest.mark.claim("LWM19.img-shares", "LWM19.img-cause")
@pytest.mark.parametrize("call, message", [
    (lambda: theory.augmentation_shares(1.2), "augmented must be a share"),
    (lambda: theory.mixed_accuracy(1.1, 0, 0), "clean must lie in"),
    (lambda: theory.mixed_accuracy(1, 0, 0, (0.2, 0.16, 0.6)), "shares must be non-negative with sum 1"),
    (lambda: theory.mixed_accuracy(1, 0, 0, (1.2, -0.2, 0.0)), "shares must be non-negative with sum 1"),
    (lambda: theory.linear_patch_limit(1), "classes"),
    (lambda: theory.momentum_limit(1.0, 1.0), "momentum must be below 1"),
    (lambda: theory.momentum_limit(0.0), "curvature must be positive"),
    (lambda: theory.patch_curvature([1.0], [[1.0]], [[1.0, 0.0]], 0.0), "share must be above 0"),
    (lambda: theory.patch_curvature([1.0, 2.0], [[1.0]], [[1.0, 0.0]], 1.0), "filters must have shape"),
    (lambda: theory.critical_patch_scale(1e3, **sizes(images.ConvNet())), "lr must be below"),
    (lambda: theory.noise_covariance([[1.0]], [[[1.0]]], 1.0, "white"), "form must be one of"),
    (lambda: images.augment(np.ones((2, 3, 5, 5)), [0, 1], images.draw_patches(size=7)), "place must leave room"),
    (lambda: images.augment(np.ones((2, 1, 9, 9)), [0, 1], images.draw_patches()), "channels of the patches"),
    (lambda: images.augment(np.ones((2, 3, 9, 9)), [0, 10], images.draw_patches()), "labels must lie in 0…9"),
    (lambda: images.augment(np.ones((0, 3, 9, 9)), [], images.draw_patches()), "no empty axis"),
    (lambda: images.augment(np.ones((2, 9, 9)), [0, 1], images.draw_patches()), "images must have shape"),
    (lambda: images.augment(np.ones((2, 3, 9, 9)), [0, 1], images.draw_patches(), patch_only=2),
     "patch_only must be a share"),
    (lambda: images.draw_patches(scale=-1.0), "scale must be non-negative"),
    (lambda: images.Patches(np.ones((1, 2, 2)), np.ones((3, 2, 2))), "patterns"),
    (lambda: images.Patches(np.ones((1, 2, 2)), np.ones((2, 3, 1, 2, 2, 1))), "patterns"),
    (lambda: images.Patches(np.ones((1, 2, 3)), np.ones((2, 3, 1, 2, 3))), "give square patches"),
    (lambda: images.Patches(np.ones((2, 2)), np.ones((2, 3, 2, 2))), "base must have shape"),
    (lambda: images.synthetic_images(0), "n must be"), (lambda: images.arm("fast"), "name must be one of")])
def test_outside_their_domain_formulas_and_draws_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call()
