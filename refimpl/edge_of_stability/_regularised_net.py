"""A net with weight decay as a loss of its parameters alone, with derivatives up to the fourth, and its minimum."""

from dataclasses import dataclass

import numpy as np

from refimpl.network import MLP, line_derivatives
from refimpl import _inputs
from theory import _checks


@dataclass(frozen=True, eq=False)
class RegularisedNet:
    r"""L(w) = (1/n) Σ ℓ_i(w) + ½ λ |w|² of a net on a fixed set; λ > 0 makes the Hessian at a minimum invertible.

    Attributes
    ----------
    model : MLP
        With tanh or identity: beside a kink of the ReLU there are no higher derivatives.
    x, y : ndarray (n, inputs), (n,) or (n, k)
        Examples and labels.
    weight_decay : float
        λ > 0.

    Examples
    --------
    >>> net = RegularisedNet(MLP((1, 1, 1)), np.ones((1, 1)), np.ones(1), 0.1)
    >>> net.hessian(np.zeros(4)).round(3).diagonal().tolist()
    [0.1, 0.1, 0.1, 1.1]
    """

    model: MLP
    x: np.ndarray
    y: np.ndarray
    weight_decay: float

    def __post_init__(self):
        _checks.scalar(self.weight_decay, "weight_decay")
        if _checks.having(self.model, "model", "activation", "hvp").activation == "relu":
            raise ValueError("model must be smooth, got activation='relu'; take 'tanh' or 'identity'")
        self.model.check_data(self.x, self.y)

    @property
    def parameter_shape(self):
        """(P,)."""
        return self.model.parameter_shape

    def loss(self, w):
        """L(w), shape (…), for w (…, P)."""
        w = _inputs.parameters(w, self.parameter_shape)
        return self.model.loss(w, self.x, self.y) + self.weight_decay / 2 * np.vecdot(w, w)

    def gradient(self, w):
        """∇L(w), shape (…, P)."""
        w = _inputs.parameters(w, self.parameter_shape)
        return self.model.gradient(w, self.x, self.y) + self.weight_decay * w

    def hessian(self, w):
        """The whole H at one point w (P,), shape (P, P): P products, so for nets of a few hundred parameters."""
        whole = self.model.hvp(w, self.x, self.y, np.eye(len(w)))
        return (whole + whole.T) / 2 + self.weight_decay * np.eye(len(w))

    def hessian_product(self, w, v):
        """H v at w, shape (…, P)."""
        v = _inputs.parameters(v, self.parameter_shape, "v")
        return self.model.hvp(w, self.x, self.y, v) + self.weight_decay * v

    def third_along(self, w, v):
        """T[v, v] at w, shape (…, P); decay has no part in it."""
        return line_derivatives(self.model, w, self.x, self.y, v, order=2)[2]

    def fourth_along(self, w, v):
        """F[v, v, v, v] at w, shape (…)."""
        return np.vecdot(line_derivatives(self.model, w, self.x, self.y, v)[3], v)


@dataclass(frozen=True)
class RegularisedMinimum:
    """Where `regularised_minimum` ended.

    Attributes
    ----------
    w : ndarray (P,)
    eigenvalues : ndarray (P,)
        Of the Hessian there, ascending.
    gradient_norm : float
        |∇L(w)|.
    success : bool
        Whether the gradient is at rounding and the Hessian positive definite.
    status : int
        0 success, 2 not after all steps.
    nit : int
        Newton steps.
    message : str
    """

    w: np.ndarray
    eigenvalues: np.ndarray
    gradient_norm: float
    success: bool
    status: int
    nit: int
    message: str


def regularised_minimum(net, start, *, tolerance=1e-12, max_steps=1000):
    """A minimum of a regularised net by Newton's method in a trust region, to rounding.

    Parameters
    ----------
    net : RegularisedNet
        Of a few hundred parameters: Hessians are whole.
    start : array_like (P,)
        Where to begin.
    tolerance : float
        |∇L| at the end, relative to the largest curvature.
    max_steps : int
        Newton steps at the most.

    Returns
    -------
    RegularisedMinimum

    Raises
    ------
    ValueError
        If `start` has another shape or a number is not positive.

    Examples
    --------
    >>> net = RegularisedNet(MLP((1, 2, 1)), np.array([[1.0], [-0.5]]), np.array([1.0, 0.2]), 0.05)
    >>> found = regularised_minimum(net, [0.5, -0.3, 0.1, 0.2, 0.7, 0.4, 0.0])
    >>> found.success, bool(found.eigenvalues[0] > 0)
    (True, True)
    """
    from scipy.optimize import minimize  # here: it is slow to load

    _checks.having(net, "net", "parameter_shape", "gradient", "hessian")
    w = _checks.shaped(start, "start", net.parameter_shape).astype(float)
    tolerance, max_steps = _checks.scalar(tolerance, "tolerance"), _checks.whole(max_steps, "max_steps")
    found = minimize(net.loss, w, jac=net.gradient, hess=net.hessian, method="trust-exact",
                     options={"maxiter": max_steps, "gtol": 1e-7})
    w = found.x
    for _ in range(3):  # the error is squared by each, down to rounding
        values, vectors = np.linalg.eigh(net.hessian(w))
        if values[0] <= 0:
            break
        w = w - vectors @ ((vectors.T @ net.gradient(w)) / values)
    values, norm = np.linalg.eigvalsh(net.hessian(w)), float(np.linalg.norm(net.gradient(w)))
    success = bool(values[0] > 0 and norm <= tolerance * values[-1])
    message = f"gradient {norm:.1e}, smallest curvature {values[0]:.2e}"
    return RegularisedMinimum(w, values, norm, success, 0 if success else 2, int(found.nit), message)
