r"""What is asked of an ensemble, with its step rule: arguments checked, modes built, a frozen preconditioner taken in.

With a frozen diagonal preconditioner s the step divides the gradient, not the
decay's place in it, by s: in y = s^½ x it is plain SGD with H_i → s^-½ H_i s^-½
and A → s^-½ (H + wd·I) s^-½.
"""

from dataclasses import dataclass

import numpy as np

from theory import _checks
from theory.linear_stability._ensemble import Ensemble, GaussNewton, as_ensemble
from theory.linear_stability._modes import Family, Modes, modes_of
from theory.linear_stability._momentum import Rule, step_rule, weight_decay_of
from theory.linear_stability._range_of_hessian import Reduced
from theory.linear_stability._sampling_factor import sampling_factor

_LEAST = 1e-100     # η times a curvature that growth factors are taken at: below, all are 1 to rounding
_WIDEST = 5000      # parameters, where decay and preconditioner couple all directions


@dataclass(frozen=True, eq=False)
class Problem:
    """An ensemble as SGD runs on it."""

    ensemble: Ensemble
    modes: Modes
    noise_factor: float     # p
    rule: Rule

    def limits(self):
        """The family in t = 1/η, of learning rates scaled and with (1 − τ) in them."""
        return Family(self.modes, self.noise_factor, self.rule)

    def rates(self, lr):
        """The family of growth factors at the caller's learning rate."""
        scaled = self.ensemble.squared_lr(_checks.scalar(lr, "lr") * (1 - self.rule.dampening))
        return Family(self.modes, self.noise_factor, self.rule, max(scaled, _LEAST))

    def lr(self, inverse):
        """A t of `limits` as a learning rate in the caller's units."""
        return self.ensemble.rate(1 / inverse) / (1 - self.rule.dampening)

    def inverse(self, lr):
        """The caller's learning rate as a t of `limits`."""
        return 1 / (self.ensemble.scaled_lr(_checks.scalar(lr, "lr")) * (1 - self.rule.dampening))


def set_up(hessians, batch_size, *, momentum=0.0, nesterov=False, dampening=0.0, weight_decay=0.0, preconditioner=None,
           replacement=False):
    """The arguments that rates and limits share, checked."""
    ensemble = as_ensemble(hessians)
    noise = sampling_factor(ensemble.n, batch_size, replacement=replacement)
    rule, decay = step_rule(momentum, nesterov, dampening), weight_decay_of(weight_decay)
    if preconditioner is None:
        return Problem(ensemble, modes_of(ensemble.reduced, float(_scaled(decay, ensemble))), noise, rule)
    scale = _checks.positive(_checks.shaped(preconditioner, "preconditioner", (ensemble.dim,)), "preconditioner")
    divided = _divided(ensemble, scale)
    decay = _scaled(decay, divided, scale)
    if np.ptp(decay) == 0:
        return Problem(divided, modes_of(divided.reduced, float(decay[0])), noise, rule)
    return Problem(divided, _coupled(divided, decay), noise, rule)


def _scaled(decay, ensemble, scale=1.0):
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.ldexp(decay / scale, -ensemble.exponent)
    if not np.isfinite(scaled).all():
        raise ValueError("weight_decay must be in the units of the curvatures, got one 2**1024 times as large; "
                         "rescale the parameters")
    return scaled


def _divided(ensemble, scale):
    """The ensemble of s^-½ H_i s^-½."""
    if ensemble.is_factored:
        return Ensemble(GaussNewton(ensemble.hessians.jacobians / np.sqrt(scale)))
    return Ensemble(ensemble.hessians / np.sqrt(scale[:, None] * scale))


def _coupled(ensemble, decay):
    """Modes on all of R^d: a decay that differs from direction to direction couples null(H) to range(H)."""
    if ensemble.dim > _WIDEST:
        raise ValueError("preconditioner with weight_decay needs (d, d) arrays and "
                         f"d <= {_WIDEST}, got d = {ensemble.dim}; leave one of them out")
    given = ensemble.scaled
    if ensemble.is_factored:
        rows = given.reshape(-1, ensemble.dim)
        stacked = np.vstack([rows / np.sqrt(ensemble.n), np.diag(np.sqrt(decay))])
        _, singular, right = np.linalg.svd(stacked, full_matrices=False)
        curvatures, vectors = singular[::-1] ** 2, right[::-1].T
        factors = np.ascontiguousarray(given @ vectors)
        flat = factors.reshape(-1, ensemble.dim)
        mean = flat.T @ flat / ensemble.n
    else:
        mean = given.mean(axis=0)
        curvatures, vectors = np.linalg.eigh(mean + np.diag(decay))
        factors, mean = np.ascontiguousarray(vectors.T @ given @ vectors), vectors.T @ mean @ vectors
    return Modes(Reduced(curvatures, factors, ensemble.is_factored, vectors), curvatures, mean)
