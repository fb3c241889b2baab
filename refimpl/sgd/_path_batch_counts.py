r"""The fast path for rank-1 quadratics and batches that are a good part of the set: no gather, two matrix products.

With c (C, n) how often each example is in a replica's batch, the gradients are

.. math:: \tfrac1B \bigl(c \odot (w X^\top)\bigr) X .

All n residuals are computed and those of examples outside the batch are
multiplied by 0; a matrix product is so much faster than a gather that this
pays from B = n/`SHARE` on, for d from 2 to 128.

Products are made block by block, all of one shape, so that a replica's
rounding cannot depend on how many others share its chunk.
"""

import numpy as np

SHARE = 6
_WORKING_SET = 2**19  # bytes of residuals per chunk


class CountsKernel:
    """Kernel of `refimpl.sgd.run` for factors x (n, d) and labels zero."""

    block = 256

    def __init__(self, x, batch_size):
        self.x, self.transposed, self.size = x, np.ascontiguousarray(x.T), batch_size
        self.scaled = x * x.dtype.type(1 / batch_size)
        self.chunk = max(self.block, _WORKING_SET // (len(x) * x.itemsize))
        self.residuals = None

    def pack(self, w):
        self.count = len(w)
        state = np.zeros((-(-len(w) // self.block), self.block, w.shape[1]), w.dtype)
        state.reshape(-1, w.shape[1])[:len(w)] = w
        return state

    def unpack(self, state):
        return state.reshape(-1, state.shape[-1])[:self.count]

    def spread(self, values):
        """One number per replica, shaped to multiply a state."""
        return self.pack(values[:, None])

    def gradient(self, state, indices):
        blocks, n = len(state), len(self.x)
        if self.residuals is None:
            self.residuals = np.empty((blocks, self.block, n), state.dtype)
            self.result = np.empty_like(state)
            self.offsets = n * np.arange(self.count)[:, None]
        counts = np.bincount((indices + self.offsets).ravel(), minlength=self.residuals.size)
        np.matmul(state, self.transposed, out=self.residuals)
        self.residuals *= counts.astype(state.dtype).reshape(self.residuals.shape)
        return np.matmul(self.residuals, self.scaled, out=self.result)
