r"""The fast path for least squares on the whole set: gradient (c/n) Σ_i (⟨w, x_i⟩ − y_i) x_i of many replicas at once.

Parameters are few where this is used, so replicas are kept side by side.
"""

import numpy as np

from refimpl.sgd._columns import Columns

FEW = 8  # parameters up to which replicas side by side are faster


def residuals(state, x, y, out=None):
    """⟨w, x_i⟩ − y_i, shape (n, rows), of w stored as columns, x (n, d) and y (n,)."""
    found = np.einsum("nd,dr->nr", x, state, out=out)
    found -= y[:, None]
    return found


class ColumnsKernel(Columns):
    """Kernel of `refimpl.sgd.run` for gradient descent on x (n, d) and y (n,) with the constant c."""

    chunk = 8192

    def __init__(self, x, y, constant):
        self.x, self.y = x, y
        self.scaled = x * (constant / len(x))
        self.residuals = self.result = None

    def gradient(self, state, indices):
        self.residuals = residuals(state, self.x, self.y, self.residuals)
        self.result = np.einsum("nd,nr->dr", self.scaled, self.residuals, out=self.result)
        return self.result
