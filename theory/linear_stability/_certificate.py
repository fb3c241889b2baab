r"""A verdict on one learning rate, with its proof.

The public names are those of `theory.linear_stability`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from theory.linear_stability._arguments import set_up
from theory.linear_stability._bounds import Bounds
from theory.linear_stability._lanczos import conjugate_gradients, smallest_form
from theory.linear_stability._proofs import margin, proves_stability


@dataclass(frozen=True)
class Certificate:
    """A proved verdict on stability in mean square, from `certify`.

    Attributes
    ----------
    verdict : {"stable", "unstable", "undecided"}
        What was proved. "undecided" within rounding of the limit, and where no
        proof was found.
    bound : float
        What proves it: a bound below 1 on the spectral radius of
        X ↦ k ∘ pN(X) ("stable", from a positive definite X), or a quotient
        above 1 that it is no smaller than ("unstable"); infinite where the
        full batch is unstable already; NaN if undecided.
    lr : float
        The learning rate judged.
    message : str
        The proof in a sentence.
    """

    verdict: str
    bound: float
    lr: float
    message: str


def certify(hessians, lr, batch_size, *, momentum=0.0, nesterov=False, dampening=0.0, weight_decay=0.0,
            replacement=False):
    r"""Whether SGD at this learning rate is stable in mean square, proved.

    With k and N of `critical_lr`, R(X) = k ∘ pN(X) at this η keeps the
    positive cone. So for any X ≻ 0 on range(H)

    .. math:: \lambda_{\max}(X^{-1/2} R(X) X^{-1/2}) < 1 \;\Rightarrow\; \text{stable}

    (Collatz and Wielandt), and as k^½ pN k^½ is symmetric, for any X

    .. math:: \langle X, pN(X) \rangle > \langle X, X / k \rangle \;\Rightarrow\; \text{unstable}.

    Stable means that E‖x_t‖² → 0 from every start in range(H), unstable that
    it grows from some. The answer allows for rounding and is never wrong about
    the ensemble as given to rounding; it decides where η is outside 1e-3 of
    the limit, and in general far closer. No uniqueness of a limit is used.

    Parameters
    ----------
    hessians, lr, batch_size
        As for `stability_matrix`.
    momentum, nesterov, dampening, weight_decay, replacement
        As for `critical_lr`.

    Returns
    -------
    Certificate
        With ``verdict`` "stable", "unstable" or "undecided".

    Raises
    ------
    ValueError
        As for `critical_lr`.

    Examples
    --------
    >>> certify([[[0.2]], [[3.8]]], 0.55, 1).verdict, certify([[[0.2]], [[3.8]]], 0.56, 1).verdict   # 4 / 7.24 = .5525
    ('stable', 'unstable')
    """
    problem = set_up(hessians, batch_size, momentum=momentum, nesterov=nesterov, dampening=dampening,
                     weight_decay=weight_decay, replacement=replacement)
    verdict, bound, message = judge(problem.limits(), problem.inverse(lr))
    return Certificate(verdict, float(bound), float(lr), message)


def judge(family, t):
    """(verdict, bound, message) at the t of a family of limits."""
    size = len(family.modes.curvatures)
    allowed = margin(size)
    if t < family.floor * (1 - allowed):
        return "unstable", np.inf, "the mode of largest curvature grows in the full batch already"
    if t <= family.floor * (1 + allowed):
        return "undecided", np.nan, "the learning rate is within rounding of the full batch's limit"
    bounds = Bounds.of(family)
    if not any(image.any() for _, image in family.start_pairs(bounds.mode)):
        return "stable", 0.0, "no noise acts, and the full batch is stable"
    if t < bounds.necessary * (1 - allowed):
        vanishing = np.diag(np.eye(size)[bounds.mode]) if bounds.eigenvector >= bounds.trace else np.eye(size)
        return "unstable", _quotient(family, t, vanishing), "a quotient at X = I or at an eigenvector of H exceeds 1"
    identity = np.eye(size)
    if t > bounds.sufficient and proves_stability(family, t, identity):
        return "stable", _radius(family, t, identity), "X = I is a certificate: the condition of eq. 4 holds"
    edge, near, _ = smallest_form(family, family.start_pairs(bounds.mode), tolerance=1e-5)
    if t < edge * (1 - allowed):
        return "unstable", _quotient(family, t, near), "a symmetric X was found whose quotient exceeds 1"
    inside, bent = conjugate_gradients(family, t, near, proves_stability)
    if inside is not None:
        return "stable", _radius(family, t, inside), "a positive definite X was found that R(X) stays below"
    if bent is not None and family.edge_of(bent, family.noise(bent), t) > t * (1 + allowed):
        return "unstable", _quotient(family, t, bent), "a symmetric X was found whose quotient exceeds 1"
    return "undecided", np.nan, "no proof was found; the learning rate is within rounding of the limit"


def _quotient(family, t, matrix):
    return np.vdot(matrix, family.noise(matrix)) / np.vdot(matrix, family.inverse_kernel(t) * matrix)


def _radius(family, t, matrix):
    """Largest eigenvalue of X^-½ R(X) X^-½."""
    top = len(matrix) - 1
    image = family.noise(matrix) / family.inverse_kernel(t)
    return eigh(image, matrix, eigvals_only=True, subset_by_index=[top, top])[0]
