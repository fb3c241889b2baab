"""Synthetic images: their moments.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import images
from refimpl.images._synthetic import _torus_blur
from tests import support


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.img-shares")
def test_synthetic_images_have_the_stated_moments(rng):
    """One pixel and its neighbour in 12 000 fields: variance s², correlation e^(−1/4)/(1 + w²) of a unit blur."""
    n = 12_000
    x, y, _ = images.synthetic_images(n, classes=2, channels=1, size=16, template=0.0, white=1.0, contrast=0.5, rng=rng)
    pixel, neighbour = x[:, 0, 3, 3], x[:, 0, 3, 4]
    limit = support.z_limit(3)
    assert abs(pixel.var() / 0.25 - 1) <= limit * np.sqrt(2 / n) < 0.2   # without the normalisation it is 2
    assert abs((pixel * neighbour).mean() / 0.25 - np.exp(-0.25) / 2) <= limit * np.sqrt(2 / n)
    assert abs(y.mean() - 0.5) <= limit * support.binomial_error(0.5, n)
    faint, same, templates = images.synthetic_images(50, classes=2, template=3.0, white=0.0, contrast=1.0, rng=rng)
    mean = np.stack([faint[same == c].mean(axis=0) for c in range(2)])
    assert np.corrcoef(mean.ravel(), templates.ravel())[0, 1] > 0.95
    assert np.abs(np.corrcoef(mean.ravel(), templates[::-1].ravel())[0, 1]) < 0.5


@pytest.mark.chance("exact")
def test_an_image_is_the_sum_of_its_three_parts_over_their_norm():
    """The same draws with other weights: x √(1 + a² + w²)/s gains a·T_y from the templates, and is linear in w."""
    pictures = np.random.default_rng(1).standard_normal((2, 3, 6, 6))

    def parts(a, w):
        x, labels, _ = images.synthetic_images(20, classes=2, size=6, template=a, white=w, contrast=0.3,
                                               templates=pictures, rng=5)
        return x * np.sqrt(1 + a**2 + w**2) / 0.3, labels

    blurred, labels = parts(0.0, 0.0)
    assert_allclose(parts(0.7, 0.0)[0] - blurred, 0.7 * pictures[labels], rtol=1e-10, atol=1e-12)
    assert_allclose(parts(0.0, 0.5)[0] - blurred, (parts(0.0, 2.0)[0] - blurred) / 4, rtol=1e-10, atol=1e-12)
    assert set(labels) == {0, 1}


@pytest.mark.chance("exact")
@pytest.mark.parametrize("width", [1.25, 2.0])
def test_a_blur_correlates_pixels_by_its_width(width):
    """Rows of norm 1 whose products are e^(−d²/4w²) at a distance d round the torus; e^(−d²/4w) is caught."""
    smooth, distance = _torus_blur(40, width), np.minimum(np.arange(40), 40 - np.arange(40))
    assert_allclose((smooth @ smooth.T)[0], np.exp(-distance**2 / (4 * width**2)), rtol=0, atol=1e-6)
    assert_allclose(np.diag(smooth @ smooth.T), 1, rtol=1e-14)


@pytest.mark.chance("law")
def test_without_a_blur_pixels_are_independent(rng):
    """The blur of width 0, which is that of a narrow one: neighbours share nothing; 12 000 fields."""
    n = 12_000
    x, _, _ = images.synthetic_images(n, classes=2, channels=1, size=4, template=0.0, white=0.0, contrast=0.5, blur=0,
                                      rng=rng)
    pixel, neighbour = x[:, 0, 1, 1], x[:, 0, 1, 2]
    limit = support.z_limit(2) * np.sqrt(2 / n)
    assert abs(pixel.var() / 0.25 - 1) <= limit and abs((pixel * neighbour).mean() / 0.25) <= limit < np.exp(-0.25)
