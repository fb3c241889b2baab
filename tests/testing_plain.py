"""The models again, in plain Python loops over numbers: no NumPy, nothing shared with the code under comparison.

Every function works on floats and on `fractions.Fraction` alike, so that the
same page checks expected values to rounding and, where a model is polynomial,
exactly.
"""


def dot(a, b):
    """⟨a, b⟩ of two sequences of numbers."""
    return sum((p * q for p, q in zip(a, b)), start=0 * b[0])


def mean(values):
    """Mean of a sequence of numbers."""
    return sum(values[1:], start=values[0]) / len(values)


def mean_vector(vectors):
    """Mean of vectors given as lists."""
    return [mean(list(entries)) for entries in zip(*vectors)]


class Losses:
    """What follows from `example_loss` and `example_gradient`: the loss of each example, their mean, SGD."""

    def losses(self, w, x, y):
        return [self.example_loss(w, x[i], None if y is None else y[i]) for i in range(len(x))]

    def loss(self, w, x, y):
        return mean(self.losses(w, x, y))

    def gradient(self, w, x, y):
        return mean_vector([self.example_gradient(w, x[i], None if y is None else y[i]) for i in range(len(x))])

    def sgd(self, w, x, y, *, lr, indices, noise=None, weight_decay=0):
        path = [list(w)]
        for t, batch in enumerate(indices):
            now = path[-1]
            slope = self.gradient(now, [x[i] for i in batch], None if y is None else [y[i] for i in batch])
            if noise is not None:
                slope = [g + e for g, e in zip(slope, noise[t])]
            path.append([p - lr[t] * weight_decay * p - lr[t] * g for p, g in zip(now, slope)])
        return path


class Regression(Losses):
    """Linear least squares, ``half`` (⟨w, x⟩ − y)² for each example."""

    def __init__(self, half):
        self.half = half

    def predict(self, w, x):
        return [dot(w, row) for row in x]

    def example_loss(self, w, row, label):
        return (dot(w, row) - (label or 0)) ** 2 * self.half

    def example_gradient(self, w, row, label):
        residual = dot(w, row) - (label or 0)
        return [2 * self.half * residual * entry for entry in row]

    def hvp(self, w, x, y, v):
        return mean_vector([[2 * self.half * dot(v, row) * entry for entry in row] for row in x])


class Quadratic(Losses):
    """½ wᵀ H_i w for each example."""

    def predict(self, w, x):
        return [self.example_loss(w, hessian, None) for hessian in x]

    def example_loss(self, w, hessian, label):
        return dot(w, [dot(row, w) for row in hessian]) / 2

    def example_gradient(self, w, hessian, label):
        return [dot(row, w) for row in hessian]

    def hvp(self, w, x, y, v):
        return self.gradient(v, x, y)


class TwoMinima(Losses):
    """min{w², c (w − 1)²} for each example."""

    def predict(self, w, x):
        return [self.example_loss(w, c, None) for c in x]

    def example_loss(self, w, c, label):
        return min(w[0] ** 2, c * (w[0] - 1) ** 2)

    def example_gradient(self, w, c, label):
        return [2 * w[0] if w[0] ** 2 < c * (w[0] - 1) ** 2 else 2 * c * (w[0] - 1)]


def plain(model, settings):
    """The plain implementation of a model of the kit."""
    return {
        "LinearRegression": lambda: Regression(0.5),
        "LeastSquares": lambda: Regression(1),
        "Quadratic": Quadratic,
        "TwoMinima": TwoMinima,
    }[model]()


def listed(value):
    """An argument of the kit as nested lists of numbers."""
    return value.tolist()
