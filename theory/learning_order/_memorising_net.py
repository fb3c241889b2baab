r"""Closed forms of the distribution and of its nets. The public names are those of `theory.learning_order`."""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad
from scipy.special import ndtr

from theory import _checks


@dataclass(frozen=True)
class MemorisingNetwork:
    """Two neurons in the frame (z, ζ/r) and the output −ReLU(⟨w, x⟩) − ReLU(⟨v, x⟩) + ρ, or + ρ⟨z, x⟩.

    Attributes
    ----------
    weights : ndarray (2, 2)
        w and v as rows.
    offset : float
        ρ.
    homogeneous : bool
        Whether ρ multiplies ⟨z, x⟩ instead of standing alone.
    """

    weights: np.ndarray
    offset: float
    homogeneous: bool

    def predict(self, x):
        """Output (…) for points x (…, 2) of the plane."""
        lift = np.asarray(x)[..., 0] if self.homogeneous else 1.0
        return self.offset * lift - np.maximum(np.asarray(x) @ self.weights.T, 0).sum(axis=-1)


def memorising_network(r, offset=0.5, *, homogeneous=False):
    r"""The net of section 2 that memorises Q, with w = (−1, −2/r) and v = (−1, 2/r).

    Then ⟨w, z⟩ = ⟨v, z⟩ = −1 and ⟨w, z − ζ⟩ = ⟨v, z + ζ⟩ = 1, so at α z it gives
    ρ and at α(z ± ζ) it gives ρ − α: margins ρ and α − ρ.

    Parameters
    ----------
    r : float
        ‖ζ‖.
    offset : float
        ρ in (0, 1).
    homogeneous : bool
        With ρ⟨z, x⟩, a third neuron, margins are αρ and α(1 − ρ): right for all α > 0.

    Returns
    -------
    MemorisingNetwork

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    [LWM19, section 2, Figure 2]

    Examples
    --------
    >>> memorising_network(0.5, 0.25).predict([[1.0, -0.5], [1.0, 0.0], [1.0, 0.5]]).tolist()
    [-0.75, 0.25, -0.75]
    """
    r, offset = _checks.scalar(r, "r"), _checks.scalar(offset, "offset")
    if offset >= 1:
        raise ValueError(f"offset must lie in (0, 1), got {offset:g}; above 1 even z ± ζ is classified wrongly")
    return MemorisingNetwork(np.array([[-1.0, -2 / r], [-1.0, 2 / r]]), offset, homogeneous)


def memorising_error(offset):
    r"""Error on Q of `memorising_network` with a fixed offset ρ and α ~ U[0, 1].

    .. math:: \tfrac12 P(\alpha \le \rho) = \rho/2

    Parameters
    ----------
    offset : float
        ρ in (0, 1).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    Corrects [LWM19, section 2].

    Examples
    --------
    >>> memorising_error(0.1)
    0.05
    """
    offset = _checks.scalar(offset, "offset")
    if offset >= 1:
        raise ValueError(f"offset must lie in (0, 1), got {offset:g}; choose a smaller one")
    return offset / 2


def linear_error(cosine, margin, dim):
    r"""Error on P of sign⟨u, x₁⟩ at angle φ to w*; 0 at φ = 0, the Bayes error.

    .. math:: \int_0^\infty 2\varphi(a)\, \Phi\bigl(-\cot\phi\,(\gamma_0\sqrt d + a)\bigr)\, da

    With margin 0 it is φ/π. The smallest margin of w* is γ₀.

    Parameters
    ----------
    cosine : float
        cos φ in [−1, 1].
    margin : float
        γ₀ ≥ 0, 1/√d in the paper.
    dim : int
        d.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    [LWM19, section 2]

    Examples
    --------
    >>> round(linear_error(0.0, 0.1, 100), 6), linear_error(1.0, 0.1, 100)
    (0.5, 0.0)
    """
    cosine = float(_checks.real(cosine, "cosine"))
    if not -1 <= cosine <= 1:
        raise ValueError(f"cosine must lie in [-1, 1], got {cosine:g}; divide by the norms")
    shift = _checks.scalar(margin, "margin", zero=True) * np.sqrt(_checks.whole(dim, "dim", 2))
    if abs(cosine) == 1:
        return 0.0 if cosine > 0 else 1.0
    slope = cosine / np.sqrt(1 - cosine**2)
    return quad(lambda a: np.sqrt(2 / np.pi) * np.exp(-a * a / 2) * ndtr(-slope * (shift + a)), 0, 40,
                epsabs=1e-13, epsrel=1e-11, limit=200)[0]


def odd_part(weights, output_weights):
    r"""α of Lemma 5.3: r(x) − r(−x) = 2⟨α, x⟩ exactly, for every two-layer ReLU network.

    .. math:: \alpha = \tfrac12 \sum_j w_j W_j

    Parameters
    ----------
    weights : array_like (m, d)
        W.
    output_weights : array_like (m,)
        w.

    Returns
    -------
    ndarray (d,)

    Raises
    ------
    ValueError
        If shapes do not fit.

    References
    ----------
    [LWM19, Lemma 5.3]

    Examples
    --------
    >>> odd_part([[1.0, 0.0], [0.0, 2.0]], [1.0, -1.0]).tolist()
    [0.5, -1.0]
    """
    weights = _checks.shaped(weights, "weights", (None, None))
    return _checks.shaped(output_weights, "output_weights", (len(weights),)) @ weights / 2


def effective_samples(n, p, q):
    """Examples from which P is learned: (large rate first, small rate) = ((1 − q)N, pN).

    Parameters
    ----------
    n : int
    p, q : float
        Fractions with P only and Q only.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        If a fraction is outside [0, 1].

    References
    ----------
    [LWM19, Theorems 1.1 and 1.2]

    Examples
    --------
    >>> effective_samples(100, 0.25, 0.25)
    (75.0, 25.0)
    """
    n = _checks.whole(n, "n")
    for name, value in (("p", p), ("q", q)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie in [0, 1], got {value!r}; it is a fraction of the examples")
    return (1 - q) * n, p * n
