r"""The fast paths for quadratics with dense Hessians: gradient (1/B) Σ_b H_b w for many replicas at once.

Which is fastest depends on d and B. Where a replica's matrices are smaller than
the cost of a call, so replicas are kept contiguous and every pass runs over
all of them. Else the batch's matrices are gathered one below the other,
transposed, and each replica makes one product with them, of w repeated B times:
that sums over the batch too. Where that copy would not stay in the cache
nothing is gathered: the products run one by one on the matrices where they lie.

In all three a replica's products have a shape of their own, so that its
rounding cannot depend on which others share its chunk.
"""

import numpy as np

from refimpl.sgd._columns import Columns

_WORKING_SET = 2**20     # bytes of gathered matrices per chunk: they are read twice and should stay in the L2 cache
_CONTIGUOUS = 3, 48      # largest d, and most numbers in a replica's matrices, for replicas side by side
_IN_PLACE = 64, 2**14    # least d, and least numbers in a replica's matrices, for products without gathering


def dense_kernel(x, batch_size):
    """Kernel of `refimpl.sgd.run` for Hessians x (n, d, d)."""
    dim = x.shape[-1]
    if dim <= _CONTIGUOUS[0] or batch_size * dim**2 <= _CONTIGUOUS[1]:
        return _Contiguous(x, batch_size)
    least, numbers = _IN_PLACE
    if dim >= least and batch_size * dim**2 >= numbers:
        return _InPlace(x, batch_size)
    return _Gathered(x, batch_size)


class _Contiguous(Columns):

    def __init__(self, x, batch_size):
        self.table = np.ascontiguousarray(np.moveaxis(x, 0, -1))  # (d, d, n)
        self.size = batch_size
        self.chunk = max(self.block, _WORKING_SET // (x[0].nbytes * batch_size))
        self.gathered = None

    def gradient(self, state, indices):
        dim, rows = state.shape
        if self.gathered is None:
            self.indices = np.zeros((self.size, rows), np.intp)
            self.gathered = np.empty((dim, dim, self.size, rows), state.dtype)
            self.sums, self.result = np.empty((dim, dim, rows), state.dtype), np.empty_like(state)
        self.indices[:, :self.count] = indices.T
        self.table.take(self.indices, 2, self.gathered, "clip")  # other modes buffer `out`
        sums = self.gathered[:, :, 0] if self.size == 1 else np.sum(self.gathered, axis=2, out=self.sums)
        np.einsum("ijr,jr->ir", sums, state, out=self.result)
        if self.size > 1:
            self.result *= 1 / self.size
        return self.result


class _Rows:
    """State (C, d): a replica is a row."""

    block = 1

    def __init__(self, x, batch_size):
        self.x, self.size = x, batch_size
        self.chunk = max(16, _WORKING_SET // (x[0].nbytes * batch_size))

    def pack(self, w):
        return w.copy()

    def unpack(self, state):
        return state

    def spread(self, values):
        return values[:, None]


class _Gathered(_Rows):

    def __init__(self, x, batch_size):
        super().__init__(x, batch_size)
        self.transposed = np.ascontiguousarray(x.swapaxes(1, 2))
        self.gathered = None

    def gradient(self, state, indices):
        count, dim = state.shape
        if self.gathered is None:
            self.gathered = np.empty((count, self.size, dim, dim), state.dtype)
            self.repeated, self.result = np.empty((count, self.size, dim), state.dtype), np.empty_like(state)
        self.transposed.take(indices, 0, self.gathered, "clip")
        np.multiply(state[:, None], 1 / self.size, out=self.repeated)
        return np.vecmat(self.repeated.reshape(count, -1), self.gathered.reshape(count, -1, dim), out=self.result)


class _InPlace(_Rows):

    def __init__(self, x, batch_size):
        super().__init__(x, batch_size)
        self.matrices, self.images = list(x), None

    def gradient(self, state, indices):
        if self.images is None:
            self.images, self.result = np.empty((*indices.shape, state.shape[1]), state.dtype), np.empty_like(state)
        for w, batch, images in zip(state, indices.tolist(), self.images):
            for example, image in zip(batch, images):
                np.dot(self.matrices[example], w, out=image)
        np.sum(self.images, axis=1, out=self.result)
        self.result *= 1 / self.size
        return self.result
