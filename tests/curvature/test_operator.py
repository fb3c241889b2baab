"""Operators of per-example products, also those of another framework."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import network
from tests.network.nets import problem
from tests.support import refused

pytestmark = pytest.mark.chance("exact")


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
    refused("example_product", network.Operator.from_examples(lambda v, first, last: v, len(w), len(x)).product, v)


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


@pytest.mark.parametrize("chosen", [slice(3, 40), slice(None, None, 3), "W1", ["b0", "W2"]])
def test_a_block_is_the_block_of_the_dense_matrix(rng, chosen):
    """Sharpness, bottom, trace and density of any block against H[block, block]; the whole matrix gives others."""
    model, w, x, y = problem(rng, n=6, hidden=(7, 7))
    size = len(w)
    dense = np.array([model.hvp(w, x, y, unit) for unit in np.eye(size)])
    places = {"W1": np.arange(28, 77), "['b0', 'W2']": np.r_[21:28, 84:91]}.get(str(chosen))
    places = np.arange(size)[chosen] if places is None else places
    part = dense[np.ix_(places, places)]
    values = np.linalg.eigvalsh(part)
    block = network.operator(model, w, x, y).block(chosen)
    assert block.size == len(places)
    assert_allclose(float(network.sharpness(block, rng=rng)), values[-1], rtol=1e-6, atol=1e-10)
    assert_allclose(network.bottom_eigenpairs(block, rng=rng).values[0], values[0], rtol=1e-6, atol=1e-9)
    assert_allclose(float(network.trace(block, method="exact")), np.trace(part), rtol=1e-11, atol=1e-13)
    density = network.spectral_density(block, steps=40, probes=1, rng=5)
    signs = np.random.default_rng(5).integers(2, size=len(places)) * 2.0 - 1   # the start of its Lanczos run
    assert_allclose(np.nansum(density.nodes * density.weights), signs @ part @ signs / len(places), rtol=1e-9,
                    atol=1e-12)
    assert not np.isclose(values[-1], np.linalg.eigvalsh(dense)[-1], rtol=1e-6)


def test_non_uniformity_of_a_block_is_that_of_the_blocks_of_each_example(example):
    """From per-example products; the block of mean H_i² − H² is larger, and caught. Without them it is refused."""
    rng, chosen = example
    rows = rng.standard_normal((6, 5, 5))
    hessians = rows + rows.swapaxes(1, 2)
    source = network.Operator.from_examples(lambda v, a, b: np.matvec(hessians[a:b], v), 5, 6, block=4)
    part = hessians[:, 1:4, 1:4]

    def spread(stack):
        mean = stack.mean(axis=0)
        return (stack @ stack).mean(axis=0) - mean @ mean

    exact = np.sqrt(np.linalg.eigvalsh(spread(part))[-1])
    assert_allclose(float(network.non_uniformity(source.block(slice(1, 4)))), exact, rtol=1e-9)
    assert not chosen or np.sqrt(np.linalg.eigvalsh(spread(hessians)[1:4, 1:4])[-1]) > 1.001 * exact
    refused("from_examples", network.non_uniformity, network.Operator(5, lambda v: v, lambda v: v).block(slice(1, 4)))


@pytest.mark.parametrize("chosen, word", [("W9", "W0, b0"), (["W0", "W0"], "once each"), (slice(5, 5), "at least one"),
                                          ([], "at least one")])
def test_a_block_that_is_not_there_is_refused(rng, chosen, word):
    model, w, x, y = problem(rng)
    refused(word, network.operator(model, w, x, y).block, chosen)


@pytest.mark.parametrize("arguments, word", [
    ((0, lambda v: v), "size"), ((3, None), "product must be a function"), ((3, lambda v: v, 1), "square_product"),
    ((3, lambda v: v, None, int), "dtype")])
def test_an_operator_of_bad_parts_is_refused(arguments, word):
    refused(word, network.Operator, *arguments)


def test_a_model_without_point_or_data_is_refused(rng):
    model, w, x, _ = problem(rng)
    for given_ in ((), (w,), (None, x)):
        refused(r"w and x must be given with a model \(MLP\)", network.sharpness, model, *given_)
    refused("leave out w, x and y", network.sharpness, network.Operator(3, lambda v: v), None, None, [0.0])
