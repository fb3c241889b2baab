"""Examples of patches: strong, weak and noise. The public names are those of `refimpl.benign_oscillation`."""

from dataclasses import dataclass

import numpy as np

from theory import _checks


@dataclass(frozen=True)
class Data:
    """Examples of P patches; S are axes of independent sets.

    Attributes
    ----------
    x : ndarray (*S, n, P, d)
        Patches: strong or noise, weak, noise.
    y : ndarray (*S, n)
        Labels, +1 or −1.
    weak : ndarray (*S, n) of bool
        Which examples have no strong patch.
    strong_vector, weak_vector : ndarray (d,)
        u and v.
    """

    x: np.ndarray
    y: np.ndarray
    weak: np.ndarray
    strong_vector: np.ndarray
    weak_vector: np.ndarray

    def __post_init__(self):
        x, y = _checks.real(self.x, "x"), _checks.real(self.y, "y")
        weak = _checks.array(self.weak, "weak")
        if x.ndim < 3 or 0 in x.shape or y.shape != x.shape[:-2] or weak.shape != y.shape or weak.dtype != bool:
            raise ValueError("x must have shape (*S, n, P, d) with no empty axis, y (*S, n) and weak (*S, n) of bool, "
                             f"got {x.shape}, {y.shape} and {weak.shape} of {weak.dtype}; give one label per example")
        if (np.abs(y) != 1).any():
            raise ValueError(f"y must hold +1 and -1, got {y[np.abs(y) != 1].flat[0]:g}; map the two classes to them")
        u, v = _features(self.strong_vector, self.weak_vector, x.shape[-1])
        for name, value in (("x", x), ("y", y), ("weak", weak), ("strong_vector", u), ("weak_vector", v)):
            object.__setattr__(self, name, value if value.dtype == bool else value.astype(np.float64, copy=False))


def sample(n, *, dim=64, strong=None, weak=None, noise_std=0.0, weak_share=0.0, n_weak=None, labels="alternating",
           size=(), rng=None):
    r"""Draw examples with patches (y·u or noise, y·v, noise).

    The noise is ξ ~ N(0, σ_p²(I − uuᵀ/|u|² − vvᵀ/|v|²)), orthogonal to both
    features, so that E|ξ|² = σ_p²(d − 2).

    Parameters
    ----------
    n : int
        Examples in a set.
    dim : int
        d, at least 3 where there is noise.
    strong, weak : array_like (d,), optional
        u and v, orthogonal; the defaults are e₁ and 0.1 e₂.
    noise_std : float
        σ_p ≥ 0.
    weak_share : float
        ρ in [0, 1], the probability that an example is weak.
    n_weak : int, optional
        Instead of `weak_share`: exactly this many are weak, the last ones.
    labels : {"alternating", "random"} or array_like (n,)
        +1, −1, +1, …; fair coins; or given labels.
    size : tuple of int
        Shape S of the stack of sets.
    rng : None, int, SeedSequence or Generator
        By `numpy.random.default_rng`.

    Returns
    -------
    Data

    Raises
    ------
    ValueError
        If an argument is outside its range or u and v are not orthogonal.

    References
    ----------
    [LWYZ24] "Strong feature v.s. Weak feature Model".

    Examples
    --------
    >>> data = sample(4, dim=8, noise_std=0.1, n_weak=1, size=(5,), rng=0)
    >>> data.x.shape, data.y[0].tolist(), data.weak[0].tolist()
    ((5, 4, 3, 8), [1.0, -1.0, 1.0, -1.0], [False, False, False, True])
    """
    n, dim = _checks.whole(n, "n"), _checks.whole(dim, "dim", 2)
    _checks.room((n, 3, dim), "n and dim")
    u = np.where(np.arange(dim) == 0, 1.0, 0.0) if strong is None else strong
    v = np.where(np.arange(dim) == 1, 0.1, 0.0) if weak is None else weak
    u, v = _features(u, v, dim)
    noise_std = _checks.scalar(noise_std, "noise_std", zero=True)
    if noise_std and dim < 3:
        raise ValueError(f"dim must be at least 3 where there is noise, got {dim}; in the plane of the features there "
                         "is no room for it")
    weak_share = _checks.scalar(weak_share, "weak_share", zero=True)
    if weak_share > 1:
        raise ValueError(f"weak_share must be a probability, got {weak_share:g}; give a number in [0, 1]")
    rng, size = _checks.generator(rng), _checks.sizes(size, "size")
    y = _labels(labels, n, size, rng)
    if n_weak is None:
        is_weak = rng.random((*size, n)) < weak_share
    elif weak_share:
        raise ValueError(f"weak_share and n_weak cannot both be given, got {weak_share:g} and {n_weak}; drop one of "
                         "them")
    else:
        is_weak = np.broadcast_to(np.arange(n) >= n - _checks.whole(n_weak, "n_weak", 0, n), (*size, n)).copy()
    x = noise_std * rng.standard_normal((*size, n, 3, dim))
    for feature in (u, v):
        x -= (x @ feature)[..., None] * (feature / (feature @ feature))
    x[~is_weak, 0] = y[~is_weak, None] * u
    x[..., 1, :] = y[..., None] * v
    return Data(x, y, is_weak, u, v)


def two_patches(strong, weak):
    """The single example of the poster's picture: patches u and v, label +1, no noise.

    Parameters
    ----------
    strong, weak : array_like (d,)
        u and v, orthogonal.

    Returns
    -------
    Data
        One example (1, 2, d).

    Raises
    ------
    ValueError
        If u and v are not orthogonal vectors of one length.

    References
    ----------
    [LWYZ24] "Illustrative setup: single data with two patches".

    Examples
    --------
    >>> two_patches([1.0, 0.0], [0.0, 0.1]).x.tolist()
    [[[1.0, 0.0], [0.0, 0.1]]]
    """
    strong = _checks.shaped(strong, "strong", (None,))
    u, v = _features(strong, weak, len(strong))
    return Data(np.stack([u, v])[None], np.ones(1), np.zeros(1, bool), u, v)


def _features(strong, weak, dim):
    u, v = (_checks.shaped(value, name, (dim,)).astype(float) for value, name in ((strong, "strong"), (weak, "weak")))
    for value, name in ((u, "strong"), (v, "weak")):
        if not value.any():
            raise ValueError(f"{name} must not be 0, got the zero vector; give a feature some length")
    cosine = abs(u @ v) / (np.linalg.norm(u) * np.linalg.norm(v))
    if cosine > 1e-12:
        raise ValueError(f"strong and weak must be orthogonal, got a cosine of {cosine:.3g}; subtract the projection")
    return u, v


def _labels(labels, n, size, rng):
    if isinstance(labels, str):
        _checks.one_of(labels, "labels", ("alternating", "random"))
        if labels == "random":
            return rng.choice([-1.0, 1.0], (*size, n))
        given = 1.0 - 2.0 * (np.arange(n) % 2)
    else:
        given = _checks.shaped(labels, "labels", (n,))
    return np.broadcast_to(given, (*size, n)).astype(float)
