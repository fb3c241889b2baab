"""Right candidates that spoil their arguments, count, or look at their inputs: the parts of planted mistakes."""

import numpy as np

from tests.testing._faults import only, picked


class Counting:
    """A gradient that is wrong every third time."""

    def __init__(self, model):
        self.model, self.calls = model, 0

    def __call__(self, w, x, y):
        self.calls += 1
        return self.model.gradient(w, x, y) * (1 + (self.calls % 3 == 0))


def in_place(part):
    def of(model):
        def gradient(w, x, y):
            found = model.gradient(w, x, y)
            {"w": w, "x": x}[part][...] *= 2
            return found
        return gradient
    return lambda name: only("gradient", of)(name)


def overwriting_sgd(model):
    def sgd(w, x, y, *, lr, indices):
        found = [w.copy()]
        for t, batch in enumerate(indices):
            w -= lr[t] * model.gradient(w, x[batch], picked(y, batch))
            found.append(w.copy())
        return np.array(found)
    return sgd


def one_buffer_sgd(model):
    def sgd(w, x, y, *, lr, indices):
        now = w.copy()
        found = [now]
        for t, batch in enumerate(indices):
            now -= lr[t] * model.gradient(now, x[batch], picked(y, batch))
            found.append(now)
        return np.array(found)
    return sgd


def guarded(model):
    """NaN where an output is large, as a guard against overflow."""
    def gradient(w, x, y):
        found = model.gradient(w, x, y)
        return found * np.nan if np.abs(found).max() > 1e20 else found
    return gradient
