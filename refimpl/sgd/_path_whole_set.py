r"""The fast path for least squares on the whole set: gradient (c/n) Σ_i (⟨w, x_i⟩ − y_i) x_i of many replicas at once.

Parameters are few where this is used, so replicas are kept contiguous:
w (C, d) is stored as (d, rows), and every pass runs along the rows. They are
padded to whole blocks: NumPy's order of summation then cannot depend on how
many replicas there are.
"""

import numpy as np

BLOCK = 64
FEW = 8  # parameters up to which replicas side by side are faster


def columns(w):
    """w (C, d) as (d, rows), zero padded."""
    padded = np.zeros((w.shape[1], -(-len(w) // BLOCK) * BLOCK), w.dtype)
    padded[:, :len(w)] = w.T
    return padded


def residuals(state, x, y):
    """⟨w, x_i⟩ − y_i, shape (n, rows), of w stored as columns, x (n, d) and y (n,)."""
    found = np.einsum("nd,dr->nr", x, state)
    found -= y[:, None]
    return found


class ColumnsKernel:
    """Kernel of `refimpl.sgd.run` for gradient descent on x (n, d) and y (n,) with the constant c."""

    block = BLOCK
    chunk = 8192

    def __init__(self, x, y, constant):
        self.x, self.y = x, y
        self.scaled = x * (constant / len(x))

    def pack(self, w):
        self.count = len(w)
        return columns(w)

    def unpack(self, state):
        return np.ascontiguousarray(state[:, :self.count].T)

    def spread(self, values):
        """One number per replica, shaped to multiply a state."""
        return columns(values[:, None])[0]

    def gradient(self, state, indices):
        return np.einsum("nd,nr->dr", self.scaled, residuals(state, self.x, self.y))
