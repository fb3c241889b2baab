"""Shares of the kinds of images, and what a linear classifier can tell from a patch.

Each test says which wrong answer it would catch and shows it caught.
"""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from refimpl import images
from tests import support
from theory import images as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("LWM19.img-shares", "LWM19.img-slides-shares")
@given(st.integers(1, 400), st.floats(0, 1), st.floats(0, 1), support.seeds())
def test_shares_are_those_asked_for(n, augmented, patch_only, seed):
    """To rounding of whole images, for any shares; the shares of clean and augmented exchanged are caught."""
    patches = images.draw_patches(classes=3, channels=1, size=2, rng=seed)
    kind = images.augment(np.ones((n, 1, 3, 3)), np.zeros(n, int), patches, augmented=augmented, patch_only=patch_only,
                          rng=seed).kind
    counts, shares = np.bincount(kind, minlength=3), np.array(theory.augmentation_shares(augmented, patch_only))
    assert np.abs(counts - n * shares).max() <= 1.01 and abs(shares.sum() - 1) < 1e-12
    if n * abs(1 - 2 * augmented) > 2:
        assert np.abs(counts[0] - n * (1 - theory.augmentation_shares(augmented, patch_only)[0])) > 0.9
    assert_allclose(theory.picture_shares(augmented, patch_only), (shares[0], 1 - shares[1]), atol=1e-12)


@pytest.mark.claim("LWM19.img-shares", "LWM19.img-slides-shares")
def test_published_shares():
    """20, 16 and 64 %; the slides' 60 leaves 4 % of the images without a kind."""
    kind = images.augment(np.ones((100, 3, 9, 9)), np.zeros(100, int), images.draw_patches(rng=0), rng=0).kind
    assert np.bincount(kind).tolist() == [20, 16, 64]
    shares = np.array(theory.augmentation_shares())
    assert_allclose(shares, [0.2, 0.16, 0.64], rtol=1e-14)
    slides = np.array([0.2, 0.16, 0.60])
    assert abs(slides.sum() - 0.96) < 1e-12 and abs(shares[2] - slides[2]) > 0.03


def share_right(scores, labels):
    """Share of rows whose largest score is that of the label, alone."""
    top = scores.max(axis=1)
    own = scores[np.arange(len(labels)), labels]
    return Fraction(int(((own == top) & ((scores == top[:, None]).sum(axis=1) == 1)).sum()), len(labels))


@pytest.mark.claim("LWM19.img-separable")
@given(st.integers(2, 8), st.integers(1, 3), support.seeds())
def test_no_linear_classifier_passes_the_bound(classes, patterns, seed):
    """Fitted and random classifiers stay below (C+1)/2C; one reaches it; the nearest patch gets all right."""
    rng = np.random.default_rng(seed)
    patches = images.draw_patches(classes=classes, channels=2, size=4, patterns=patterns, rng=rng)
    rows = patches.variants().reshape(classes * patterns * 2, -1)
    labels = np.repeat(np.arange(classes), patterns * 2)
    limit = theory.linear_patch_limit(classes)
    with_one = np.column_stack([rows, np.ones(len(rows))])
    fitted = np.linalg.lstsq(with_one, np.eye(classes)[labels] + rng.standard_normal((1, classes)), rcond=None)[0]
    for weights in (fitted, *rng.standard_normal((5, *fitted.shape))):
        assert share_right(np.round(with_one @ weights, 9), labels) <= limit
    coordinates = np.linalg.pinv(patches.patterns.reshape(classes * patterns, -1))
    scores = ((rows - patches.base.ravel()) @ coordinates).reshape(-1, classes, patterns).sum(axis=2)
    scores[:, 0] = 0.1 * scores[:, 0] + 0.5
    assert share_right(scores, labels) == limit
    nearest = -((rows[:, None] - rows) ** 2).sum(axis=2)
    assert (labels[nearest.argmax(axis=1)] == labels).all() and limit < 1
    positive = slice(0, None, 2)  # with one sign alone they are separable: the mirrored sign is what forbids it
    plain = ((rows - patches.base.ravel()) @ coordinates).reshape(-1, classes, patterns).sum(axis=2)
    assert share_right(plain[positive], labels[positive]) == 1
    assert theory.distinct_patches(classes, patterns) == len(np.unique(np.round(rows, 12), axis=0))


@pytest.mark.claim("LWM19.img-separable")
def test_the_linear_limit_of_ten_classes():
    assert theory.linear_patch_limit(10) == Fraction(11, 20) and theory.linear_patch_limit(2) == Fraction(3, 4)


def test_accuracies_of_several_runs_are_mixed_one_by_one():
    mixed = theory.mixed_accuracy(np.array([1.0, 0.5]), 0.3, [0.1, 0.7])
    assert mixed.tolist() == [theory.mixed_accuracy(1.0, 0.3, 0.1), theory.mixed_accuracy(0.5, 0.3, 0.7)]
    assert isinstance(theory.mixed_accuracy(1.0, 0.3, 0.1), float) and mixed[0] != mixed[1]
