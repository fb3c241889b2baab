r"""Two engines for the noisy gradient steps (3.1)–(3.2): one plain, one that uses exact reductions.

Both carry signal and noise (3.4) apart: with decay factor a, step h and the
noise increment n,

    signal ← a signal − h ∇L(signal + noise),   noise ← a noise − n.

One step has a = 1 − γλ, h = γ, n = γ ξ. The engines know nothing of
schedules; `refimpl._order_train` drives them.
"""

import numpy as np
from scipy.special import expit

from refimpl._order_data import BOTH, P_ONLY, Q_ONLY


class PlainEngine:
    """All of U (m, 2d), every example; block form or not."""

    def __init__(self, model, data, start, decoupled):
        self.model, self.data, self.decoupled = model, data, decoupled
        self.u, self.mask = model.output_weights, model.mask
        self.noise = np.array(start, dtype=float) * self.mask
        self.signal = np.zeros_like(self.noise)
        d, m = model.dim, model.w_width
        # Rows of U, columns of x that they see, and whether the pattern is that of the noise part.
        blocks = [(slice(0, m), slice(0, d), False), (slice(m, None), slice(d, None), decoupled)]
        self.blocks = blocks if model.block else [(slice(None), slice(None), decoupled)]
        self.parts = [np.ascontiguousarray(data.x[:, columns]) for _, columns, _ in self.blocks]
        self.masks = [np.empty((len(data.y), len(self.u[rows]))) for rows, _, _ in self.blocks]
        self.gradient = np.zeros_like(self.noise)
        self.scratch = np.empty_like(self.noise)

    def outputs(self, jitter=None):
        """f on the training set; keeps the activation patterns for `step`. `jitter` is (N, m_v)."""
        total = 0.0
        for x, active, (rows, columns, decoupled) in zip(self.parts, self.masks, self.blocks):
            noise = self.noise[rows, columns]
            h = x @ (self.signal[rows, columns] + noise).T
            reach = x @ noise.T if decoupled else h
            if jitter is not None and len(self.u[rows]) == jitter.shape[1]:
                reach, h = reach + jitter, h + jitter
            np.greater(reach, 0, out=active)
            np.multiply(h, active, out=h)
            total = total + h @ self.u[rows]
        return total

    def step(self, slope, decay, rate, noise):
        """One update; `slope` is dL/df (N,), `noise` the increment (m, 2d)."""
        for x, active, (rows, columns, _) in zip(self.parts, self.masks, self.blocks):
            gradient = active.T @ (slope[:, None] * x)
            gradient *= self.u[rows, None]
            self.gradient[rows, columns] = gradient
        _advance(self.signal, decay, rate, self.gradient, self.scratch)
        _advance(self.noise, decay, 1.0, noise, self.scratch)

    def draw(self, rng, std):
        """Noise of one step (m, 2d), 0 where no weight acts."""
        noise = np.empty_like(self.noise)
        for x, (rows, columns, _) in zip(self.parts, self.blocks):
            noise[rows, columns] = std * rng.standard_normal((len(self.u[rows]), x.shape[1]))
        return noise if len(self.blocks) == 1 else noise * self.mask

    def increment(self, noise):
        """Noise given for U, as `step` takes it."""
        return noise * self.mask

    def jitter(self, rng, std):
        """Noise before the activations of V: one draw an example direction and neuron, scaled by α."""
        drawn = std * rng.standard_normal((3, self.model.v_width))
        return self.spread(drawn)

    def spread(self, drawn):
        """(3, m_v) for the three directions as (N, m_v) for the examples."""
        return self.data.alpha[:, None] * drawn[self.data.direction]

    def predictions(self, data):
        """f on P-only, Q-only and full versions of `data`, and g on the three directions."""
        def f(x):
            if self.decoupled and self.model.block:  # W keeps its own pattern
                pattern = self.noise.copy()
                pattern[:self.model.w_width] += self.signal[:self.model.w_width]
            else:
                pattern = self.noise if self.decoupled else None
            return self.model.predict(self.signal + self.noise, x, pattern)

        directions = np.zeros((3, 2 * self.model.dim))
        directions[:, self.model.dim:] = self.data.distribution.directions
        return f(data.part(P_ONLY)), f(data.part(Q_ONLY)), f(data.part(BOTH)), f(directions)

    def pattern(self):
        """Activation pattern of V, or of all of U, on z: (m_v,) or (m,) of bool."""
        z = np.zeros(2 * self.model.dim)
        z[self.model.dim] = 1
        u = self.noise if self.decoupled else self.signal + self.noise
        h = u @ z
        return (h[self.model.w_width:] if self.model.block else h) > 0

    def signal_norm(self):
        """‖Ū‖_F²."""
        return float((self.signal**2).sum())

    def weights(self):
        """(signal, noise), each (m, 2d)."""
        return self.signal.copy(), self.noise.copy()


class ReducedEngine:
    """W (m_w, d) and the projection of V on span(z, ζ), (2, m_v), on three directions; block form only.

    V acts on multiples of z − ζ, z and z + ζ alone and ReLU is positively
    homogeneous, so g(αx) = αg(x): three directions give g everywhere. Isotropic
    noise projects to isotropic noise. Examples with x₁ = 0 drop out of W.
    """

    def __init__(self, model, data, start, decoupled):
        self.model, self.data, self.decoupled = model, data, decoupled
        d, m = model.dim, model.w_width
        self.w_noise = np.array(start[:m, :d], dtype=float)
        self.v_noise = np.ascontiguousarray(start[m:, d:d + 2].T, dtype=float)
        self.w_signal, self.v_signal = np.zeros_like(self.w_noise), np.zeros_like(self.v_noise)
        self.w_out, self.v_out = model.output_weights[:m], model.output_weights[m:]
        self.directions = np.ascontiguousarray(data.distribution.directions[:, :2])  # (3, 2)
        self.rows = np.flatnonzero(data.in_m1)
        self.x1 = np.ascontiguousarray(data.x1[self.rows])
        self.allocation = np.zeros((len(data.y), 3))  # α_i in the column of example i's direction
        self.allocation[np.arange(len(data.y)), data.direction] = data.alpha
        self.w_active = np.empty((len(self.rows), m))
        self.v_active = np.empty((3, model.v_width))
        self.scratch = [np.empty_like(self.w_noise), np.empty_like(self.v_noise)]

    def outputs(self, jitter=None):
        """f on the training set; keeps the activation patterns for `step`. `jitter` is (3, m_v)."""
        h = self.x1 @ (self.w_signal + self.w_noise).T
        np.greater(h, 0, out=self.w_active)
        np.multiply(h, self.w_active, out=h)
        f = self.allocation @ self._directions(self.v_active, jitter)
        f[self.rows] += h @ self.w_out
        return f

    def _directions(self, active, jitter=None):
        h = self.directions @ (self.v_signal + self.v_noise)
        reach = self.directions @ self.v_noise if self.decoupled else h
        if jitter is not None:
            reach, h = reach + jitter, h + jitter
        np.greater(reach, 0, out=active)
        return np.multiply(h, active, out=h) @ self.v_out

    def step(self, slope, decay, rate, noise):
        """One update; `slope` is dL/df (N,), `noise` the pair of increments (m_w, d) and (2, m_v)."""
        gradient = (self.w_active * slope[self.rows, None]).T @ self.x1
        gradient *= self.w_out[:, None]
        _advance(self.w_signal, decay, rate, gradient, self.scratch[0])
        gradient = (self.directions.T * (slope @ self.allocation)) @ self.v_active
        gradient *= self.v_out
        _advance(self.v_signal, decay, rate, gradient, self.scratch[1])
        _advance(self.w_noise, decay, 1.0, noise[0], self.scratch[0])
        _advance(self.v_noise, decay, 1.0, noise[1], self.scratch[1])

    def draw(self, rng, std):
        """Noise of one step: (m_w, d) and (2, m_v)."""
        drawn = [rng.standard_normal(out=np.empty(array.shape)) for array in (self.w_noise, self.v_noise)]
        for array in drawn:
            array *= std
        return drawn

    def increment(self, noise):
        """Noise given for all of U, as `step` takes it."""
        d, m = self.model.dim, self.model.w_width
        return noise[:m, :d], noise[m:, d:d + 2].T

    def jitter(self, rng, std):
        """Noise before the activations of V: one draw an example direction and neuron, scaled by α."""
        return std * rng.standard_normal((3, self.model.v_width))

    def spread(self, drawn):
        """(3, m_v) for the three directions, as `outputs` takes it."""
        return drawn

    def predictions(self, data):
        """f on P-only, Q-only and full versions of `data`, and g on the three directions."""
        g = self._directions(np.empty_like(self.v_active))
        h = data.x1 @ (self.w_signal + self.w_noise).T
        of_p = np.maximum(h, 0) @ self.w_out
        of_q = data.alpha * g[data.direction]
        return of_p, of_q, of_p + of_q, g

    def pattern(self):
        """Activation pattern of V on z, (m_v,) of bool."""
        v = self.v_noise if self.decoupled else self.v_signal + self.v_noise
        return v[0] > 0

    def signal_norm(self):
        """‖Ū‖_F²; V's signal lies in span(z, ζ)."""
        return float((self.w_signal**2).sum() + (self.v_signal**2).sum())

    def weights(self):
        """(signal, noise) as (m, 2d), V's coordinates outside span(z, ζ) left 0."""
        d, m = self.model.dim, self.model.w_width
        found = []
        for w, v in ((self.w_signal, self.v_signal), (self.w_noise, self.v_noise)):
            u = np.zeros(self.model.parameter_shape)
            u[:m, :d], u[m:, d:d + 2] = w, v.T
            found.append(u)
        return tuple(found)


def slopes(output, y):
    """dL/df of the mean logistic loss, (N,)."""
    return -y * expit(-y * output) / len(y)


def _advance(state, decay, rate, direction, scratch):
    """state ← decay state − rate direction, in place."""
    np.multiply(direction, rate, out=scratch)
    state *= decay
    state -= scratch
