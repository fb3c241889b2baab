"""Operators of per-example products, also those of another framework."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import network
from tests.network.nets import problem


@pytest.mark.claim("WME18.fig4")
@pytest.mark.parametrize("block", [1, 3, 100])
def test_operator_of_per_example_products(rng, block):
    model, w, x, y = problem(rng, n=7)
    own = network.operator(model, w, x, y)

    def product(v, first, last):
        return model.hvp(w, x[first:last, None], y[first:last, None], np.broadcast_to(v, (last - first, len(w))))

    other = network.Operator.from_examples(product, len(w), len(x), block)
    v = rng.standard_normal(len(w))
    assert_allclose(other.product(v), own.product(v), rtol=1e-10, atol=1e-12)
    assert_allclose(other.square_product(v), own.square_product(v), rtol=1e-10, atol=1e-12)
    with pytest.raises(ValueError, match="example_product"):
        network.Operator.from_examples(lambda v, first, last: v, len(w), len(x)).product(v)


@pytest.mark.claim("WME18.fig4")
@pytest.mark.filterwarnings("ignore")  # those of torch itself, when it is imported
def test_curvature_of_a_torch_model(rng):
    """The operator form with per-example products of another framework."""
    torch = pytest.importorskip("torch")
    model, w, x, y = problem(rng, n=6)
    tx, ty, tw = (torch.from_numpy(np.asarray(array, float)) for array in (x, y, w))

    def example_loss(parameters, row, label):
        h, start = row, 0
        for level, (inputs, outputs) in enumerate(zip(model.widths, model.widths[1:])):
            middle = start + inputs * outputs
            h = h @ parameters[start:middle].reshape(inputs, outputs) + parameters[middle:middle + outputs]
            h = torch.tanh(h) if level + 2 < len(model.widths) else h
            start = middle + outputs
        return 0.5 * (h[0] - label) ** 2

    def one(row, label, v):
        return torch.func.jvp(torch.func.grad(lambda p: example_loss(p, row, label)), (tw,), (v,))[1]

    def product(v, first, last):
        directions = torch.from_numpy(np.broadcast_to(v, (last - first, len(w))).copy())
        return torch.vmap(one)(tx[first:last], ty[first:last], directions).numpy()

    theirs = network.Operator.from_examples(product, len(w), len(x), block=4)
    assert_allclose(float(network.sharpness(theirs, rng=rng)), float(network.sharpness(model, w, x, y, rng=rng)),
                    rtol=1e-6)
    assert_allclose(float(network.non_uniformity(theirs, rng=rng)),
                    float(network.non_uniformity(model, w, x, y, rng=rng)), rtol=1e-6)
