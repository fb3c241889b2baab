"""The two-layer convolutional network: parameters, passes written by hand, second derivatives."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from refimpl import _cross_entropy as cross_entropy, _inputs
from theory import _checks


@_inputs.passes(x=4)
@dataclass(frozen=True)
class ConvNet:
    r"""One convolution, ReLU and a linear head with softmax cross-entropy.

    .. math:: f_c(x) = b_c + \sum_{k,j} u_{kjc}\,[\langle U_j, x_{(k)}\rangle + \nu_{kj}]_+, \qquad
              L = \frac1n \sum_i \Bigl(\log \sum_c e^{f_c(x_i)} - f_{y_i}(x_i)\Bigr)

    x₍ₖ₎, k < K, are the blocks of the image, flattened as (channel, row,
    column), in rows from the top left; ν is optional noise. With `pooled` the
    head sees the mean over blocks, u_{kjc} = u_{jc}/K. The loss is the mean
    over examples, without weight decay.

    Parameters are one flat array (…, P): U as (d, m), input first, then u as
    (K, m, C) or pooled (m, C), then b (C,). `split` gives the three.

    Parameters
    ----------
    channels, height, width : int
        Shape of an image.
    classes : int
        C ≥ 2.
    size : int
        Side s of a square block; d = channels·s².
    stride : int, optional
        Step between blocks; the default is `size`, blocks that do not overlap.
    pad : int
        Zeros put around the image on each side.
    filters : int
        m.
    pooled : bool
        Whether the head sees the mean over blocks.

    References
    ----------
    [LWM19] section F: the two-layer convolutional network of the extension.

    Examples
    --------
    >>> net = ConvNet(channels=1, height=4, width=4, classes=3, size=2, filters=5)
    >>> net.block_count, net.parameter_shape
    (4, (83,))
    >>> net.predict(net.init(0), np.ones((7, 1, 4, 4))).shape
    (7, 3)
    """

    channels: int = 3
    height: int = 21
    width: int = 21
    classes: int = 10
    size: int = 7
    stride: int | None = None
    pad: int = 0
    filters: int = 256
    pooled: bool = False

    def __post_init__(self):
        for name in ("channels", "height", "width", "filters"):
            _checks.whole(getattr(self, name), name)
        _checks.whole(self.classes, "classes", 2)
        _checks.whole(self.pad, "pad", 0)
        _checks.whole(self.size, "size", 1, min(self.height, self.width) + 2 * self.pad)
        _checks.flag(self.pooled, "pooled")
        if self.stride is not None:
            _checks.whole(self.stride, "stride")
        _checks.room(self.parameter_shape, "the sizes of the net")

    @cached_property
    def grid(self):
        """Blocks down and across."""
        step = self.stride or self.size
        return tuple((side + 2 * self.pad - self.size) // step + 1 for side in (self.height, self.width))

    @property
    def block_count(self):
        """K."""
        return self.grid[0] * self.grid[1]

    @property
    def inputs(self):
        """d, the numbers in a block."""
        return self.channels * self.size**2

    @property
    def features(self):
        """Inputs of the head, K·m or pooled m."""
        return self.filters if self.pooled else self.block_count * self.filters

    @property
    def parameter_shape(self):
        """(P,)."""
        return (self.inputs * self.filters + (self.features + 1) * self.classes,)

    def init(self, rng=None):
        """U ~ N(0, 1/d), u ~ N(0, 1/features), b = 0: a flat float64 array (P,)."""
        rng = _checks.generator(rng)
        w = np.zeros(self.parameter_shape)
        filters, head, _ = self.split(w)
        filters[:] = rng.standard_normal(filters.shape) / np.sqrt(self.inputs)
        head[:] = rng.standard_normal(head.shape) / np.sqrt(self.features)
        return w

    def split(self, w, name="w"):
        """Views of w (…, P): U (…, d, m), u (…, features, C), b (…, C)."""
        w = _inputs.parameters(w, self.parameter_shape, name)
        first = self.inputs * self.filters
        second = first + self.features * self.classes
        lead = w.shape[:-1]
        return (w[..., :first].reshape(*lead, self.inputs, self.filters),
                w[..., first:second].reshape(*lead, self.features, self.classes), w[..., second:])

    def blocks(self, x):
        """Blocks of images x (…, channels, height, width) as (…, K, d); a copy."""
        x = _inputs.array(x, "x")
        if x.shape[-3:] != (self.channels, self.height, self.width):
            raise ValueError(f"x must have shape (…, {self.channels}, {self.height}, {self.width}), got {x.shape}; "
                             "put channels before rows and columns, or make a net of that size")
        if self.pad:
            x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(self.pad, self.pad)] * 2)
        step = self.stride or self.size
        windows = np.lib.stride_tricks.sliding_window_view(x, (self.size, self.size), axis=(-2, -1))
        windows = np.moveaxis(windows[..., ::step, ::step, :, :], -5, -3)  # (…, down, across, channel, s, s)
        return np.ascontiguousarray(windows).reshape(*x.shape[:-3], self.block_count, self.inputs)

    def predict(self, w, x, noise=None):
        """Scores f (…, n, C) for w (…, P), images x (…, n, channels, height, width) and noise as in `loss`."""
        return self._forward(w, self.blocks(x), noise)[2]

    def loss(self, w, x, y, noise=None):
        """Mean cross-entropy (…) with labels y (…, n) in 0…C−1 and noise ν that broadcasts to (…, n, K, m)."""
        scores = self._forward(w, self.blocks(x), noise)[2]
        return cross_entropy.loss(scores, self._hot(y, scores.shape[-2])).mean(axis=-1)

    def gradient(self, w, x, y, noise=None):
        """∇L (…, P); at a pre-activation of 0 the derivative of the ReLU is 0."""
        blocks = self.blocks(x)
        active, features, scores = self._forward(w, blocks, noise)
        return self._backward(w, blocks, active, features, self._residual(scores, y))

    def hvp(self, w, x, y, v, noise=None):
        """∇²L·v (…, P), exact where no pre-activation is 0."""
        blocks = self.blocks(x)
        active, features, scores = self._forward(w, blocks, noise)
        _, head, _ = self.split(w)
        filters_v, head_v, bias_v = self.split(v, "v")
        features_v = self._pool(active * (blocks @ filters_v[..., None, :, :]))
        scores_v = features_v @ head + features @ head_v + bias_v[..., None, :]
        residual = self._residual(scores, y)
        residual_v = cross_entropy.bend(scores)(scores_v) / scores.shape[-2]
        along = self._backward(w, blocks, active, features, residual_v)
        turned = self._backward(v, blocks, active, features_v, residual)
        turned[..., self.parameter_shape[0] - self.classes:] = 0  # the bias has no second factor
        return along + turned

    def accuracy(self, w, x, y):
        """Share of examples whose largest score is that of the label, (…)."""
        scores = self.predict(w, x)
        return (scores.argmax(axis=-1) == self._hot(y, scores.shape[-2]).argmax(axis=-1)).mean(axis=-1)

    def check_data(self, x, y):
        """Refuse images that are not the net's, and labels that are not one class number per image, by value."""
        x = _inputs.array(x, "x")
        if x.ndim < 4:
            raise ValueError(f"x must have shape (…, n, channels, height, width), got {x.shape}; "
                             "give a stack of images")
        self.blocks(x[..., :1, :, :, :])
        self._hot(y, x.shape[-4])
        _inputs.one_set(y, x.ndim - 3)

    def active_share(self, w, x):
        """Share of units with a positive pre-activation, over the images and filters: (…, K), one for each block."""
        return (self.blocks(x) @ self.split(w)[0][..., None, :, :] > 0).mean(axis=(-3, -1))

    def _forward(self, w, blocks, noise):
        """(active (…, n, K, m), features (…, n, F), scores (…, n, C))."""
        filters, head, bias = self.split(w)
        z = blocks @ filters[..., None, :, :]  # (…, n, K, m)
        if noise is not None:
            z = z + _inputs.array(noise, "noise")
        features = self._pool(np.maximum(z, 0))
        return z > 0, features, features @ head + bias[..., None, :]

    def _pool(self, hidden):
        return hidden.mean(axis=-2) if self.pooled else hidden.reshape(*hidden.shape[:-2], self.features)

    def _residual(self, scores, y):
        """(p − onehot(y))/n, (…, n, C)."""
        return cross_entropy.slope(scores, self._hot(y, scores.shape[-2])) / scores.shape[-2]

    def _hot(self, y, n):
        """The label's class marked, (…, n, C)."""
        y = np.asarray(_inputs.labels(y, n, np.float64))
        hot = np.arange(self.classes) == y[..., None]
        known = hot.any(axis=-1)
        if not known.all():
            raise ValueError(f"y must hold class numbers 0…{self.classes - 1}, got {y[~known].ravel()[0]:g}; "
                             "number the classes from 0")
        return hot

    def _backward(self, w, blocks, active, features, residual):
        """Gradient (…, P) of Σ residual·scores."""
        spread = residual @ self.split(w)[1].swapaxes(-1, -2)  # (…, n, F)
        if self.pooled:
            spread = (spread / self.block_count)[..., None, :]
        else:
            spread = spread.reshape(*spread.shape[:-1], self.block_count, self.filters)
        hidden = active * spread
        rows = (*hidden.shape[:-3], -1)
        flat = blocks.reshape(*blocks.shape[:-3], -1, self.inputs)
        to_filters = flat.swapaxes(-1, -2) @ hidden.reshape(*rows, self.filters)
        to_head = features.swapaxes(-1, -2) @ residual
        parts = [part.reshape(*part.shape[:-2], -1) for part in (to_filters, to_head)] + [residual.sum(axis=-2)]
        lead = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
        return np.concatenate([np.broadcast_to(part, (*lead, part.shape[-1])) for part in parts], axis=-1)
