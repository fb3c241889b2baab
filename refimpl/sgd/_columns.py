"""Replicas side by side: w (C, d) is stored as (d, rows), so that every pass runs along the rows.

They are zero padded to whole blocks: NumPy's rounding then cannot depend on
how many replicas share a chunk.
"""

import numpy as np

BLOCK = 64


def columns(w):
    """w (C, d) as (d, rows), zero padded."""
    padded = np.zeros((w.shape[1], -(-len(w) // BLOCK) * BLOCK), w.dtype)
    padded[:, :len(w)] = w.T
    return padded


class Columns:
    """The state of a kernel (see `refimpl.sgd._kernel`) as columns."""

    block = BLOCK

    def pack(self, w):
        self.count = len(w)
        return columns(w)

    def unpack(self, state):
        return np.ascontiguousarray(state[:, :self.count].T)

    def spread(self, values):
        """One number per replica, shaped to multiply a state."""
        return columns(values[:, None])[0]
