r"""The eigenproblem behind rates and limits: noiseless modes, noise, and the family of forms between them.

With A = H + wd·I of eigenvalues a_i, N(X) = mean_i H_i X H_i − H X H, which is
the mean of (H_i − H) X (H_i − H) and so keeps the positive cone, and k of
`_momentum`, everything asked of the second moment is where the form

.. math:: X \mapsto \frac{X}{k(t)} - p\,N(X)

on symmetric (r, r) matrices, in the eigenbasis of A, stops being positive
definite as t falls from infinity: t is 1/η for a limit, the growth factor for
a rate. It cannot do so above the `floor`, where the noiseless part is at its
own limit and 1/k reaches 0.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory.linear_stability._momentum import Rule
from theory.linear_stability._range_of_hessian import Reduced

_ABOVE = 2e-13      # the floor is searched from so much above it, relative: 1/k is 0 there but for rounding


@dataclass(frozen=True, eq=False)
class Modes:
    """An ensemble in the eigenbasis of A."""

    reduced: Reduced
    curvatures: np.ndarray      # (r,) a_i, positive
    mean: np.ndarray            # H: (r,) its diagonal where it commutes with A, or (r, r)

    def noise(self, matrix):
        """N(X), shape (r, r), for a symmetric X."""
        product = self.reduced.mean_product(matrix)
        if self.mean.ndim == 1:
            square = np.outer(self.mean, self.mean)
            square *= matrix
            product -= square
        else:
            product -= self.mean @ matrix @ self.mean
        product = product + product.T
        product /= 2
        return product

    @cached_property
    def variance(self):
        """Σ = N(I), shape (r, r)."""
        if self.mean.ndim == 1:
            return self.reduced.variance
        return self.reduced.mean_square() - self.mean @ self.mean

    @cached_property
    def variance_trace(self):
        """tr Σ, without Σ where no digits are lost."""
        return self.reduced.variance_trace if self.mean.ndim == 1 else np.trace(self.variance)

    @cached_property
    def relative_variance(self):
        """A^-½ Σ A^-½, with the digits of flat directions."""
        scale = np.sqrt(self.curvatures)
        if self.mean.ndim == 1:
            return self.reduced.mean_square(scale) - np.diag(self.mean**2 / self.curvatures)
        turned = self.mean / scale
        return self.reduced.mean_square(scale) - turned.T @ turned

    def relative_variance_times(self, vector):
        """A^-½ Σ A^-½ v."""
        scale = np.sqrt(self.curvatures)
        divided = vector / scale
        twice = self.mean**2 * divided if self.mean.ndim == 1 else self.mean @ (self.mean @ divided)
        return (self.reduced.mean_square_times(divided) - twice) / scale

    @cached_property
    def along(self):
        """mean_i (vᵀ H_i v)² − (vᵀ H v)² for each eigenvector v of A, shape (r,)."""
        factors = self.reduced.factors
        if self.reduced.is_factored:
            each = np.einsum("nkr,nkr->nr", factors, factors)      # vᵀ H_i v
        else:
            each = np.diagonal(factors, axis1=1, axis2=2)
        return each.var(axis=0)

    def noise_of_mode(self, index):
        """N(v vᵀ) for one eigenvector v of A."""
        factors = self.reduced.factors
        if self.reduced.is_factored:
            bent = np.einsum("nkr,nk->nr", factors, factors[..., index])   # H_i v
        else:
            bent = factors[..., index]
        mean = self.mean[:, index] if self.mean.ndim == 2 else np.where(np.arange(bent.shape[1]) == index, self.mean, 0)
        return bent.T @ bent / len(bent) - np.outer(mean, mean)


def modes_of(reduced, weight_decay=0.0):
    """Modes of an ensemble on range(H), with weight decay: null(H) decays by itself, and no noise reaches it."""
    return Modes(reduced, reduced.eigenvalues + weight_decay, reduced.eigenvalues)


@dataclass(frozen=True, eq=False)
class Family:
    """The forms X / k(t) − p N(X), t > `floor`; `lr` is None where t is 1/η, else t is the growth factor at `lr`."""

    modes: Modes
    noise_factor: float         # p
    rule: Rule
    lr: float = None            # (1 − τ) η

    @cached_property
    def floor(self):
        """Where the noiseless part is at its limit: no t below is stable."""
        if self.lr is None:
            return 1 / self.rule.full_batch_lr(self.modes.curvatures[-1])
        return self.rule.noiseless_rate(self.modes.curvatures, self.lr)

    def above_floor(self, t):
        """`t`, or the least t at which 1/k is positive."""
        return max(t, self.floor * (1 + _ABOVE))

    def inverse_kernel(self, t):
        """1 / k(t), shape (r, r)."""
        if self.lr is None:
            return self.rule.inverse_kernel(self.modes.curvatures, t)
        return self.rule.inverse_kernel_at(self.modes.curvatures, self.lr, t)

    def kernel_rounding(self, t):
        """Bound on the rounding of `inverse_kernel`, in units of ε, shape (r, r)."""
        return self.rule.kernel_rounding(self.modes.curvatures, t, self.lr)

    def noise(self, matrix):
        """p N(X)."""
        return self.noise_factor * self.modes.noise(matrix)

    def start_pairs(self, mode):
        """(X, pN(X)) for X = I, which overlaps every eigenvector of the cone, and for one mode."""
        size = len(self.modes.curvatures)
        single = np.zeros((size, size))
        single[mode, mode] = 1.0
        return [(np.eye(size), self.noise_factor * self.modes.variance),
                (single, self.noise_factor * self.modes.noise_of_mode(mode))]

    def start_edges(self, mode):
        """(the edge of X, diagonal of X) for the same two, without their images."""
        size = len(self.modes.curvatures)
        values = self.noise_factor * self.modes.variance_trace, self.noise_factor * self.modes.along[mode]
        return [(self.edge_where(np.diag(diagonal), value), diagonal)
                for diagonal, value in zip((np.ones(size), np.eye(1, size, mode)[0]), values)]

    def edge_of(self, matrix, noise_of_matrix, near=None):
        """The t below which the form of `matrix` is negative, no more than the edge; the floor if it is not negative.

        `near` is a t at which it is known or hoped to be negative.
        """
        return self.edge_where(matrix**2, np.vdot(matrix, noise_of_matrix), near)

    def edge_where(self, weights, value, near=None):
        """`edge_of` from the squares of the entries of X and ⟨X, pN(X)⟩."""
        lowest = self.floor * (1 + _ABOVE) + 1e-300
        for start in (lowest,) if near is None else (max(near, lowest), lowest):
            found = self._root(weights, value, start)
            if found > start:
                return found
        return self.floor

    def _root(self, weights, value, near):
        if self.lr is None:
            return self.rule.inverse_lr_where(self.modes.curvatures, weights, value, near)
        return self.rule.rate_where(self.modes.curvatures, self.lr, weights, value, near)
