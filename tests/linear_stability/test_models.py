"""The models of this study are their formulas, written out example by example."""

import pytest
from numpy.testing import assert_allclose

from refimpl import linear_stability as simulated

pytestmark = pytest.mark.chance("exact")


def test_least_squares(rng):
    """Two replicas, with labels and without; labels added for subtracted, a missing ½ or 1/n is caught."""
    model, w, v, x, y = simulated.LinearRegression(3), *(rng.standard_normal(shape) for shape in ((2, 3), 3, (4, 3), 4))
    for labels in (y, None):
        rest = [[sum(a * b for a, b in zip(row, line)) - (0 if labels is None else y[i]) for i, row in enumerate(x)]
                for line in w]
        assert_allclose(model.loss(w, x, labels), [sum(r**2 for r in line) / 8 for line in rest], rtol=1e-12)
        assert_allclose(model.gradient(w, x, labels), [sum(r * row for r, row in zip(line, x)) / 4 for line in rest],
                        rtol=1e-12)
        assert_allclose(model.hvp(w, x, labels, v), [sum(row * (row @ v) for row in x) / 4] * 2, rtol=1e-12)
        assert_allclose(model.hvp(v, x, labels, w), [sum(row * (row @ line) for row in x) / 4 for line in w],
                        rtol=1e-12)


def test_quadratic(rng):
    model, w, v, x = simulated.Quadratic(3), *(rng.standard_normal(shape) for shape in ((2, 3), 3, (4, 3, 3)))
    x = x + x.swapaxes(1, 2)
    assert_allclose(model.predict(w, x), [[line @ h @ line / 2 for h in x] for line in w], rtol=1e-12)
    assert_allclose(model.loss(w, x), [sum(line @ h @ line for h in x) / 8 for line in w], rtol=1e-12)
    assert_allclose(model.gradient(w, x), [sum(h @ line for h in x) / 4 for line in w], rtol=1e-12)
    assert_allclose(model.hvp(w, x, None, v), [sum(h @ v for h in x) / 4] * 2, rtol=1e-12)
    assert_allclose(model.hvp(v, x, None, w), [sum(h @ line for h in x) / 4 for line in w], rtol=1e-12)
