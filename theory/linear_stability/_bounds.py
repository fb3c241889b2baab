"""Bounds on a limit that cost no search, and the limit between them.

In t = 1/η: necessary ≤ edge ≤ sufficient. What lies between them is enclosed
by `_certificate.enclose`, from the matrices of the necessary conditions.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory.linear_stability import _perron_vector
from theory.linear_stability._modes import Family
from theory.linear_stability._proofs import Edge, enclose, margin

_FEW = 128      # dimensions up to which all eigenvalues cost no more than a search for one


@dataclass(frozen=True, eq=False)
class Bounds:
    """Bounds on the edge in t = 1/η that cost no search: necessary ≤ edge ≤ sufficient."""

    trace: float
    eigenvector: float
    mode: int               # the eigenvector
    family: Family

    @classmethod
    def of(cls, family):
        each = _edges_of_modes(family)
        mode = int(np.argmax(each))
        return cls(family.start_edges(mode)[0][0], float(each[mode]), mode, family)

    @property
    def necessary(self):
        return max(self.trace, self.eigenvector)

    @cached_property
    def sufficient(self):
        return max(_sufficient(self.family), self.necessary)

    @cached_property
    def sufficient_at_least(self):
        """A lower bound on `sufficient`: a quotient in place of all eigenvalues, where these cost more."""
        if self.family.rule.nesterov or len(self.family.modes.curvatures) <= _FEW:
            return self.sufficient
        modes, mu = self.family.modes, self.family.rule.momentum
        weight = (1 + mu) / (1 - mu) * self.family.noise_factor

        def condition(vector):
            return modes.curvatures * vector + weight * modes.relative_variance_times(vector)

        return _perron_vector.largest(condition, np.ones(len(modes.curvatures)), 1e-6)[1] / (2 * (1 + mu))

    def sufficient_edge(self):
        return rounded(self.sufficient, 1 if self.sufficient == self.necessary else 4)

    def enclose(self, family):
        """The exact edge, between the bounds."""
        allowed = margin(len(family.modes.curvatures))
        if (self.sufficient_at_least - self.necessary <= 2 * allowed * self.necessary
                and self.sufficient - self.necessary <= allowed * self.sufficient):
            return rounded(self.necessary, 2 * len(family.modes.curvatures))
        edge = enclose(family, self.mode)
        value = max(edge.value, self.necessary)
        if value > self.sufficient_at_least * (1 - allowed):
            value = min(value, self.sufficient)
        return Edge(value, min(max(edge.lower, self.necessary * (1 - allowed)), value), edge.upper, edge.matrix,
                    edge.inside, edge.residual)


def rounded(value, size):
    """An edge known but for rounding."""
    allowed = margin(size)
    return Edge(value, value * (1 - allowed), value * (1 + allowed), None, None, 0.0)


def _edges_of_modes(family):
    """The t at which the form of vvᵀ changes sign, for each eigenvector v of A, shape (r,)."""
    curvatures, along, mu = family.modes.curvatures, family.noise_factor * family.modes.along, family.rule.momentum
    if not family.rule.nesterov:
        return np.maximum((curvatures / (1 + mu) + along / ((1 - mu) * curvatures)) / 2, family.floor)
    weight = np.ones((1, 1))
    return np.array([family.rule.inverse_lr_where(curvatures[i:i + 1], weight, along[i], family.floor)
                     for i in range(len(curvatures))])


def _sufficient(family):
    """The smallest t with pΣ ≤ diag(1/k_ii)."""
    curvatures, rule = family.modes.curvatures, family.rule
    if not rule.nesterov:
        mu = rule.momentum
        matrix = (1 + mu) / (1 - mu) * (family.noise_factor * family.modes.relative_variance)
        matrix.flat[::len(matrix) + 1] += curvatures
        return float(np.linalg.eigvalsh(matrix)[-1]) / (2 * (1 + mu))
    relative = family.noise_factor * family.modes.relative_variance
    if not relative.any():
        return family.floor
    t = family.floor * (1 + 1e-13)
    for _ in range(50):
        turn = np.sqrt(curvatures / rule.nesterov_diagonal(curvatures, t))
        values, vectors = np.linalg.eigh(turn[:, None] * relative * turn)
        if values[-1] <= 1 + 1e-14:
            break
        vector = vectors[:, -1] * turn                   # A^½ u, u the vector that breaks the condition most
        new = rule.inverse_lr_where(curvatures, np.diag(vector**2 / curvatures), float(vector @ relative @ vector), t)
        if new <= t * (1 + 1e-15):
            break
        t = new
    return t
