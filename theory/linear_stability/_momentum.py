r"""The step as it is run: heavy ball, Nesterov, dampening, and how it answers noise.

With A = H + wd·I of eigenvalues a_i, a gradient g and μ the momentum,

.. math:: v \leftarrow \mu v + (1 - \tau) g, \qquad x \leftarrow x - \eta v
          \quad (\text{Nesterov: } x \leftarrow x - \eta (g + \mu v),\ \tau = 0).

Dampening only turns η into (1 − τ)η. Noise enters each step along one fixed
vector of (x, v) and is fed by x alone, so E[x xᵀ] is the sum over time of
products of the impulse responses h_t of the noiseless modes,

.. math:: k_{ij} = \sum_t h_t(a_i) h_t(a_j), \qquad h_{t+1} = \alpha h_t - \gamma h_{t-1},

with α = 1 + μ − ηa, γ = μ for the heavy ball, α = (1+μ)(1−ηa), γ = μ(1−ηa)
for Nesterov's step. The matrix k is positive semi-definite where the noiseless
step is stable, so entrywise multiplication by it keeps the positive cone. At a
growth factor r, k⁽ʳ⁾ = Σ_t r^(−t−1) h_t h_t.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from theory import _checks


@dataclass(frozen=True)
class Rule:
    """A step rule, with (1 − τ) taken into the learning rate."""

    momentum: float = 0.0
    nesterov: bool = False
    dampening: float = 0.0

    def full_batch_lr(self, sharpest):
        """Largest η (τ = 0) at which the mode of curvature `sharpest` is stable without noise."""
        mu = self.momentum
        if not self.nesterov:
            return 2 * (1 + mu) / sharpest
        return (2 * (1 + mu) / (1 + 2 * mu) if mu >= -1 / 3 else 1 - 1 / mu) / sharpest

    def inverse_kernel(self, curvatures, inverse_lr):
        """1 / k_ij at the learning rate 1 / `inverse_lr`, shape (r, r): positive up to `full_batch_lr`."""
        mu, row, column = self.momentum, curvatures, curvatures[:, None]
        total, product = row + column, row * column
        if not self.nesterov:
            drift = (1 - mu) / (1 + mu) * ((1 + mu) * total * inverse_lr - product)
            return drift + mu / (1 - mu**2) * (row - column) ** 2
        total, product = total / inverse_lr, product / inverse_lr**2
        less = total - product                        # 1 − (1−x)(1−y): the constants of q² − … cancel, by hand
        below = (1 + mu) * ((1 - mu) ** 2 * total - (1 - mu + 2 * mu**2) * product)
        below += mu * (1 + mu) ** 2 * total * less - mu**2 * (1 + 2 * mu) * less**2
        q, s = 1 - mu**2 + mu**2 * less, 2 * (1 - mu) - total + 2 * mu * less
        return inverse_lr**2 * below / (((1 + mu) ** 2 + mu**2) * q - mu * (1 + mu) ** 2 * s)

    def inverse_kernel_at(self, curvatures, lr, rate):
        """1 / k⁽ʳ⁾_ij at the growth factor `rate`, shape (r, r): positive above `noiseless_rate`."""
        mu = self.momentum
        if not self.nesterov:
            m, alpha = mu / rate, (1 + mu - lr * curvatures) / np.sqrt(rate)
            even = (1 - m) / (1 + m) * ((1 + m) ** 2 - alpha[:, None] * alpha)
            return rate / lr**2 * (even + m / (1 - m**2) * (alpha[:, None] - alpha) ** 2)
        left = 1 - lr * curvatures
        alpha, gamma, lag = (1 + mu) * left / np.sqrt(rate), mu * left / rate, -mu / np.sqrt(rate)
        pair, cross = alpha[:, None] * alpha, gamma[:, None] * gamma
        turned = gamma[:, None] * alpha**2
        below = (1 - cross) ** 2 - pair * (1 + cross) + turned + turned.T
        once = alpha[:, None] * (1 - gamma)
        above = ((1 + mu) ** 2 + lag**2) * (1 - cross) + (1 + mu) * lag * (once + once.T)
        return rate / lr**2 * below / above

    def noiseless_rate(self, curvatures, lr):
        """Growth factor of E‖x‖² without noise: the largest squared root of z² − αz + γ over the modes."""
        if self.momentum == 0:
            return float((np.abs(1 - lr * curvatures) ** 2).max())
        mu, left = self.momentum, 1 - lr * curvatures
        alpha, gamma = ((1 + mu) * left, mu * left) if self.nesterov else (mu + left, np.full(left.shape, mu))
        spread = alpha**2 - 4 * gamma
        real = (np.abs(alpha) + np.sqrt(np.maximum(spread, 0))) / 2
        return float(np.where(spread >= 0, real**2, np.abs(gamma)).max())

    def inverse_lr_where(self, curvatures, weights, value):
        """The 1/η at which Σ_ij weights_ij / k_ij = `value`: where a quadratic form turns from stable to unstable."""
        mu, floor = self.momentum, 1 / self.full_batch_lr(curvatures.max())
        if not self.nesterov:
            row, column = curvatures, curvatures[:, None]
            fixed = mu / (1 - mu**2) * (row - column) ** 2 - (1 - mu) / (1 + mu) * row * column
            slope = (1 - mu) * 2 * (weights.sum(axis=0) @ curvatures)
            return float((value - np.vdot(weights, fixed)) / slope)

        def excess(inverse_lr):
            return np.vdot(weights, self.inverse_kernel(curvatures, inverse_lr)) - value

        return root_above(excess, floor)

    def rate_where(self, curvatures, lr, weights, value):
        """The growth factor at which Σ_ij weights_ij / k⁽ʳ⁾_ij = `value`."""
        floor = self.noiseless_rate(curvatures, lr)
        if self.momentum == 0:
            alpha = 1 - lr * curvatures
            return float((lr**2 * value + alpha @ weights @ alpha) / weights.sum())

        def excess(rate):
            return np.vdot(weights, self.inverse_kernel_at(curvatures, lr, rate)) - value

        return root_above(excess, floor * (1 + 1e-15) + 1e-300)


def root_above(excess, floor):
    """Root of a function that is positive at infinity, or `floor` if it is positive there already."""
    if excess(floor) >= 0:
        return floor
    high = max(2 * floor, 1e-3)
    while excess(high) < 0:
        high *= 2
    return float(brentq(excess, floor, high, xtol=1e-300, rtol=4 * np.finfo(float).eps))


def step_rule(momentum, nesterov, dampening):
    """The arguments of that name, checked."""
    momentum, dampening = _one(momentum, "momentum"), _one(dampening, "dampening")
    if not -1 < momentum < 1:
        raise ValueError(f"momentum must lie between -1 and 1, got {momentum:g}; beyond it the velocity itself grows")
    if not -np.inf < dampening < 1:
        raise ValueError(f"dampening must be below 1, got {dampening:g}; at 1 no gradient reaches the velocity")
    if nesterov and dampening:
        raise ValueError(f"nesterov needs dampening = 0, got {dampening:g}; choose one of them")
    return Rule(momentum, bool(nesterov), dampening)


def weight_decay_of(weight_decay):
    """`weight_decay`, checked."""
    return _checks.scalar(weight_decay, "weight_decay", zero=True)


def _one(value, name):
    number = _checks.real(value, name)
    if number.ndim:
        raise ValueError(f"{name} must be one number, got an array of shape {number.shape}; call once for each value")
    return float(number)
