r"""Exponents and conditions of the theorems. The public names are those of `theory.learning_order`."""

from dataclasses import dataclass

import numpy as np

from theory import _checks
from theory.learning_order._curvature_law import curvature_prediction


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
    kappa, q = _checks.scalar(kappa, "kappa"), _checks.scalar(q, "q")
    for name, value in (("kappa", kappa), ("q", q)):
        if value >= 1:
            raise ValueError(f"{name} must lie in (0, 1), got {value:g}; it is a fraction")
    logarithm = 16 * (np.log(4) - 6 * np.log(kappa) - 3 * np.log(q))
    if logarithm > 709:
        raise ValueError(f"kappa and q must leave d below the largest float, got {kappa:g} and {q:g}, where log10 d is "
                         f"{logarithm / np.log(10):.6g}; use that")
    return (4 / (kappa**6 * q**3))**16


def asymptotic_exponents():
    """Powers of d and κ in the theorems under Assumption 3.3, logarithms and ε left out.

    N = d/κ², r = d^{−3/4}, λ = d^{−5/4}, p = κ²/2. Times are sums of learning
    rates.

    Returns
    -------
    dict of str to (float, float)
        Name → (power of d, power of κ), to rounding.

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
        "ratio of errors": (0.0, 1.0), "stated condition, lambda / r^2": weight_decay - 2 * r, "1 / (r d)": -r - [1, 0],
        "d lambda": weight_decay + [1, 0], "lambda / r": weight_decay - r}
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
        Dimension d of the P patterns.
    r, v_scale, weight_decay, lr, small_lr : float
        ‖ζ‖, c_v, λ, η₁ and η₂.
    w_scale : float
        c_w.
    mean_alpha, mean_square_alpha : float
        E[α] and E[α²].

    Returns
    -------
    Visibility
        `curvature` to a relative 1.1 r, as the leading law of `curvature_prediction`; the others to 1e-14.

    Raises
    ------
    ValueError
        If one is not positive, or η₂ > η₁.

    Examples
    --------
    >>> visibility(200, 0.02, 750**0.5, 7.5e-4, 0.025, 1e-6, mean_alpha=0.75, mean_square_alpha=7 / 12).visible
    True
    """
    dim = _checks.whole(dim, "dim", 2)
    r, v_scale, weight_decay, lr, small_lr, w_scale, mean_alpha, square = (
        _checks.scalar(value, name) for value, name in (
            (r, "r"), (v_scale, "v_scale"), (weight_decay, "weight_decay"), (lr, "lr"), (small_lr, "small_lr"),
            (w_scale, "w_scale"), (mean_alpha, "mean_alpha"), (mean_square_alpha, "mean_square_alpha")))
    curvature = -curvature_prediction(v_scale, r, weight_decay, mean_alpha=mean_alpha)
    speed = (v_scale / w_scale) * (v_scale / w_scale) * r * dim
    if small_lr > lr:
        raise ValueError(f"small_lr must be at most lr, {lr:g}, got {small_lr:g}; exchange them")
    def residence():
        turned = np.log1p(r * r * np.float64(lr) / small_lr) / (2 * weight_decay)
        return turned * v_scale * v_scale * mean_alpha * r / (32 * np.pi)

    found = (speed, curvature, 2.25 * dim * weight_decay, lr * v_scale * v_scale * square / 16,
             float(_checks.within_floats(residence, "r, v_scale, lr and weight_decay")))
    return Visibility(*(_checks.within_floats(value, "dim, v_scale, lr and weight_decay") for value in found))
