r"""Patches on images: shares of the parts of a set, and what a linear classifier can tell from a patch alone.

The public names are those of `theory.images`.
"""

from fractions import Fraction

import numpy as np

from theory import _checks


def augmentation_shares(augmented=0.8, patch_only=0.2):
    r"""Shares of clean, patch-only and patched images.

    .. math:: 1 - a, \qquad a p, \qquad a (1 - p)

    Parameters
    ----------
    augmented : float
        a in [0, 1], share of images that get a patch.
    patch_only : float
        p in [0, 1], share of those that keep nothing else.

    Returns
    -------
    clean, patch_only, both : float
        They add to 1.

    Raises
    ------
    ValueError
        If a share is outside [0, 1].

    References
    ----------
    [LWM19] section 6: 20, 16 and 64 %. [slides] Figure 4 prints 60 for the last.

    Examples
    --------
    >>> [round(share, 2) for share in augmentation_shares()]
    [0.2, 0.16, 0.64]
    """
    a, p = checked_share(augmented, "augmented"), checked_share(patch_only, "patch_only")
    return 1 - a, a * p, a * (1 - p)


def picture_shares(augmented=0.8, patch_only=0.2):
    r"""Share of images that teach the picture: to a learner that has the patch first, and to one without it.

    .. math:: 1 - a, \qquad 1 - a p

    Where a patch is learned first, the loss on every image with a patch is
    small and the picture is learned from the clean images alone; a learner
    that cannot use the patch learns it from all images but the patch-only ones.

    Parameters
    ----------
    augmented, patch_only : float
        As in `augmentation_shares`.

    Returns
    -------
    patch_first, patch_ignored : float

    Raises
    ------
    ValueError
        If a share is outside [0, 1].

    References
    ----------
    [LWM19] section 6: "learning the CIFAR images using a small fraction of all the available data".

    Examples
    --------
    >>> [round(share, 2) for share in picture_shares()]
    [0.2, 0.84]
    """
    clean, _, both = augmentation_shares(augmented, patch_only)
    return clean, clean + both


def mixed_accuracy(clean, patch_only, both, shares=None):
    r"""Accuracy on a mixed set from the accuracies on its parts, Σ share·accuracy.

    Parameters
    ----------
    clean, patch_only, both : array_like
        Accuracies in [0, 1] that broadcast.
    shares : (float, float, float), optional
        The default is those of `augmentation_shares`.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an accuracy is outside [0, 1] or the shares are not non-negative with sum 1.

    Examples
    --------
    >>> round(mixed_accuracy(0.8, 0.1, 0.75), 3), round(mixed_accuracy(0.7, 1.0, 1.0), 3)   # patch ignored, patch known
    (0.656, 0.94)
    """
    shares = _checks.shaped(augmentation_shares() if shares is None else shares, "shares", (3,))
    if shares.min() < 0 or abs(shares.sum() - 1) > 1e-9:
        raise ValueError(f"shares must be non-negative with sum 1, got {shares.tolist()}; divide them by their sum")
    parts = {"clean": clean, "patch_only": patch_only, "both": both}
    for name, value in parts.items():
        parts[name] = value = _checks.double(value, name)
        if (value < 0).any() or (value > 1).any():
            wrong = value[(value < 0) | (value > 1)].flat[0]
            raise ValueError(f"{name} must lie in [0, 1], got {wrong:g}; divide percentages by 100")
    total = sum(share * value for share, value in zip(shares, _checks.broadcast(**parts)))
    return total.item() if np.ndim(total) == 0 else total


def linear_patch_limit(classes):
    r"""Largest share of the patches z ± ζ that any linear classifier can get right.

    .. math:: \frac{C + 1}{2C}

    If scores are affine, f_c((z+ζ)+(z−ζ))/2 = f_c(z). A class whose patches of
    both signs are right has f_c(z) > f_{c'}(z) for all c' ≠ c, so at most one
    class has both; each other one has at most one sign of every pattern. The
    bound is met: let f_c be the coordinate of x − z along ζ_c, a tenth of it
    plus ½ for one class. Ties count as wrong.

    Parameters
    ----------
    classes : int
        C ≥ 2; the number of patterns a class does not matter.

    Returns
    -------
    Fraction

    Raises
    ------
    ValueError
        If `classes` is not a whole number of at least 2.

    References
    ----------
    [LWM19] section 6: "so that they are not easily separable".

    Examples
    --------
    >>> linear_patch_limit(10)
    Fraction(11, 20)
    """
    classes = _checks.whole(classes, "classes", 2)
    return Fraction(classes + 1, 2 * classes)


def distinct_patches(classes, patterns=1):
    """Number of different patch-only images at scale 1: 2·k·C; accuracy on them moves in steps of its inverse.

    Parameters
    ----------
    classes, patterns : int
        C ≥ 2 classes with k ≥ 1 patterns each.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> distinct_patches(10)
    20
    """
    return 2 * _checks.whole(classes, "classes", 2) * _checks.whole(patterns, "patterns")


def checked_share(value, name):
    """A share in [0, 1] as a float."""
    value = _checks.scalar(value, name, zero=True)
    if value > 1:
        raise ValueError(f"{name} must be a share in [0, 1], got {value:g}; divide percentages by 100")
    return value
