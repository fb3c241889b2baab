r"""Two engines for the noisy gradient steps (3.1)–(3.2): one plain, one that uses exact reductions.

Both carry signal and noise (3.4) apart: with decay factor a, step h, normal
numbers n and their standard deviation s,

    signal ← a signal − h ∇L(signal + noise),   noise ← a noise − s n.

One step has a = 1 − γλ, h = γ, s = γ τ_ξ. The part of W's signal that comes
from P-only examples is carried beside it; the rest of it is W̄⁽²⁾ of (5.1). The
engines know nothing of schedules; `_loop` drives them.
"""

import numpy as np
from scipy.linalg.blas import dgemm
from scipy.special import expit

from refimpl.learning_order._data import BOTH, P_ONLY, Q_ONLY

_BYTES = 2**19  # of one array of a chunk of neurons: what a cache holds


class _Block:
    """Rows of U and the columns that they see; neurons in chunks, so that what is not a product stays in cache."""

    def __init__(self, x, u, start, decoupled):
        self.x, self.u, self.decoupled = np.ascontiguousarray(x), u, decoupled
        self.noise = np.array(start, dtype=float)
        self.signal, self.drawn = np.zeros_like(self.noise), np.empty_like(self.noise)
        self.active = np.empty((len(u), len(x)), dtype=bool)
        size = max(1, _BYTES // (8 * len(x)))
        self.chunks = [slice(k, k + size) for k in range(0, len(u), size)]
        self.scratch = np.empty((min(size, len(u)), len(x))), np.empty((min(size, len(u)), self.x.shape[1]))

    def outputs(self, before=None):
        total = 0.0
        for rows in self.chunks:
            active, noise = self.active[rows], self.noise[rows]
            weights = np.add(self.signal[rows], noise, out=self.scratch[1][:len(noise)])
            h = np.matmul(weights, self.x.T, out=self.scratch[0][:len(noise)])
            reach = noise @ self.x.T if self.decoupled else h
            if before is not None:
                reach, h = reach + before.T[rows], h + before.T[rows]
            np.greater(reach, 0, out=active)
            np.multiply(h, active, out=h)
            total = total + self.u[rows] @ h
        return total

    def gradient(self, slope, rows, part=slice(None)):
        """∇L of some rows, from all examples or some."""
        weighted = np.multiply(self.active[rows, part], slope[part], out=self.scratch[0][:len(self.u[rows]), part])
        found = np.matmul(weighted, self.x[part], out=self.scratch[1][:len(weighted)])
        found *= self.u[rows, None]
        return found

    def step(self, slope, decay, rate, drawn, std):
        for rows in self.chunks:
            _advance(self.signal[rows], decay, rate, self.gradient(slope, rows))
            change = np.multiply(drawn[rows], std, out=self.scratch[1][:len(self.u[rows])])
            _advance(self.noise[rows], decay, 1.0, change)


class PlainEngine:
    """All of U (m, 2d), every example; block form or not."""

    def __init__(self, model, data, start, decoupled):
        self.model, self.data, self.decoupled = model, data, decoupled
        d, m, u = model.dim, model.w_width, model.output_weights
        # Rows of U, columns of x that they see, and whether the pattern is that of the noise part.
        self.places = [(slice(0, m), slice(0, d), False), (slice(m, None), slice(d, None), decoupled)]
        if not model.block:
            self.places = [(slice(None), slice(None), decoupled)]
        self.blocks = [_Block(data.x[:, columns], u[rows], np.asarray(start)[rows, columns], kind)
                       for rows, columns, kind in self.places]
        self.p_only = np.flatnonzero(data.kind == P_ONLY)
        self.p_signal = np.zeros((m, d)) if model.block else None

    def outputs(self, before=None):
        """f on the training set; keeps the activation patterns for `step`. `before` is (N, m_v)."""
        *others, last = self.blocks
        return sum((block.outputs() for block in others), last.outputs(before))

    def step(self, slope, decay, rate, noise, std):
        """One update; `slope` is dL/df (N,), `noise` a list of normals (m, k), one for each block."""
        if self.p_signal is not None:
            first, weights = self.blocks[0], slope[self.p_only]
            gradient = (first.active[:, self.p_only] * weights) @ first.x[self.p_only]
            _advance(self.p_signal, decay, rate, gradient * first.u[:, None])
        for block, drawn in zip(self.blocks, noise):
            block.step(slope, decay, rate, drawn, std)

    def draw(self, rng):
        """Normals of one step, a list."""
        return [rng.standard_normal(out=block.drawn) for block in self.blocks]

    def increment(self, noise):
        """Noise given for U, as `step` takes it."""
        return [noise[rows, columns] for rows, columns, _ in self.places]

    def preactivation_noise(self, rng, std):
        """Noise before the activations of V: one draw per example direction and neuron, scaled by α."""
        return self.spread(std * rng.standard_normal((3, self.model.v_width)))

    def spread(self, drawn):
        """(3, m_v) for the three directions as (N, m_v) for the examples."""
        return self.data.alpha[:, None] * drawn[self.data.direction]

    def predictions(self, data):
        """f on P-only, Q-only and full versions of `data`, and g on the three directions."""
        signal, noise = self.weights()
        pattern = noise.copy() if self.decoupled else None
        if self.decoupled and self.model.block:  # W keeps its own pattern
            pattern[:self.model.w_width] += signal[:self.model.w_width]

        def f(x):
            return self.model.predict(signal + noise, x, pattern)

        directions = np.zeros((3, 2 * self.model.dim))
        directions[:, self.model.dim:] = self.data.distribution.directions
        return f(data.part(P_ONLY)), f(data.part(Q_ONLY)), f(data.part(BOTH)), f(directions)

    def pattern(self):
        """Activation pattern of V, or of all of U, on z: (m_v,) or (m,) of bool."""
        last = self.blocks[-1]
        z = last.noise.shape[1] - self.model.dim
        return (last.noise[:, z] if self.decoupled else last.signal[:, z] + last.noise[:, z]) > 0

    def parts(self):
        """Signal of W from P-only examples, from M₂, and its noise, each (m_w, d); None if U is not in block form."""
        if self.p_signal is None:
            return None
        return self.p_signal, self.blocks[0].signal - self.p_signal, self.blocks[0].noise

    def signal_norm(self):
        """‖Ū‖_F²."""
        return float(sum((block.signal**2).sum() for block in self.blocks))

    def weights(self):
        """(signal, noise), each (m, 2d)."""
        found = np.zeros((2, *self.model.parameter_shape))
        for block, (rows, columns, _) in zip(self.blocks, self.places):
            found[0, rows, columns], found[1, rows, columns] = block.signal, block.noise
        return tuple(found)


class ReducedEngine:
    """W (m_w, d) and the projection of V on span(z, ζ), (2, m_v), on three directions; block form only.

    V acts on multiples of z − ζ, z and z + ζ alone and ReLU is positively
    homogeneous, so g(αx) = αg(x): three directions give g everywhere. Isotropic
    noise projects to isotropic noise. Examples with x₁ = 0 drop out of W.

    Signal and noise of V are rows of one array, patterns times v and normals
    rows of another: an update is one product between the two.
    """

    def __init__(self, model, data, start, decoupled):
        self.model, self.data, self.decoupled = model, data, decoupled
        d, m = model.dim, model.w_width
        self.w_noise = np.array(start[:m, :d], dtype=float)
        self.w_signal, self.p_signal = np.zeros_like(self.w_noise), np.zeros_like(self.w_noise)
        self.v = np.zeros((4, model.v_width))  # two rows of signal, two of noise
        self.v_signal, self.v_noise = self.v[:2], self.v[2:]
        self.v_noise[:] = start[m:, d:d + 2].T
        self.w_out, self.v_out = model.output_weights[:m], model.output_weights[m:]
        self.directions = np.ascontiguousarray(data.distribution.directions[:, :2])  # (3, 2)
        self.doubled = np.concatenate([self.directions, self.directions], axis=1)
        of_p, of_both = np.flatnonzero(data.kind == P_ONLY), np.flatnonzero(data.kind == BOTH)
        self.p_count, self.rows = len(of_p), np.concatenate([of_p, of_both])
        self.x1 = np.ascontiguousarray(data.x1[self.rows])
        self.p_x1 = self.x1[:self.p_count]
        self.allocation = np.zeros((len(data.y), 3))  # α_i in the column of example i's direction
        self.allocation[np.arange(len(data.y)), data.direction] = data.alpha
        self.w_active = np.empty((m, len(self.rows)))
        self.sources = np.empty((5, model.v_width))  # patterns times v on three directions, two rows of normals
        self.coefficients = np.zeros((4, 5))
        self.drawn = np.empty_like(self.w_noise), self.sources[3:]
        self.h, self.w_h = np.empty((3, model.v_width)), np.empty_like(self.w_active)
        self.bits, self.w_bits = np.empty(self.h.shape, dtype=bool), np.empty(self.w_h.shape, dtype=bool)

    def outputs(self, before=None):
        """f on the training set; keeps the activation patterns for `step`. `before` is (3, m_v)."""
        h = np.matmul(self.w_signal + self.w_noise, self.x1.T, out=self.w_h)
        np.greater(h, 0, out=self.w_bits)
        np.multiply(self.w_bits, self.w_out[:, None], out=self.w_active)
        f = self.allocation @ self._directions(self.sources[:3], before)
        f[self.rows] += np.einsum("jn,jn->n", h, self.w_active)
        return f

    def _directions(self, active, before=None):
        """g on the three directions; `active` becomes the patterns times v."""
        if self.decoupled:
            reach = np.matmul(self.directions, self.v_noise, out=self.h)
        else:
            reach = np.matmul(self.doubled, self.v, out=self.h)
        if before is not None:
            reach += before
        np.greater(reach, 0, out=self.bits)
        np.multiply(self.bits, self.v_out, out=active)
        g = np.einsum("ik,ik->i", active @ self.v.T, self.doubled)
        return g if before is None else g + np.einsum("ij,ij->i", active, before)

    def step(self, slope, decay, rate, noise, std):
        """One update; `slope` is dL/df (N,), `noise` the pair of normals (m_w, d) and (2, m_v)."""
        self.w_active *= slope[self.rows]
        _accumulate(self.w_signal, decay, -rate, self.w_active, self.x1)
        if self.p_count:
            _accumulate(self.p_signal, decay, -rate, self.w_active[:, :self.p_count], self.p_x1)
        self.coefficients[:2, :3] = rate * self.directions.T * (slope @ self.allocation)
        self.coefficients[2, 3] = self.coefficients[3, 4] = std
        if noise[1] is not self.drawn[1]:
            self.drawn[1][:] = noise[1]
        _accumulate(self.v, decay, -1.0, self.coefficients, self.sources)
        _advance(self.w_noise, decay, std, noise[0])

    def draw(self, rng):
        """Normals of one step: (m_w, d) and (2, m_v)."""
        for array in self.drawn:
            rng.standard_normal(out=array)
        return self.drawn

    def increment(self, noise):
        """Noise given for all of U, as `step` takes it."""
        d, m = self.model.dim, self.model.w_width
        return noise[:m, :d], noise[m:, d:d + 2].T

    def preactivation_noise(self, rng, std):
        """Noise before the activations of V: one draw per example direction and neuron, scaled by α."""
        return std * rng.standard_normal((3, self.model.v_width))

    def spread(self, drawn):
        """(3, m_v) for the three directions, as `outputs` takes it."""
        return drawn

    def predictions(self, data):
        """f on P-only, Q-only and full versions of `data`, and g on the three directions."""
        g = self._directions(np.empty_like(self.h))
        h = data.x1 @ (self.w_signal + self.w_noise).T
        of_p = np.maximum(h, 0) @ self.w_out
        of_q = data.alpha * g[data.direction]
        return of_p, of_q, of_p + of_q, g

    def pattern(self):
        """Activation pattern of V on z, (m_v,) of bool."""
        return (self.v_noise[0] if self.decoupled else self.v_signal[0] + self.v_noise[0]) > 0

    def parts(self):
        """Signal of W from P-only examples, from M₂, and its noise, each (m_w, d)."""
        return self.p_signal, self.w_signal - self.p_signal, self.w_noise

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


def _advance(state, decay, rate, direction):
    """state ← decay state − rate direction, in place."""
    state *= decay
    state -= direction if rate == 1.0 else rate * direction


def _accumulate(state, decay, rate, a, b):
    """state ← decay state + rate a @ b, in place and in one pass; arrays in C order, which is Fortran's transposed."""
    dgemm(rate, b.T, a.T, beta=decay, c=state.T, overwrite_c=True)
