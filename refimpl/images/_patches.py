"""Patches of Li, Wei and Ma's kind, and how they are put on images. The public names are those of `refimpl.images`."""

from dataclasses import dataclass

import numpy as np

from theory import _checks

CLEAN, PATCH_ONLY, BOTH = 0, 1, 2


@dataclass(frozen=True)
class Patches:
    r"""Patches z ± ζ_c of every class: alike, not separable by a linear classifier, and easy to memorise.

    Attributes
    ----------
    base : ndarray (channels, size, size)
        z, common to all classes.
    patterns : ndarray (classes, k, channels, size, size)
        ζ, k patterns a class.
    """

    base: np.ndarray
    patterns: np.ndarray

    def __post_init__(self):
        base, patterns = _checks.real(self.base, "base"), _checks.real(self.patterns, "patterns")
        if base.ndim != 3 or base.shape[1] != base.shape[2] or patterns.shape[2:] != base.shape:
            raise ValueError("base must have shape (channels, size, size) and patterns (classes, k) + that, got "
                             f"{base.shape} and {patterns.shape}; give square patches, one shape for all")
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "patterns", patterns)

    @property
    def size(self):
        """Side of a patch."""
        return self.base.shape[-1]

    def variants(self):
        """Every patch at scale 1, z + ζ before z − ζ: (classes, k, 2, channels, size, size)."""
        signs = np.array([1.0, -1.0])[:, None, None, None]
        return self.base + signs * self.patterns[:, :, None]


@dataclass(frozen=True)
class ImageData:
    """Labelled images and what was done to each.

    Attributes
    ----------
    images : ndarray (n, channels, height, width)
        The images.
    labels : ndarray (n,) of int
        Their classes.
    kind : ndarray (n,) of int
        0 clean, 1 patch only, 2 both.
    """

    images: np.ndarray
    labels: np.ndarray
    kind: np.ndarray

    def only(self, kind):
        """The examples of one kind."""
        chosen = self.kind == kind
        return ImageData(self.images[chosen], self.labels[chosen], self.kind[chosen])


def draw_patches(*, classes=10, channels=3, size=7, scale=2.2, separation=0.7, patterns=1, rng=None):
    r"""Draw z = scale · N(0, I) and ζ ~ U(−separation, separation), independent entries.

    Parameters
    ----------
    classes, channels, size : int
        Number of classes, and shape of a patch.
    scale : float
        Standard deviation of the entries of z; 1.25 as published, 2.2 here (see the module).
    separation : float
        Half-width of the entries of ζ; 0.1 as published, 0.7 here; 0 makes all classes alike.
    patterns : int
        Patterns a class.
    rng : None, int, SeedSequence or Generator
        Source of all that is drawn, by `numpy.random.default_rng`.

    Returns
    -------
    Patches

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWM19] section 6 and eq. 2.4: z and ζ.

    Examples
    --------
    >>> draw_patches(classes=4, rng=0).variants().shape
    (4, 1, 2, 3, 7, 7)
    """
    sizes = [_checks.whole(value, name) for value, name in ((channels, "channels"), (size, "size"))]
    sizes.append(sizes[1])
    counts = [_checks.whole(classes, "classes", 2), _checks.whole(patterns, "patterns")]
    _checks.room([*counts, *sizes, size], "classes, patterns, channels and size")
    scale = _checks.scalar(scale, "scale", zero=True)
    separation = _checks.scalar(separation, "separation", zero=True)
    rng = _checks.generator(rng)
    return Patches(scale * rng.standard_normal(sizes), separation * rng.uniform(-1, 1, (*counts, *sizes)))


def put_patches(images, labels, patches, kind, *, sign, pattern=None, strength=None, place=None):
    r"""Put given patches on given images: z + sign·strength·ζ where the kind is not clean.

    Patch-only images are zero outside the patch. Labels and clean images are
    not touched.

    Parameters
    ----------
    images : array_like (n, channels, height, width)
        The images.
    labels : array_like (n,) of int
        Their classes.
    patches : Patches
        What is put into them.
    kind : array_like (n,) of int
        0 clean, 1 patch only, 2 both.
    sign : array_like (n,)
        ±1.
    pattern : array_like (n,) of int, optional
        Which pattern of the class; the default is the first.
    strength : array_like (n,), optional
        Factor of ζ; the default is 1.
    place : (int, int), optional
        Row and column of the patch's upper left corner; the default is the centre.

    Returns
    -------
    ImageData

    Raises
    ------
    ValueError
        If shapes or indices do not fit.

    Examples
    --------
    >>> images, patches = np.ones((3, 1, 5, 5)), draw_patches(classes=2, channels=1, size=3, rng=0)
    >>> data = put_patches(images, [0, 1, 1], patches, [0, 1, 2], sign=[1, 1, -1])
    >>> data.images[:, 0, 0, 0].tolist()
    [1.0, 0.0, 1.0]
    """
    images = _image_stack(images)
    _checks.having(patches, "patches", "base", "patterns")
    n, size = len(images), patches.size
    labels = _indices(labels, "labels", n, len(patches.patterns))
    kind = _indices(kind, "kind", n, 3)
    pattern = _indices(np.zeros(n, int) if pattern is None else pattern, "pattern", n, patches.patterns.shape[1])
    sign, strength = (_checks.shaped(np.ones(n) if value is None else value, name, (n,))
                      for value, name in ((sign, "sign"), (strength, "strength")))
    if images.shape[1] != len(patches.base):
        raise ValueError(f"images must have the {len(patches.base)} channels of the patches, got {images.shape[1]}; "
                         "draw patches with as many channels")
    row, column = _corner(images, size, place)
    out = images.copy()
    out[kind == PATCH_ONLY] = 0
    patched = kind != CLEAN
    factor = (sign * strength)[patched, None, None, None]
    out[patched, :, row:row + size, column:column + size] = (
        patches.base + factor * patches.patterns[labels[patched], pattern[patched]])
    return ImageData(out, labels, kind)


def augment(images, labels, patches, *, augmented=0.8, patch_only=0.2, patch_only_scale=1.75, random_scale=True,
            place=None, rng=None):
    r"""Put a patch, drawn once for each image, on a share of the images.

    Of `augmented`·n images, rounded, `patch_only` of them, rounded, keep the
    patch alone; which ones is a uniform draw. Sign and pattern are uniform;
    a patch-only image has ζ times `patch_only_scale`, with `random_scale`
    times U[0, 1] too.

    Parameters
    ----------
    images : array_like (n, channels, height, width)
        The images.
    labels : array_like (n,) of int
        Their classes.
    patches : Patches
        What is put into them.
    augmented, patch_only : float
        Shares in [0, 1]; .8 and .2 as published: 20 % clean, 16 % patch only, 64 % both.
    patch_only_scale : float
        Factor of a patch that stands alone.
    random_scale : bool
        Whether ζ is scaled at random.
    place : (int, int), optional
        Upper left corner; the default is the centre.
    rng : None, int, SeedSequence or Generator
        Source of all that is drawn, by `numpy.random.default_rng`.

    Returns
    -------
    ImageData

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWM19] section 6, [slides], Figure 4.

    Examples
    --------
    >>> patches = draw_patches(classes=2, channels=1, size=3, rng=0)
    >>> np.bincount(augment(np.ones((100, 1, 5, 5)), np.zeros(100, int), patches, rng=0).kind).tolist()
    [20, 16, 64]
    """
    images = _image_stack(images)
    _checks.having(patches, "patches", "base", "patterns")
    n = len(images)
    some, alone = round(_share(augmented, "augmented") * n), _share(patch_only, "patch_only")
    _checks.flag(random_scale, "random_scale")
    factor = _checks.scalar(patch_only_scale, "patch_only_scale", zero=True)
    rng = _checks.generator(rng)
    order = rng.permutation(n)
    kind = np.zeros(n, int)
    kind[order[:some]] = BOTH
    kind[order[:round(alone * some)]] = PATCH_ONLY
    sign, pattern = rng.choice([-1.0, 1.0], n), rng.integers(patches.patterns.shape[1], size=n)
    drawn = factor * (rng.uniform(size=n) if random_scale else np.ones(n))
    strength = np.where(kind == PATCH_ONLY, drawn, 1.0)
    return put_patches(images, labels, patches, kind, sign=sign, pattern=pattern, strength=strength, place=place)


def _image_stack(images):
    images = _checks.real(images, "images")
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(f"images must have shape (n, channels, height, width) with no empty axis, got {images.shape}; "
                         "put the channels before rows and columns")
    return images


def _indices(values, name, n, most):
    values = _checks.array(values, name)
    if values.dtype.kind not in "iu" or values.shape != (n,):
        raise ValueError(f"{name} must be {n} whole numbers, got dtype {values.dtype} and shape {values.shape}; give "
                         "one an image")
    if values.min() < 0 or values.max() >= most:
        raise ValueError(f"{name} must lie in 0…{most - 1}, got {values.min()}…{values.max()}; count from 0")
    return values.astype(np.intp)


def _corner(images, size, place):
    height, width = images.shape[2:]
    row, column = ((height - size) // 2, (width - size) // 2) if place is None else place
    if not (0 <= row <= height - size and 0 <= column <= width - size):
        raise ValueError(f"place must leave room for a patch of side {size} in {height} × {width} pixels, got "
                         f"{(row, column)}; move it or take smaller patches")
    return row, column


def _share(value, name):
    value = _checks.scalar(value, name, zero=True)
    if value > 1:
        raise ValueError(f"{name} must be a share in [0, 1], got {value:g}; divide percentages by 100")
    return value
