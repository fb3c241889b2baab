r"""The fast paths for rank-1 quadratics: gradient (1/B) Σ_b g_b (g_bᵀ w − y_b) for many replicas at once.

A replica's batch of factors must be gathered at every step. Batches of many
numbers are gathered row by row, and each replica makes two products with its
own (`RowKernel`). With few numbers the cost of a product's call is most of it,
so replicas are kept side by side, entries are gathered one by one, and every
pass runs over all replicas (`SideBySide`).
"""

import numpy as np

from refimpl.sgd._columns import Columns

_WORKING_SET = 2**20  # bytes of gathered factors per chunk: they are read twice and should stay in the L2 cache
_ROWS = 2**19         # the same for whole rows
_SHORT = 64           # numbers of a batch below which replicas lie side by side; a quarter of it for batches of one


def gathered_kernel(x, y, batch_size):
    """The path for factors x (n, d) and labels y (n,) or None."""
    short = x.shape[1] * batch_size < (_SHORT if batch_size > 1 else _SHORT // 4)
    return (SideBySide if short else RowKernel)(x, y, batch_size)


class RowKernel:
    """Kernel of `refimpl.sgd.run` for factors x (n, d) and labels y (n,) or None, row by row."""

    block = 1

    def __init__(self, x, y, batch_size):
        self.x, self.y, self.share = np.ascontiguousarray(x), y, x.dtype.type(1 / batch_size)
        self.chunk = max(1, _ROWS // (x.shape[1] * batch_size * x.itemsize))
        self.rows = None

    def pack(self, w):
        return w.copy()

    def unpack(self, state):
        return state

    def spread(self, values):
        return values[:, None]

    def gradient(self, state, indices):
        if self.rows is None:
            self.rows = np.empty((*indices.shape, self.x.shape[1]), self.x.dtype)
            self.residuals, self.result = np.empty(indices.shape, self.x.dtype), np.empty_like(state)
        self.x.take(indices, 0, self.rows, "clip")  # other modes buffer `out`
        single = indices.shape[1] == 1
        (np.vecdot if single else np.matvec)(self.rows, state[:, None] if single else state, out=self.residuals)
        if self.y is not None:
            self.residuals -= self.y[indices]
        self.residuals *= self.share
        if single:
            return np.multiply(self.rows[:, 0], self.residuals, out=self.result)
        return np.vecmat(self.residuals, self.rows, out=self.result)


class SideBySide(Columns):
    """Kernel of `refimpl.sgd.run` for factors x (n, d) and labels y (n,) or None, entry by entry."""

    def __init__(self, x, y, batch_size):
        self.table, self.y = np.ascontiguousarray(x.T), y
        self.size, self.share = batch_size, x.dtype.type(1 / batch_size)
        self.chunk = max(self.block, _WORKING_SET // (x[0].nbytes * batch_size))
        self.gathered = None

    def gradient(self, state, indices):
        dim, rows = state.shape
        if self.gathered is None:
            self.indices = np.zeros((self.size, rows), np.intp)
            self.gathered = np.empty((dim, self.size, rows), state.dtype)
            self.residuals, self.result = np.empty((self.size, rows), state.dtype), np.empty_like(state)
        self.indices[:, :self.count] = indices.T
        self.table.take(self.indices, 1, self.gathered, "clip")
        np.einsum("dbr,dr->br", self.gathered, state, out=self.residuals)
        if self.y is not None:
            self.residuals -= self.y[self.indices]
        if self.size == 1:
            return np.multiply(self.gathered[:, 0], self.residuals, out=self.result)
        self.residuals *= self.share
        return np.einsum("dbr,br->dr", self.gathered, self.residuals, out=self.result)
