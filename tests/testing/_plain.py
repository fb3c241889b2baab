"""The models again, in plain Python loops over numbers: no NumPy, nothing shared with the code under comparison.

Every function works on floats, on `fractions.Fraction` and on `decimal.Decimal`
alike, so that the same page checks expected values to rounding, exactly where a
model is polynomial, and to as many digits as one likes elsewhere. Hessian-vector
products come from dual numbers carried through the loops of the gradient.
"""

import math
from fractions import Fraction

from tests.testing._dual import Dual, dot, dual, exp, leaves, like, log, mean, tanh


class Model:
    """What follows from a loss and a gradient for one example: means over examples, the HVP, SGD."""

    def predict(self, w, x):
        return [self.output(w, row) for row in x]

    def losses(self, w, x, y):
        return [self.example_loss(w, x[i], None if y is None else y[i]) for i in range(len(x))]

    def loss(self, w, x, y):
        return mean(self.losses(w, x, y))

    def gradient(self, w, x, y):
        each = [leaves(self.example_gradient(w, x[i], None if y is None else y[i])) for i in range(len(x))]
        return like(w, iter([mean(entries) for entries in zip(*each)]))

    def hvp(self, w, x, y, v):
        duals = like(w, iter([Dual(p, q) for p, q in zip(leaves(w), leaves(v))]))
        return like(w, iter([dual(entry).slope for entry in leaves(self.gradient(duals, x, y))]))

    def sgd(self, w, x, y, *, lr, indices, noise=None, weight_decay=0, momentum=0, nesterov=False, dampening=0):
        path, velocity = [w], None
        for t, batch in enumerate(indices):
            slope = leaves(self.gradient(path[-1], [x[i] for i in batch], None if y is None else [y[i] for i in batch]))
            slope = [g + weight_decay * p for g, p in zip(slope, leaves(path[-1]))]
            if noise is not None:
                slope = [g + e for g, e in zip(slope, leaves(noise[t]))]
            if velocity is None:
                velocity = slope
            else:
                velocity = [momentum * v + (1 - dampening) * g for v, g in zip(velocity, slope)]
            along = [g + momentum * v for g, v in zip(slope, velocity)] if nesterov else velocity
            path.append(like(w, iter([p - lr[t] * d for p, d in zip(leaves(path[-1]), along)])))
        return path


class Regression(Model):
    """Linear least squares, ``half`` (⟨w, x⟩ − y)² for each example."""

    def __init__(self, half):
        self.half = half

    def output(self, w, row):
        return dot(w, row)

    def example_loss(self, w, row, label):
        return (dot(w, row) - (label or 0)) ** 2 * self.half

    def example_gradient(self, w, row, label):
        residual = dot(w, row) - (label or 0)
        return [2 * self.half * residual * entry for entry in row]

    def descend(self, w, x, y, *, lr, large_lr, anneal_loss, target):
        path, rate = [w], large_lr
        while self.loss(path[-1], x, y) > target:
            rate = lr if self.loss(path[-1], x, y) <= anneal_loss else rate
            path.append([p - rate * g for p, g in zip(path[-1], self.gradient(path[-1], x, y))])
        return path


class Quadratic(Model):
    """½ wᵀ H_i w for each example."""

    def output(self, w, hessian):
        return dot(w, [dot(row, w) for row in hessian]) / 2

    def example_loss(self, w, hessian, label):
        return self.output(w, hessian)

    def example_gradient(self, w, hessian, label):
        return [dot(row, w) for row in hessian]


class TwoMinima(Model):
    """min{w², c (w − 1)²} for each example."""

    def output(self, w, c):
        return min(w[0] ** 2, c * (w[0] - 1) ** 2)

    def example_loss(self, w, c, label):
        return self.output(w, c)

    def example_gradient(self, w, c, label):
        return [2 * w[0] if w[0] ** 2 < c * (w[0] - 1) ** 2 else 2 * c * (w[0] - 1)]


class LinearNet(Model):
    """x_i u·v/√m and ½(f − y)²; the root of a width that is no square is a float."""

    def __init__(self, width, exact=False):
        root = math.isqrt(width)
        self.root = root if exact and root * root == width else math.sqrt(width)

    def output(self, w, x):
        return dot(w[0], w[1]) * x / self.root

    def example_loss(self, w, x, label):
        return (self.output(w, x) - label) ** 2 / 2

    def example_gradient(self, w, x, label):
        slope = (self.output(w, x) - label) * x / self.root
        return [[slope * entry for entry in row] for row in (w[1], w[0])]


class TwoLayerCNN(Model):
    """±(1/m) Σ σ(⟨w, patch⟩) and (f − y)²."""

    def __init__(self, dim, width, activation):
        self.width, self.activation = width, activation

    def act(self, z):
        """(σ(z), σ'(z))."""
        if self.activation == "square":
            return z * z, 2 * z
        if not z > 0:
            return 0, 0
        return (z, 1) if self.activation == "relu" else (z * z, 2 * z)

    def output(self, w, patches):
        total = 0
        for sign, filters in zip((1, -1), w):
            for one in filters:
                for patch in patches:
                    total = total + sign * self.act(dot(one, patch))[0]
        return total / self.width

    def example_loss(self, w, patches, label):
        return (self.output(w, patches) - label) * (self.output(w, patches) - label)

    def example_gradient(self, w, patches, label):
        residual = self.output(w, patches) - label
        found = []
        for sign, filters in zip((1, -1), w):
            for one in filters:
                slopes = [self.act(dot(one, patch))[1] for patch in patches]
                found.append([2 * residual * sign * dot(slopes, column) / self.width for column in zip(*patches)])
        return found


def softmax_loss(scores, label):
    """−log softmax(scores)[label] and its derivative."""
    top = scores[0]
    for score in scores:
        top = score if score > top else top
    shares = [exp(score - top) for score in scores]
    total = shares[0]
    for share in shares[1:]:
        total = total + share
    loss = log(total) - (scores[label] - top) if not isinstance(total, Dual) else None
    return loss, [share / total - (1 if k == label else 0) for k, share in enumerate(shares)]


class MLP(Model):
    """Fully connected; parameters W (inputs × outputs) row by row, then b, layer by layer."""

    def __init__(self, widths, activation, loss_kind):
        self.widths, self.activation, self.loss_kind = widths, activation, loss_kind

    def layers(self, w):
        first = 0
        for a, b in zip(self.widths, self.widths[1:]):
            yield [w[first + i * b:first + (i + 1) * b] for i in range(a)], w[first + a * b:first + (a + 1) * b]
            first += (a + 1) * b

    def act(self, z):
        if self.activation == "relu":
            return (z, 1) if z > 0 else (0, 0)
        if self.activation == "identity":
            return z, 1
        value = tanh(z)
        return value, 1 - value * value

    def forward(self, w, row):
        """Inputs and activation slopes of every layer, and the outputs."""
        inputs, slopes, now = [], [], list(row)
        layers = list(self.layers(w))
        for number, (weight, bias) in enumerate(layers):
            inputs.append(now)
            now = [dot(now, column) + b for column, b in zip(zip(*weight), bias)]
            if number < len(layers) - 1:
                pairs = [self.act(z) for z in now]
                slopes.append([slope for _, slope in pairs])
                now = [value for value, _ in pairs]
        return inputs, slopes, now

    def output(self, w, row):
        outputs = self.forward(w, row)[2]
        return outputs[0] if len(outputs) == 1 else outputs

    def head(self, outputs, label):
        """(loss, derivative in the outputs)."""
        if self.loss_kind == "cross-entropy":
            return softmax_loss(outputs, label)
        delta = [f - t for f, t in zip(outputs, [label] if len(outputs) == 1 else label)]
        return dot(delta, delta) / 2, delta

    def example_loss(self, w, row, label):
        return self.head(self.forward(w, row)[2], label)[0]

    def example_gradient(self, w, row, label):
        inputs, slopes, outputs = self.forward(w, row)
        delta = self.head(outputs, label)[1]
        parts = []
        for number, (weight, _) in reversed(list(enumerate(self.layers(w)))):
            parts.append([[value * d for value in inputs[number] for d in delta], delta])
            if number:
                delta = [dot(row, delta) * slope for row, slope in zip(weight, slopes[number - 1])]
        return parts[::-1]


class ConvNet(Model):
    """One convolution, ReLU, linear head; U (d, m), u (K, m, C) or (m, C), b."""

    def __init__(self, channels, height, width, classes, size, filters, pooled, stride, pad):
        self.shape, self.classes, self.size, self.filters = (channels, height, width), classes, size, filters
        self.pooled, self.stride, self.pad = pooled, stride or size, pad

    def blocks(self, image):
        channels, height, width = self.shape
        found = []
        for top in range(-self.pad, height + self.pad - self.size + 1, self.stride):
            for left in range(-self.pad, width + self.pad - self.size + 1, self.stride):
                found.append([image[c][top + i][left + j] if 0 <= top + i < height and 0 <= left + j < width else 0
                              for c in range(channels) for i in range(self.size) for j in range(self.size)])
        return found

    def forward(self, w, image, noise):
        m, blocks = self.filters, self.blocks(image)
        d = len(blocks[0])
        hidden = [[dot(block, w[j:d * m:m]) + (noise[k] if noise else 0) for j in range(m)]
                  for k, block in enumerate(blocks)]
        features = [z if z > 0 else 0 for row in hidden for z in row]
        if self.pooled:
            features = [mean(features[j::m]) for j in range(m)]
        first, c = d * m, self.classes
        head = [w[first + i * c:first + (i + 1) * c] for i in range(len(features))]
        bias = w[first + len(features) * c:]
        return blocks, hidden, features, head, [dot(features, column) + b for column, b in zip(zip(*head), bias)]

    def output(self, w, image):
        return self.forward(w, image, None)[-1]

    def example_loss(self, w, image, label):
        return softmax_loss(self.output(w, image), label)[0]

    def example_gradient(self, w, image, label, noise=None):
        blocks, hidden, features, head, scores = self.forward(w, image, noise)
        delta = softmax_loss(scores, label)[1]
        back = [dot(row, delta) for row in head]
        if self.pooled:
            back = [entry / len(blocks) for entry in back] * len(blocks)
        flat = leaves(hidden)
        active = [entry if z > 0 else 0 for entry, z in zip(back, flat)]
        m = self.filters
        columns = list(zip(*blocks))
        to_filters = [[dot(column, active[j::m]) for j in range(m)] for column in columns]
        return [to_filters, [[f * e for e in delta] for f in features], delta]

    def train(self, w, x, y, *, lr, indices, momentum, weight_decay, noise=None):
        path, velocity = [w], [0.0] * len(w)
        for t, batch in enumerate(indices):
            each = [leaves(self.example_gradient(path[-1], x[i], y[i], noise[t] if noise else None)) for i in batch]
            velocity = [momentum * v + mean(g) + weight_decay * p for v, g, p in zip(velocity, zip(*each), path[-1])]
            path.append([p - lr[t] * v for p, v in zip(path[-1], velocity)])
        return path


class TwoLayerReLU(Model):
    """Σ u_j ReLU(⟨U_j, x⟩) with fixed u and the logistic loss; in block form W sees x₁ and V sees x₂."""

    def __init__(self, dim, w_width, v_width, w_scale, v_scale, block):
        self.dim, self.w_width = dim, w_width
        self.out = [(-1) ** j * w_scale / math.sqrt(w_width) for j in range(w_width)]
        self.out += [(-1) ** j * v_scale / math.sqrt(v_width) for j in range(v_width)]
        self.block = block

    def seen(self, j, row):
        if not self.block:
            return row
        first = 0 if j < self.w_width else self.dim
        return [value if first <= k < first + self.dim else 0 for k, value in enumerate(row)]

    def reach(self, w, row):
        """⟨U_j, x⟩ for every neuron."""
        parts = self.seen(0, row), self.seen(self.w_width, row)
        return [dot(one, parts[j >= self.w_width]) for j, one in enumerate(w)]

    def output(self, w, row):
        return dot([z if z > 0 else 0 for z in self.reach(w, row)], self.out)

    def example_loss(self, w, row, label):
        margin = label * self.output(w, row)
        return math.log1p(math.exp(-margin)) if margin > -30 else -margin + math.log1p(math.exp(margin))

    def example_gradient(self, w, row, label):
        margin = label * self.output(w, row)
        small = exp(-margin) if margin > 0 else exp(margin)
        slope = -label * (small / (1 + small) if margin > 0 else 1 / (1 + small))
        parts = self.seen(0, row), self.seen(self.w_width, row)
        return [[slope * u * value for value in parts[j >= self.w_width]] if z > 0 else [0] * len(row)
                for j, (z, u) in enumerate(zip(self.reach(w, row), self.out))]

    def train(self, w, x, y, *, lr, weight_decay, noise, large_lr=None, anneal_loss=None):
        def masked(tree):
            return [self.seen(j, row) for j, row in enumerate(tree)]

        path, rate = [masked(w)], lr if large_lr is None else large_lr
        for extra in noise:
            if large_lr is not None and self.loss(path[-1], x, y) <= anneal_loss:
                rate = lr
            now = zip(leaves(path[-1]), leaves(self.gradient(path[-1], x, y)), leaves(masked(extra)))
            path.append(like(w, iter([p - rate * weight_decay * p - rate * (g + e) for p, g, e in now])))
        return path


def plain(model, settings, exact=False):
    """The plain implementation of a model of the kit."""
    return {
        "LinearRegression": lambda dim: Regression(Fraction(1, 2) if exact else 0.5),
        "LeastSquares": lambda dim: Regression(1),
        "Quadratic": lambda dim: Quadratic(),
        "TwoMinima": TwoMinima,
        "LinearNet": lambda width: LinearNet(width, exact),
        "TwoLayerCNN": TwoLayerCNN,
        "MLP": MLP,
        "ConvNet": ConvNet,
        "TwoLayerReLU": TwoLayerReLU,
    }[model](**settings)


def listed(value):
    """An argument of the kit as nested lists of numbers."""
    return value.tolist()
