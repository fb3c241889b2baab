r"""Closed forms of the distribution, and exponents. The public names are those of `theory.learning_order`."""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad
from scipy.special import ndtr

import refimpl._checks as _checks
from theory._order_kernel import curvature_prediction


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


def least_dimension(kappa, q):
    r"""d below which the range of ε₁ in Theorem 3.4, (d^{−c}, κ²p²q³) with c < 1/16, is empty.

    .. math:: d = \Bigl(\frac{4}{\kappa^6 q^3}\Bigr)^{16}, \qquad p = \kappa^2/2

    Parameters
    ----------
    kappa, q : float
        κ and q in (0, 1).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If one is outside (0, 1).

    References
    ----------
    [LWM19, Theorem 3.4 with Assumption 3.3]

    Examples
    --------
    >>> f"{least_dimension(0.5, 0.5):.0e}"
    '1e+53'
    """
    for name, value in (("kappa", kappa), ("q", q)):
        if _checks.scalar(value, name) >= 1:
            raise ValueError(f"{name} must lie in (0, 1), got {value:g}; it is a fraction")
    return (4 / (float(kappa)**6 * float(q)**3))**16


def asymptotic_exponents():
    """Powers of d and κ in the theorems under Assumption 3.3, logarithms and ε left out.

    N = d/κ², r = d^{−3/4}, λ = d^{−5/4}, p = κ²/2. Times are sums of learning
    rates.

    Returns
    -------
    dict of str to (float, float)
        Name → (power of d, power of κ).

    References
    ----------
    [LWM19, Assumption 3.3; Lemmas 4.1–4.4, 5.1–5.3; Theorems 3.4, 3.5]

    Examples
    --------
    >>> asymptotic_exponents()["curvature bound (4.2)"]
    (-0.25, 0.0)
    """
    r, weight_decay, n, p = np.array([[-0.75, 0.0], [-1.25, 0.0], [1.0, -2.0], [0.0, 2.0]])
    powers = {
        "annealing time (4.1)": (1.0, 0.0), "signal norm squared (4.1)": (1.0, 0.0),
        "curvature bound (4.2)": 2 * r - weight_decay, "curvature law": 3 * r - weight_decay,
        "memorising time (4.3)": -r, "signal change squared (4.3)": -r,
        "fitting time of P-only examples (5.1)": n + p, "signal of M2 (5.2)": (15 / 32, 0.0),
        "norm of alpha (5.3)": (n + p) / 2, "error of L-S (3.4)": p + [0, 1], "error of S (3.5)": p,
        "ratio of errors": (0.0, 1.0), "stated condition, lambda / r^2": weight_decay - 2 * r}
    return {name: (float(power[0]), float(power[1])) for name, power in powers.items()}


@dataclass(frozen=True)
class Visibility:
    """Conditions under which learning order shows at finite size; each number beside its limit in the docstring.

    Attributes
    ----------
    speed : float
        (c_v/c_w)² r d, that must be ≳ 1000: Q is then learned before P by a small rate.
    curvature : float
        |D| before annealing, that must be ≲ 0.5.
    decay : float
        λT₁ with T₁ = 2.25 d, that must be ≲ 0.5.
    stability : float
        η₁c_v²E[α²]/16, that must be < 1.
    residence : float
        Time until the small rate has turned weights by r, log(1 + r²η₁/η₂)/(2λ), over that in which D grows to −8
        about kinks at rest, 32π/(c_v²E[α]r); must be ≳ 1 for Q to be learned after annealing.
    """

    speed: float
    curvature: float
    decay: float
    stability: float
    residence: float

    @property
    def visible(self):
        """Whether all five hold."""
        return (self.speed >= 1000 and self.curvature <= 0.5 and self.decay <= 0.5 and self.stability < 1
                and self.residence >= 1)


def visibility(dim, r, v_scale, weight_decay, lr, small_lr, *, w_scale=1.0, mean_alpha=0.5, mean_square_alpha=1 / 3):
    """Whether learning order can be seen at these sizes; rules of thumb, not theorems.

    In time T under the small rate the noise part keeps e^{−λT} of itself and
    gains a variance of τ₀²(1 − e^{−2λT})η₂/η₁, which turns it by an angle of
    variance (e^{2λT} − 1)η₂/η₁. About kinks at rest, and at f = 0, D grows as
    −⅛E[α]c_v²C(1)T with C(1) ≈ 2r/π.

    Parameters
    ----------
    dim : int
    r, v_scale, weight_decay, lr, small_lr : float
        ‖ζ‖, c_v, λ, η₁ and η₂.
    w_scale : float
        c_w.
    mean_alpha, mean_square_alpha : float
        E[α] and E[α²].

    Returns
    -------
    Visibility

    Raises
    ------
    ValueError
        If one is not positive.

    Examples
    --------
    >>> visibility(200, 0.02, 750**0.5, 7.5e-4, 0.025, 1e-6, mean_alpha=0.75, mean_square_alpha=7 / 12).visible
    True
    """
    dim = _checks.whole(dim, "dim", 2)
    curvature = -curvature_prediction(v_scale, r, weight_decay, mean_alpha=mean_alpha)
    speed = (v_scale / _checks.scalar(w_scale, "w_scale"))**2 * r * dim
    square = _checks.scalar(mean_square_alpha, "mean_square_alpha")
    rest = np.log1p(r**2 * _checks.scalar(lr, "lr") / _checks.scalar(small_lr, "small_lr")) / (2 * weight_decay)
    return Visibility(speed, curvature, 2.25 * dim * weight_decay, lr * v_scale**2 * square / 16,
                      float(rest * v_scale**2 * mean_alpha * r / (32 * np.pi)))
