"""Patches on images: what augmentation does and leaves, signs and scales.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm, uniform

from refimpl import images
from tests import support

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("LWM19.img-shares")
@given(st.integers(1, 30), st.integers(1, 4), st.integers(1, 3), st.booleans(), support.seeds())
def test_what_augmentation_does_and_leaves(n, size, patterns, random_scale, seed):
    """Labels and clean images untouched; patch-only images zero outside; the patch z ± tζ of its class, in place."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, 2, 6, 7)), rng.integers(4, size=n)
    patches = images.draw_patches(classes=4, channels=2, size=size, patterns=patterns, rng=rng)
    place = None if rng.random() < 0.5 else (int(rng.integers(7 - size)), int(rng.integers(8 - size)))
    before = x.copy()
    data = images.augment(x, y, patches, augmented=0.7, patch_only=0.4, random_scale=random_scale, place=place,
                          rng=seed)
    assert_array_equal(x, before)
    assert_array_equal(data.labels, y)
    row, column = place or ((6 - size) // 2, (7 - size) // 2)
    inside = np.zeros((6, 7), bool)
    inside[row:row + size, column:column + size] = True
    for image, label, kind, original in zip(data.images, y, data.kind, x):
        if kind == images.CLEAN:
            assert_array_equal(image, original)
            continue
        assert_array_equal(image[:, ~inside], 0 if kind == images.PATCH_ONLY else original[:, ~inside])
        offset = image[:, inside].reshape(patches.base.shape) - patches.base
        strengths = [(offset * zeta).sum() / (zeta * zeta).sum() for zeta in patches.patterns[label]]
        residues = [np.abs(offset - t * zeta).max() for t, zeta in zip(strengths, patches.patterns[label])]
        t = abs(strengths[int(np.argmin(residues))])
        assert min(residues) < 1e-12
        if kind == images.BOTH:
            assert_allclose(t, 1, rtol=1e-9)
        elif random_scale:
            assert t <= 1.75 + 1e-9
        else:
            assert_allclose(t, 1.75, rtol=1e-9)


def test_a_patch_may_lie_at_every_edge_and_nowhere_beyond():
    """3 × 3 in 5 × 7 pixels: corners (0, 0) and (2, 4) are the last; one further in any direction is refused."""
    patches = images.draw_patches(classes=2, channels=1, size=3, rng=0)

    def put(place):
        return images.put_patches(np.zeros((1, 1, 5, 7)), [0], patches, [images.BOTH], sign=[1.0], place=place)

    for row, column in ((0, 0), (2, 4)):
        there = put((row, column)).images[0, 0, row:row + 3, column:column + 3]
        assert_allclose(there, patches.variants()[0, 0, 0, 0], rtol=1e-15)
    for beyond in ((-1, 0), (0, -1), (3, 4), (2, 5)):
        support.refused("place must leave room", put, beyond)


@pytest.mark.parametrize("name, values, message", [
    ("labels", [0.0, 1.0], "dtype float64"), ("labels", [0, 1, 1], r"shape \(3,\)"), ("labels", [0, -1], "0…1"),
    ("labels", [0, 2], "0…1, got 0…2"), ("kind", [0, 3], "0…2"), ("pattern", [0, 1], "pattern must lie in 0…0"),
    ("sign", [1.0], "sign"), ("strength", [1.0], "strength")])
def test_patches_are_put_by_whole_numbers_one_an_image(name, values, message):
    given = {"labels": [0, 1], "kind": [0, 2], "sign": [1.0, -1.0]} | {name: values}
    patches = images.draw_patches(classes=2, channels=1, size=3, rng=0)
    with pytest.raises(ValueError, match=message):
        images.put_patches(np.zeros((2, 1, 5, 5)), given.pop("labels"), patches, given.pop("kind"), **given)


@pytest.mark.chance("law")
def test_signs_are_fair_and_scales_uniform(rng):
    """20 000 patch-only images: the scale by the distance of distributions, the sign by its frequency."""
    n = 20_000
    patches = images.draw_patches(classes=2, channels=1, size=2, rng=rng)
    data = images.augment(np.zeros((n, 1, 2, 2)), np.zeros(n, int), patches, augmented=1.0, patch_only=1.0, rng=rng)
    zeta = patches.patterns[0, 0]
    t = ((data.images - patches.base) * zeta).sum(axis=(1, 2, 3)) / (zeta * zeta).sum()
    limit = support.dkw_limit(n, 2)
    ranks = (np.arange(n) + 0.5) / n
    assert np.abs(np.sort(np.abs(t)) / 1.75 - ranks).max() <= limit < np.abs(np.sort(np.abs(t)) - ranks).max()
    assert abs((t > 0).mean() - 0.5) <= support.z_limit(2) * support.binomial_error(0.5, n)


@pytest.mark.chance("law")
def test_patches_have_the_scale_and_the_half_width_asked_for(rng):
    """4800 normal and 48 000 uniform entries, by the distance of distributions, limits .040 and .013; twice the scale
    lies .16 away, and entries from −.2 to .1 lie .25 away."""
    patches = images.draw_patches(channels=3, size=40, scale=1.25, separation=0.2, rng=rng)
    for entries, law, wrong in ((patches.base, norm(0, 1.25), norm(0, 2.5)),
                                (patches.patterns, uniform(-0.2, 0.4), uniform(-0.2, 0.3))):
        values = np.sort(entries, axis=None)
        ranks, limit = (np.arange(values.size) + 0.5) / values.size, support.dkw_limit(values.size, 2)
        assert np.abs(law.cdf(values) - ranks).max() <= limit < np.abs(wrong.cdf(values) - ranks).max()
