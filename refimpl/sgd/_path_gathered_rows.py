r"""The fast paths for rank-1 quadratics: gradient (1/B) Σ_b g_b (g_bᵀ w − y_b) for many replicas at once.

A replica's batch of factors must be gathered at every step. Long rows are
gathered whole (`RowKernel`). With short ones NumPy is much faster in pieces of
16 or 32 bytes than row by row, so parameters are kept in *lanes* (`LaneKernel`):
with L numbers to a piece, w (C, d) is stored as (⌈d/L⌉, C, L), zero padded, and
every pass runs over the contiguous C·L. Summing a product over the L lanes and
spreading the sum over them again is one product with a constant L × L matrix.

There replicas are padded to whole blocks and that matrix product is made block
by block, all of one shape, so that a replica's rounding cannot depend on how
many others share its chunk.
"""

import numpy as np

_WORKING_SET = 2**20  # bytes of gathered factors per chunk: they are read twice and should stay in the L2 cache
_ROWS = 2**18         # the same for whole rows
_SHORT = 64           # numbers of a batch below which lanes pay; a quarter of it for batches of one


def gathered_kernel(x, y, batch_size):
    """The path for factors x (n, d) and labels y (n,) or None."""
    short = y is None and x.shape[1] * batch_size < (_SHORT if batch_size > 1 else _SHORT // 4)
    return LaneKernel(x, batch_size) if short else RowKernel(x, y, batch_size)


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
        np.take(self.x, indices, axis=0, out=self.rows, mode="clip")  # other modes buffer `out`
        single = indices.shape[1] == 1
        (np.vecdot if single else np.matvec)(self.rows, state[:, None] if single else state, out=self.residuals)
        if self.y is not None:
            self.residuals -= self.y[indices]
        self.residuals *= self.share
        if single:
            return np.multiply(self.rows[:, 0], self.residuals, out=self.result)
        return np.vecmat(self.residuals, self.rows, out=self.result)


class LaneKernel:
    """Kernel of `refimpl.sgd.run` for factors x (n, d) and labels zero."""

    block = 64

    def __init__(self, x, batch_size):
        n, dim = x.shape
        self.dim, self.size = dim, batch_size
        self.lanes = (32 if dim * x.itemsize > 16 else 16) // x.itemsize
        groups = -(-dim // self.lanes)
        padded = np.zeros((n, groups * self.lanes), x.dtype)
        padded[:, :dim] = x
        self.table = np.ascontiguousarray(padded.reshape(n, groups, self.lanes).swapaxes(0, 1))
        self.sum_and_spread = np.full((self.lanes, self.lanes), 1 / batch_size, x.dtype)
        self.chunk = max(self.block, _WORKING_SET // (padded.shape[1] * batch_size * x.itemsize))
        self.gathered = None

    def pack(self, w):
        self.count = len(w)
        groups, _, lanes = self.table.shape
        rows = -(-len(w) // self.block) * self.block
        padded = np.zeros((rows, groups * lanes), w.dtype)
        padded[:len(w), :self.dim] = w
        return np.ascontiguousarray(padded.reshape(rows, groups, lanes).swapaxes(0, 1))

    def unpack(self, state):
        groups, rows, lanes = state.shape
        return state.swapaxes(0, 1).reshape(rows, groups * lanes)[:self.count, :self.dim]

    def spread(self, values):
        """One number per replica, shaped to multiply a state."""
        padded = np.zeros(-(-len(values) // self.block) * self.block, values.dtype)
        padded[:len(values)] = values
        return padded[None, :, None]

    def gradient(self, state, indices):
        groups, rows, lanes = state.shape
        if self.gathered is None:
            self.indices = np.zeros((self.size, rows), np.intp)
            self.gathered = np.empty((groups, self.size, rows, lanes), state.dtype)
            self.products = np.empty((self.size, rows, lanes), state.dtype)
            self.residuals = np.empty_like(self.products)
            self.result = np.empty_like(state)
        self.indices[:, :self.count] = indices.T
        np.take(self.table, self.indices, axis=1, out=self.gathered, mode="clip")  # other modes buffer `out`
        np.einsum("gbcl,gcl->bcl", self.gathered, state, out=self.products)
        np.matmul(self.products.reshape(-1, self.block, lanes), self.sum_and_spread,
                  out=self.residuals.reshape(-1, self.block, lanes))
        return np.einsum("gbcl,bcl->gcl", self.gathered, self.residuals, out=self.result)
