"""How the gradients of a chunk of replicas are computed: the model's own fast path, or the general one.

A kernel holds the state of the chunk's replicas and computes their gradients:
``pack`` and ``unpack`` turn parameters (C, *P) into a state and back, ``spread``
shapes one number per replica to multiply a state, and ``gradient`` returns an
array like the state that the loop may overwrite. A run makes one kernel and
copies it for each chunk: tables are shared, buffers are made at the first step.
"""

from copy import copy

import numpy as np


class PlainKernel:
    """The general path: gather the batch of every replica and call the model's own gradient."""

    block = 1

    def __init__(self, model, x, y, stacked):
        self.model, self.x, self.y, self.stacked = model, x, y, stacked

    def pack(self, w):
        return w.copy()

    def unpack(self, state):
        return state

    def spread(self, values):
        return values.reshape(-1, *(1,) * len(self.model.parameter_shape))

    def gradient(self, state, indices):
        if indices is None:
            return self.model.gradient(state, self.x, self.y)
        pick = (np.arange(len(state))[:, None], indices) if self.stacked else indices
        return self.model.gradient(state, self.x[pick], None if self.y is None else self.y[pick])


class _BySize:
    """One fast path per batch size, of one class and so with one layout of the state, for batches of unequal length."""

    def __init__(self, kernels):
        self.kernels = kernels
        self.block = next(iter(kernels.values())).block
        self.chunk = min(kernel.chunk for kernel in kernels.values())

    def __copy__(self):
        return _BySize({size: copy(kernel) for size, kernel in self.kernels.items()})

    def pack(self, w):
        return [kernel.pack(w) for kernel in self.kernels.values()][0]

    def unpack(self, state):
        return next(iter(self.kernels.values())).unpack(state)

    def spread(self, values):
        return [kernel.spread(values) for kernel in self.kernels.values()][0]

    def gradient(self, state, indices):
        return self.kernels[indices.shape[-1]].gradient(state, indices)


def fast_kernel(model, x, y, sizes):
    """The model's own fast path where it has one for these data and all batch sizes, else None."""
    make = getattr(model, "kernel", None)
    if make is None:
        return None
    if len(sizes) < 2:
        return make(x, y, sizes[0] if sizes else None)
    kernels = {size: make(x, y, size) for size in sizes}
    classes = {type(kernel) for kernel in kernels.values()}
    return None if len(classes) > 1 or type(None) in classes else _BySize(kernels)
