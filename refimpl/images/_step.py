"""One step of SGD with momentum on `ConvNet`: the float32 hot loop, on preallocated arrays."""

import numpy as np

from refimpl import _cross_entropy as cross_entropy


class Step:
    """One step on preallocated arrays; `w` is changed in place."""

    def __init__(self, model, w, blocks, labels, batch, momentum, decay):
        self.model, self.w, self.hot = model, w, labels[:, None] == np.arange(model.classes)
        self.table = blocks.reshape(len(blocks), -1)
        kind, rows = w.dtype, batch * model.block_count
        self.momentum, self.decay = kind.type(momentum), kind.type(decay)
        self.gathered = np.empty((batch, self.table.shape[1]), kind)
        self.z, self.spread = np.empty((rows, model.filters), kind), np.empty((rows, model.filters), kind)
        self.active = np.empty((rows, model.filters), bool)
        self.scores, self.residual = np.empty((batch, model.classes), kind), np.empty((batch, model.classes), kind)
        self.pooled = np.empty((batch, model.filters), kind)
        self.gradient, self.velocity = np.empty_like(w), np.zeros_like(w)
        self.scratch = np.empty_like(w)
        self.filters, self.head, self.bias = model.split(w)
        self.to_filters, self.to_head, self.to_bias = model.split(self.gradient)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a loss that is not finite says it
    def __call__(self, indices, noise, lr):
        """The batch loss before the step, which it makes."""
        value = self._passes(indices, noise)
        # (velocity, w) in place: v ← μv + g + λw, then w ← w − ηv.
        self.velocity *= self.momentum
        self.velocity += self.gradient
        if self.decay:
            np.multiply(self.w, self.decay, out=self.scratch)
            self.velocity += self.scratch
        np.multiply(self.velocity, self.w.dtype.type(lr), out=self.scratch)
        self.w -= self.scratch
        return value

    def _passes(self, indices, noise):
        model, batch = self.model, len(indices)
        np.take(self.table, indices, axis=0, out=self.gathered, mode="clip")
        inputs = self.gathered.reshape(-1, model.inputs)
        np.matmul(inputs, self.filters, out=self.z)
        if noise is not None:
            shaped = self.z.reshape(batch, model.block_count, model.filters)
            shaped += noise[:, None] if noise.ndim == 1 else noise
        np.maximum(self.z, 0, out=self.z)
        np.greater(self.z, 0, out=self.active)
        if model.pooled:
            features = np.mean(self.z.reshape(batch, model.block_count, -1), axis=1, out=self.pooled)
        else:
            features = self.z.reshape(batch, -1)
        scores = np.matmul(features, self.head, out=self.scores)
        scores += self.bias
        hot = self.hot[indices]
        value = float(cross_entropy.loss(scores, hot).mean())
        residual = np.divide(cross_entropy.slope(scores, hot), batch, out=self.residual)  # as ConvNet.gradient has it
        np.matmul(features.T, residual, out=self.to_head)
        np.sum(residual, axis=0, out=self.to_bias)
        if model.pooled:
            residual /= model.block_count
            np.matmul(residual, self.head.T, out=self.pooled)
            np.multiply(self.pooled[:, None], self.active.reshape(batch, model.block_count, -1),
                        out=self.spread.reshape(batch, model.block_count, -1))
        else:
            np.matmul(residual, self.head.T, out=self.spread.reshape(batch, -1))
            np.multiply(self.spread, self.active, out=self.spread)
        np.matmul(inputs.T, self.spread, out=self.to_filters)
        return value
