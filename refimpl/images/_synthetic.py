"""Synthetic images of classes that are hard to tell apart. The public name is that of `refimpl.images`."""

import numpy as np

from theory import _checks


def synthetic_images(n, *, classes=10, channels=3, size=21, template=0.2, white=0.3, contrast=0.2, blur=1.0,
                     templates=None, rng=None):
    r"""Images of classes that are hard to tell apart: a faint smooth template under smooth and white noise.

    .. math:: X = s\,\frac{a T_y + G + w W}{\sqrt{1 + a^2 + w^2}}

    T_y and G are Gaussian fields blurred by a Gaussian of standard deviation
    `blur` pixels around a torus, W is white; all have unit variance, so that X
    has standard deviation s.

    Parameters
    ----------
    n : int
        Number of images.
    classes, channels, size : int
        Images are channels × size × size.
    template, white, contrast : float
        a, w and s.
    blur : float
        In pixels.
    templates : array_like (classes, channels, size, size), optional
        T, to draw more images of the same classes.
    rng : None, int, SeedSequence or Generator
        Source of all that is drawn, by `numpy.random.default_rng`.

    Returns
    -------
    images : ndarray (n, channels, size, size)
    labels : ndarray (n,) of int
    templates : ndarray (classes, channels, size, size)

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> images, labels, templates = synthetic_images(6, classes=3, rng=0)
    >>> images.shape, labels.shape, templates.shape
    ((6, 3, 21, 21), (6,), (3, 3, 21, 21))
    """
    n, classes = _checks.whole(n, "n"), _checks.whole(classes, "classes", 2)
    shape = (_checks.whole(channels, "channels"), _checks.whole(size, "size"), size)
    a, w, s = (_checks.scalar(value, name, zero=True)
               for value, name in ((template, "template"), (white, "white"), (contrast, "contrast")))
    smooth = _torus_blur(size, _checks.scalar(blur, "blur", zero=True))
    rng = _checks.generator(rng)
    if templates is None:
        templates = smooth @ rng.standard_normal((classes, *shape)) @ smooth.T
    templates = _checks.shaped(templates, "templates", (classes, *shape))
    labels = rng.integers(classes, size=n)
    field = smooth @ rng.standard_normal((n, *shape)) @ smooth.T
    field += w * rng.standard_normal((n, *shape)) + a * templates[labels]
    return field * (s / np.sqrt(1 + a * a + w * w)), labels, templates


def _torus_blur(size, width):
    """Circulant matrix with rows of unit norm, so that white noise keeps its variance."""
    if width == 0:
        return np.eye(size)
    offset = np.arange(size)
    distance = np.minimum(offset, size - offset)
    row = np.exp(-distance**2 / (2 * width**2))
    row /= np.sqrt((row**2).sum())
    return row[(offset[None, :] - offset[:, None]) % size]
