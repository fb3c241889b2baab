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

from theory import _checks


@dataclass(frozen=True, eq=False)
class _ModesAt:
    """Modes z² − αz + γ, all divided by powers of the growth factor's root; (r,) each, `alike` (r, r)."""

    alpha: np.ndarray
    gamma: np.ndarray
    less: np.ndarray        # 1 − γ: 0 where two complex roots reach the circle
    edge: np.ndarray        # 1 + γ − α for α ≥ 0, 1 + γ + α below: 0 where a root is ±1
    terms: np.ndarray       # sum of the sizes of what `edge` is the difference of
    alike: np.ndarray       # pairs whose α have one sign
    step: np.ndarray        # edge_i − edge_j of those, (r, r)


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
        if not self.nesterov:                         # in place: (r, r) arrays are what memory is made of
            total *= 1 + mu
            total *= inverse_lr
            total -= product
            total *= (1 - mu) / (1 + mu)
            return _with_commutator(total, curvatures, mu / ((1 - mu) * (1 + mu)), product)
        total, product = total / inverse_lr, product / inverse_lr**2
        less = total - product                        # 1 − (1−x)(1−y): the constants of q² − … cancel, by hand
        below = (1 + mu) * ((1 - mu) ** 2 * total - (1 - mu + 2 * mu**2) * product)
        below += mu * (1 + mu) ** 2 * total * less - mu**2 * (1 + 2 * mu) * less**2
        q, s = 1 - mu**2 + mu**2 * less, 2 * (1 - mu) - total + 2 * mu * less
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 on the diagonal at γ = 1
            inverse = inverse_lr**2 * below / (((1 + mu) ** 2 + mu**2) * q - mu * (1 + mu) ** 2 * s)
        np.fill_diagonal(inverse, self.nesterov_diagonal(curvatures, inverse_lr))
        return inverse

    def nesterov_diagonal(self, curvatures, inverse_lr):
        """1 / k_ii of Nesterov's step, (r,), by factors exact where they vanish: at either limit of the full batch."""
        mu, x = self.momentum, curvatures / inverse_lr
        gamma, alpha = mu * (1 - x), (1 + mu) * (1 - x)
        above = (1 - mu + mu * x) * x * (2 * (1 + mu) - (1 + 2 * mu) * x)
        return inverse_lr**2 * above / (((1 + mu) ** 2 + mu**2) * (1 + gamma) - 2 * mu * (1 + mu) * alpha)

    def inverse_kernel_at(self, curvatures, lr, rate):
        """1 / k⁽ʳ⁾_ij at the growth factor `rate`, shape (r, r): positive above `noiseless_rate`."""
        mu, modes = self.momentum, self._modes_at(curvatures, lr, rate)
        if not self.nesterov:
            less, more = (rate - mu) / rate, (rate + mu) / rate         # 1 ∓ m
            near = modes.edge[:, None] + modes.edge
            even = np.where(modes.alike, more * near - modes.edge[:, None] * modes.edge,
                            more**2 - modes.alpha[:, None] * modes.alpha)
            apart = lr * (curvatures[:, None] - curvatures)
            return (rate * less / more * even + mu / (rate * less * more) * apart**2) / lr**2
        below, above = self._nesterov_at(modes, rate)
        return rate / lr**2 * below / above

    def _modes_at(self, curvatures, lr, rate):
        """α and γ of the modes at a growth factor, and how far each is from its own limit, without cancellation."""
        mu, x, root = self.momentum, lr * curvatures, np.sqrt(rate)
        gamma = mu * (1 - x) / rate if self.nesterov else np.full(x.shape, mu / rate)
        less = (rate - mu * (1 - x)) / rate if self.nesterov else np.full(x.shape, (rate - mu) / rate)
        alpha = ((1 + mu) * (1 - x) if self.nesterov else 1 + mu - x) / root
        slow, fast = (rate - 1) / (root + 1) * (root - mu), (root + 1) * (root + mu)
        pulls = (x * ((1 + mu) * root - mu), x * ((1 + mu) * root + mu)) if self.nesterov else (x * root, x * root)
        edge = np.where(alpha >= 0, slow + pulls[0], fast - pulls[1]) / rate                # 1 + γ ∓ α
        terms = np.where(alpha >= 0, abs(rate - 1) / (root + 1), root + 1) * (root + abs(mu))
        terms = terms + x * ((1 + abs(mu)) * root + abs(mu))
        alike = (alpha >= 0)[:, None] == (alpha >= 0)
        bend, lag = ((1 + mu) / root, mu / rate) if self.nesterov else (1 / root, 0.0)
        step = np.where(alpha >= 0, bend - lag, -bend - lag)[:, None] * (x[:, None] - x)
        return _ModesAt(alpha, gamma, less, edge, terms / rate, alike, step)

    def _nesterov_at(self, modes, rate):
        mu, lag = self.momentum, -self.momentum / np.sqrt(rate)
        alpha, gamma, less, edge, step = modes.alpha, modes.gamma, modes.less, modes.edge, modes.step
        uncrossed = less[:, None] + less - less[:, None] * less                             # 1 − γγ'
        turned, first = gamma[:, None] * alpha**2, edge[:, None] * less
        apart = uncrossed**2 - alpha[:, None] * alpha * (2 - uncrossed) + turned + turned.T
        alike = uncrossed * (first + first.T) + step * (step - first + first.T) - first * first.T
        once = alpha[:, None] * less
        above = ((1 + mu) ** 2 + lag**2) * uncrossed + (1 + mu) * lag * (once + once.T)
        return np.where(modes.alike, alike, apart), above

    def kernel_rounding(self, curvatures, t, lr=None):
        """Bound on the rounding of `inverse_kernel` (given `lr`, of `inverse_kernel_at`), in units of ε, (r, r)."""
        mu, size = self.momentum, abs(self.momentum)
        row, column = curvatures, curvatures[:, None]
        if lr is None:
            if self.nesterov:
                return self._nesterov_rounding(row, column, t)
            total = row + column
            total *= 24 * (1 - mu) * t
            return _with_commutator(total, curvatures, 8 * size / ((1 - mu) * (1 + mu)), np.empty_like(total))
        modes, x = self._modes_at(row, lr, t), lr * row
        terms, alpha = modes.terms, (1 + size + (1 + size) ** self.nesterov * x) / np.sqrt(t)    # α is a difference
        if self.nesterov:
            return t / lr**2 * self._rounding_of_nesterov_at(modes, x, alpha, t)
        less, more = (t - mu) / t, (t + mu) / t
        near = terms[:, None] + terms + terms[:, None] * terms
        even = np.where(modes.alike, (1 + more) * near, more**2 + alpha[:, None] * alpha)
        return 16 * (t * less / more * even + size / (t * less * more) * (lr * (row - column)) ** 2) / lr**2

    def _rounding_of_nesterov_at(self, modes, x, alpha, rate):
        """Of below / above in `_nesterov_at`, from that of less, edge, step and α, at most `alpha` in size."""
        mu, size, lag = self.momentum, abs(self.momentum), abs(self.momentum) / np.sqrt(rate)
        of_less, less, step = 1 + np.abs(modes.gamma), np.abs(modes.less), np.abs(modes.step)
        of_step = ((1 + size) / np.sqrt(rate) + size / rate) * (x[:, None] + x)
        uncrossed, of_uncrossed = less[:, None] + less + less[:, None] * less, 2 * (of_less[:, None] + of_less)
        first = np.abs(modes.edge)[:, None] * less
        of_first = np.abs(modes.edge)[:, None] * of_less + modes.terms[:, None] * less
        both, of_both = first + first.T, of_first + of_first.T
        near = of_uncrossed * both + (uncrossed + step) * of_both + of_step * (2 * step + both)
        near += of_first * first.T + first * of_first.T
        far = of_less[:, None] * of_less * (1 + alpha[:, None]) ** 2 * (1 + alpha) ** 2
        once = alpha[:, None] * of_less
        of_above = ((1 + size) ** 2 + lag**2) * of_uncrossed + (1 + size) * lag * (once + once.T)
        below, above = np.abs(self._nesterov_at(modes, rate))
        return 4 * (np.where(modes.alike, near, 4 * far) + below / above * of_above) / above

    def _nesterov_rounding(self, row, column, t):
        """Of 1/η² · below / above in `inverse_kernel`, from the sizes of all their terms."""
        mu, size = self.momentum, abs(self.momentum)
        total, product = (row + column) / t, row * column / t**2
        less = total + product
        below = (1 + mu) * ((1 - mu) ** 2 * total + (1 - mu + 2 * mu**2) * product)
        below += size * (1 + mu) ** 2 * total * less + mu**2 * (1 + 2 * size) * less**2
        weight = (1 + mu) ** 2 + mu**2
        above = weight * (1 + mu**2 + mu**2 * less) + size * (1 + mu) ** 2 * (2 * (1 - mu) + total + 2 * size * less)
        turned = 1 - mu**2 + mu**2 * (total - product), 2 * (1 - mu) - total + 2 * mu * (total - product)
        exact = np.abs(weight * turned[0] - mu * (1 + mu) ** 2 * turned[1])
        x = row / t                                   # on the diagonal by other factors, see `nesterov_diagonal`
        np.fill_diagonal(below, (1 - mu + size * x) * x * (2 * (1 + mu) + (1 + 2 * size) * x))
        np.fill_diagonal(above, (weight * (1 + size) + 2 * size * (1 + mu) ** 2) * (1 + x))
        np.fill_diagonal(exact, weight * (1 + mu * (1 - x)) - 2 * mu * (1 + mu) ** 2 * (1 - x))
        return 8 * (t**2 * below + np.abs(self.inverse_kernel(row, t)) * above) / exact

    def noiseless_rate(self, curvatures, lr):
        """Growth factor of E‖x‖² without noise: the largest squared root of z² − αz + γ over the modes."""
        if self.momentum == 0:
            return float((np.abs(1 - lr * curvatures) ** 2).max())
        mu, left = self.momentum, 1 - lr * curvatures
        alpha, gamma = ((1 + mu) * left, mu * left) if self.nesterov else (mu + left, np.full(left.shape, mu))
        # α² − 4γ by factors: near a double root it would cancel, and its root is what counts.
        if self.nesterov:
            spread = left * ((1 - mu) ** 2 - (1 + mu) ** 2 * lr * curvatures)
        elif mu > 0:
            side = (1 - mu) / (1 + np.sqrt(mu))          # 1 − √μ
            spread = (side**2 - lr * curvatures) * ((1 + np.sqrt(mu)) ** 2 - lr * curvatures)
        else:
            spread = alpha**2 - 4 * gamma
        real = (np.abs(alpha) + np.sqrt(np.maximum(spread, 0))) / 2
        return float(np.where(spread >= 0, real**2, np.abs(gamma)).max())

    def inverse_lr_where(self, curvatures, weights, value, near):
        """The largest 1/η at which Σ_ij weights_ij / k_ij = `value`, if above `near`; else `near`."""
        mu = self.momentum
        if not self.nesterov:
            row, column = curvatures, curvatures[:, None]
            fixed = mu / ((1 - mu) * (1 + mu)) * (row - column) ** 2 - (1 - mu) / (1 + mu) * row * column
            slope = (1 - mu) * 2 * (weights.sum(axis=0) @ curvatures)
            return max(float((value - np.vdot(weights, fixed)) / slope), near)
        return _root_above(lambda t: np.vdot(weights, self.inverse_kernel(curvatures, t)) - value, near)

    def rate_where(self, curvatures, lr, weights, value, near):
        """The largest growth factor at which Σ_ij weights_ij / k⁽ʳ⁾_ij = `value`, if above `near`; else `near`.

        As r falls to μ the terms of unlike modes can rise again: what matters is the last change of sign.
        """
        if self.momentum == 0:
            alpha = 1 - lr * curvatures
            return max(float((lr**2 * value + alpha @ weights @ alpha) / weights.sum()), near)
        return _root_above(lambda rate: np.vdot(weights, self.inverse_kernel_at(curvatures, lr, rate)) - value, near)


def _with_commutator(total, curvatures, weight, scratch):
    """`total` + weight (a_i − a_j)², in place of `total`."""
    if weight:
        np.subtract(curvatures, curvatures[:, None], out=scratch)
        np.square(scratch, out=scratch)
        scratch *= weight
        total += scratch
    return total


def _root_above(excess, near):
    from scipy.optimize import brentq  # here: it is slow to load

    if not excess(near) < 0:
        return near
    high = max(2 * near, 1e-3)
    while excess(high) < 0:
        high *= 2
    return float(brentq(excess, near, high, xtol=1e-300, rtol=4 * np.finfo(float).eps))


def step_rule(momentum, nesterov, dampening):
    """The arguments of that name, checked."""
    momentum, dampening = _one(momentum, "momentum"), _one(dampening, "dampening")
    if not -1 < momentum < 1:
        raise ValueError(f"momentum must lie between -1 and 1, got {momentum:g}; beyond it the velocity itself grows")
    if not -np.inf < dampening < 1:
        raise ValueError(f"dampening must be below 1, got {dampening:g}; at 1 no gradient reaches the velocity")
    nesterov = _checks.flag(nesterov, "nesterov")
    if nesterov and dampening:
        raise ValueError(f"nesterov needs dampening = 0, got {dampening:g}; choose one of them")
    return Rule(momentum, nesterov, dampening)


def weight_decay_of(weight_decay):
    """`weight_decay`, checked."""
    return _checks.scalar(weight_decay, "weight_decay", zero=True)


def _one(value, name):
    number = _checks.real(value, name)
    if number.ndim:
        raise ValueError(f"{name} must be one number, got an array of shape {number.shape}; call once for each value")
    return float(number)
