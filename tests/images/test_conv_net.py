"""The convolutional net: scores, gradients and second derivatives against plain loops and differences.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from numpy.testing import assert_allclose

from refimpl import images
from tests import support

pytestmark = pytest.mark.chance("exact")

FORMS = ("none", "shared", "independent")


@st.composite
def nets(draw):
    """Small nets: blocks apart or overlapping, padded or not, pooled or not."""
    size = draw(st.integers(1, 3))
    return images.ConvNet(channels=draw(st.integers(1, 2)), height=draw(st.integers(size, 5)),
                          width=draw(st.integers(size, 5)),
                          classes=draw(st.integers(2, 4)), size=size, stride=draw(st.sampled_from([None, 1, 2])),
                          pad=draw(st.integers(0, 1)), filters=draw(st.integers(1, 4)), pooled=draw(st.booleans()))


def noise_for(net, n, form, rng):
    if form == "none":
        return None
    return rng.standard_normal((net.block_count, 1) if form == "shared" else (n, net.block_count, net.filters))


def example(net, seed, n=3):
    """(w, x, y) of a net, all entries random."""
    rng = np.random.default_rng(seed)
    w = net.init(rng) + 0.3 * rng.standard_normal(net.parameter_shape)
    return w, rng.standard_normal((n, net.channels, net.height, net.width)), rng.integers(net.classes, size=n), rng


def loops(net, w, x, noise):
    """Scores, and pre-activations, by loops over blocks, filters and classes."""
    filters, head, bias = net.split(w)
    padded = np.pad(x, [(0, 0), (0, 0), (net.pad, net.pad), (net.pad, net.pad)])
    step, side = net.stride or net.size, net.size
    corners = [(i, j) for i in range(0, padded.shape[2] - side + 1, step)
               for j in range(0, padded.shape[3] - side + 1, step)]
    scores, before = np.zeros((len(x), net.classes)), np.zeros((len(x), len(corners), net.filters))
    for n, image in enumerate(padded):
        scores[n] = bias
        for k, (i, j) in enumerate(corners):
            for f in range(net.filters):
                z = sum(image[c, i + a, j + b] * filters[(c * side + a) * side + b, f]
                        for c in range(net.channels) for a in range(side) for b in range(side))
                if noise is not None:
                    z += np.broadcast_to(noise, before.shape)[n, k, f]
                before[n, k, f] = z
                weight = head[f] / len(corners) if net.pooled else head[k * net.filters + f]
                scores[n] += max(z, 0) * weight
    return scores, before


@given(nets(), support.seeds(), st.sampled_from(FORMS))
def test_scores_and_loss_equal_plain_loops(net, seed, form):
    w, x, y, rng = example(net, seed)
    noise = noise_for(net, len(x), form, rng)
    scores, before = loops(net, w, x, noise)
    assert_allclose(net.predict(w, x, noise), scores, rtol=0, atol=1e-12)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert_allclose(net.loss(w, x, y, noise), -np.log(p[np.arange(3), y]).mean(), rtol=1e-10)
    assert net.block_count == before.shape[1] and net.parameter_shape == w.shape
    if form == "none":
        assert_allclose(net.active_share(w, x), (before > 0).mean(axis=(0, 2)), rtol=1e-14)
        assert net.accuracy(w, x, y) == (scores.argmax(axis=1) == y).mean()


@given(nets(), support.seeds(), st.sampled_from(FORMS[1:]))
def test_gradient_of_every_layer_against_differences(net, seed, form):
    """Central differences, away from kinks; a gradient without 1/n is caught in every layer that has one."""
    w, x, y, rng = example(net, seed)
    noise = noise_for(net, len(x), form, rng)
    assume(np.abs(loops(net, w, x, noise)[1]).min() > 1e-3)
    step = 1e-5
    gradient = net.gradient(w, x, y, noise)
    for part, analytic in zip(net.split(np.eye(len(w))), net.split(gradient)):
        for _ in range(2):
            direction = rng.standard_normal(analytic.shape)
            v = np.tensordot(part, direction, direction.ndim)
            v /= np.linalg.norm(v) * (1 + np.abs(x).max())
            numeric = (net.loss(w + step * v, x, y, noise) - net.loss(w - step * v, x, y, noise)) / (2 * step)
            assert_allclose(gradient @ v, numeric, rtol=1e-6, atol=1e-8)
            if abs(numeric) > 1e-3:
                assert not np.isclose(3 * (gradient @ v), numeric, rtol=1e-2)


@given(nets(), support.seeds(), st.sampled_from(FORMS[1:]))
def test_second_derivatives_against_differences_of_the_gradient(net, seed, form):
    w, x, y, rng = example(net, seed)
    noise = noise_for(net, len(x), form, rng)
    assume(np.abs(loops(net, w, x, noise)[1]).min() > 1e-3)
    u, v = rng.standard_normal((2, *w.shape))
    step = 1e-5 / (np.abs(v).max() * (1 + np.abs(x).max() * net.inputs))
    numeric = (net.gradient(w + step * v, x, y, noise) - net.gradient(w - step * v, x, y, noise)) / (2 * step)
    product = net.hvp(w, x, y, v, noise)
    scale = np.abs(numeric).max() + np.abs(net.gradient(w, x, y, noise)).max() + 1e-12
    assert_allclose(product, numeric, rtol=0, atol=1e-4 * scale)
    assert_allclose(u @ product, v @ net.hvp(w, x, y, u, noise), rtol=0, atol=1e-10 * scale * len(w))


@given(nets(), support.seeds())
def test_replicas_may_have_images_of_their_own(net, seed):
    w, x, y, rng = example(net, seed)
    stack, own = w + 0.1 * rng.standard_normal((2, *w.shape)), np.stack([x, x + 1])
    assert_allclose(net.gradient(stack, own, y)[1], net.gradient(stack[1], own[1], y), rtol=1e-10, atol=1e-12)
    v = rng.standard_normal(w.shape)
    assert_allclose(net.hvp(stack, own, y, v)[1], net.hvp(stack[1], own[1], y, v), rtol=1e-9, atol=1e-11)
    assert net.accuracy(stack, own, y).tolist() == [net.accuracy(*one, y) for one in zip(stack, own)]
    assert_allclose(net.active_share(stack, own), [net.active_share(*one) for one in zip(stack, own)], rtol=1e-14)


def test_a_start_has_the_stated_spread_and_no_bias():
    """U and u by their standard deviation, 1/√(2n) off by chance, n = 14 700 and 30 000 of one seed; biases are 0."""
    net = images.ConvNet(classes=10, size=7, filters=100, height=35, width=42)
    filters, head, bias = net.split(net.init(0))
    for part, inputs in ((filters, 147), (head, 3000)):
        assert abs(part.std() * np.sqrt(inputs) - 1) < support.z_limit(2) / np.sqrt(2 * part.size)
    assert bias.shape == (10,) and not bias.any()


@pytest.mark.parametrize("changes",
                         [{"channels": 0}, {"classes": 1}, {"size": 9}, {"stride": 0}, {"pad": -1}, {"filters": 0}])
def test_bad_nets_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        images.ConvNet(**{"channels": 1, "height": 4, "width": 4, "size": 2, **changes})


def test_images_of_another_size_are_refused():
    net = images.ConvNet(filters=2)
    support.refused("x must have shape", net.predict, net.init(0), np.zeros((2, 3, 32, 32)))
    support.refused("give a stack of images", net.check_data, np.zeros((3, 21, 21)), np.zeros(3))
    with pytest.raises(ValueError, match="w0 must have shape"):
        images.train(net, np.zeros(3), np.zeros((2, 3, 21, 21)), np.zeros(2, int), lr=0.1, epochs=1)
    with pytest.raises(ValueError, match="y must be 2 whole numbers"):
        images.train(net, net.init(0), np.zeros((2, 3, 21, 21)), np.zeros(2), lr=0.1, epochs=1, batch_size=2)
