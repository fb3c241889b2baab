"""Arguments of the loops: unequal batches, short last ones, warm-up, labels, one rule for all; one kernel per run."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import benign_oscillation, images, learning_order, network, sgd
from refimpl.linear_stability import LinearRegression, Quadratic
from tests import support
from tests.sgd.models import PlainQuadratic, PlainRegression, plain_loop

pytestmark = pytest.mark.chance("exact")

PLAIN = {LinearRegression: PlainRegression, Quadratic: PlainQuadratic}


@given(st.lists(st.integers(1, 5), min_size=2, max_size=6), st.booleans(), support.seeds())
def test_batches_may_differ_in_length(sizes, own, seed):
    """Each step is the mean over its own batch."""
    rng = np.random.default_rng(seed)
    x, y, w0, steps = rng.standard_normal((5, 3)), rng.standard_normal(5), rng.standard_normal((2, 3)), len(sizes)
    batches = [rng.integers(0, 5, (2, size)) if own else rng.integers(0, 5, size) for size in sizes]
    found = sgd.run(LinearRegression(3), w0, x, y, lr=0.1, steps=steps, indices=batches, weight_decay=0.1).w
    for r in range(2):
        mine = [batch[r] if own else batch for batch in batches]
        assert_allclose(found[r], plain_loop(x, y, w0[r], mine, np.full(steps, 0.1), np.zeros((steps, 3)), 0.1),
                        rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("model", "n", "size"), [
    (LinearRegression(3), 50, 4), (LinearRegression(3), 7, 3), (LinearRegression(3), 20, 3), (Quadratic(3), 7, 3),
    (Quadratic(7), 7, 3), (Quadratic(64), 5, 4)])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_an_epoch_may_end_with_a_short_batch(rng, model, n, size, momentum):
    """Fast paths, one per batch size, equal the plain path; nor do chunks change a bit."""
    linear = isinstance(model, LinearRegression)
    x = rng.standard_normal((n, 3)) if linear else support.random_hessians(rng, n, model.dim)
    w0 = rng.standard_normal((40, model.dim))
    options = dict(lr=0.02, steps=2 * -(-n // size), batch_size=size, sampling="epoch", momentum=momentum, rng=4)
    fast = sgd.run(model, w0, x, **options)
    assert_allclose(fast.w, sgd.run(PLAIN[type(model)](model.dim), w0, x, **options).w, rtol=1e-10, atol=1e-11)
    assert_array_equal(sgd.run(model, w0, x, chunk_size=1, **options).w, fast.w)
    assert np.abs(sgd.run(model, w0, x, **{**options, "batch_size": n, "steps": 2}).w - fast.w).max() > 1e-4


def test_unequal_batches_and_rates_of_each_replica(rng):
    """Rates (steps, replicas) with batches of 2, 2 and 1 of 5: each replica as it runs alone on the plain path."""
    x, w0, rates = rng.standard_normal((5, 3)), rng.standard_normal((40, 3)), rng.uniform(0.01, 0.1, (3, 40))
    batches = [[0, 1], [2, 3], [4]]
    found = sgd.run(LinearRegression(3), w0, x, lr=rates, steps=3, indices=batches).w
    for r in (0, 39):
        assert_allclose(found[r], plain_loop(x, np.zeros(5), w0[r], [np.array(each) for each in batches], rates[:, r],
                                             np.zeros((3, 3)), 0.0), rtol=1e-11)


def test_every_example_is_used_once_per_epoch():
    """One-hot examples, of which a batch of size b moves its own coordinates by lr/b: 2 + 2 + 1 of 5."""
    moved = 1 - sgd.run(LinearRegression(5), np.ones((30, 5)), np.eye(5), lr=0.1, steps=3, batch_size=2,
                        sampling="epoch", rng=1).w
    assert_allclose(np.sort(moved, axis=1), np.tile([0.05] * 4 + [0.1], (30, 1)), rtol=1e-12)


def test_a_list_of_equal_batches_is_an_array(rng):
    x, w0, indices = rng.standard_normal((5, 3)), rng.standard_normal((2, 3)), rng.integers(0, 5, (4, 2))
    runs = [sgd.run(LinearRegression(3), w0, x, lr=0.1, steps=4, indices=given_).w
            for given_ in (indices, list(indices), indices.tolist())]
    assert_array_equal(runs[1:], [runs[0]] * 2)


def test_a_number_or_nothing_is_no_batch():
    with pytest.raises(ValueError, match="the last axis of indices must be at least 1"):
        sgd.run(LinearRegression(3), np.ones(3), np.eye(3), lr=0.1, steps=2, indices=np.zeros((2, 0), int))
    for batches in ([1, [0, 1]], [[0, 1], np.int64(1)]):
        with pytest.raises(ValueError, match=r"indices must be an integer array .*and shape \(\)"):
            sgd.run(LinearRegression(3), np.ones(3), np.eye(3), lr=0.1, steps=2, indices=batches)


def test_a_schedule_may_begin_at_zero():
    """Warm-up: nothing moves at rate 0, by array and by function; a single rate of 0 is refused."""
    warm = np.array([0.0, 0.0, 0.1])
    expected = sgd.run(LinearRegression(1), [1.0], [[1.0]], lr=0.1, steps=1).w
    for lr in (warm, lambda step: warm[step]):
        assert_array_equal(sgd.run(LinearRegression(1), [1.0], [[1.0]], lr=lr, steps=3, weight_decay=0.0).w, expected)
    net = images.ConvNet(channels=1, height=4, width=4, classes=2, size=2)
    for run in (lambda: sgd.run(LinearRegression(1), [1.0], [[1.0]], lr=0.0, steps=3),
                lambda: images.train(net, net.init(0), np.ones((4, 1, 4, 4)), np.zeros(4, int), lr=0.0, epochs=1,
                                     batch_size=2)):
        support.refused("lr must be positive", run)


@pytest.mark.parametrize(("stack", "shape"), [((), (4,)), ((), (3, 1)), ((2, 5), (3, 2, 4)), ((2, 5), (3, 4, 5)),
                                             ((2, 5), (2, 2, 5)), ((2, 5), (3, 5)), ((3,), (3, 1, 3))])
def test_rates_of_another_shape_are_refused_by_name(stack, shape):
    """Whichever axis does not fit; a rate of 1 on an axis is shared."""
    run = partial(sgd.run, LinearRegression(2), np.ones((*stack, 2)), np.eye(2), steps=3)
    support.refused(r"lr must be one number, or have shape \(3,\).*; the steps come first", run, lr=np.full(shape, 0.1))
    if len(stack) == 2:
        rates = 0.1 * np.arange(1, 6)
        assert_array_equal(run(lr=rates.reshape(1, 1, 5)).w, run(lr=np.tile(rates, (3, 2, 1))).w)


def test_a_batch_size_that_contradicts_the_indices_is_refused_by_every_loop():
    model, net = benign_oscillation.TwoLayerCNN(4, 1), images.ConvNet(channels=1, height=4, width=4, classes=2, size=2)
    data = benign_oscillation.sample(4, dim=4, weak=[0.0, 0.3, 0.0, 0.0])
    loops = {
        "sgd": lambda **b: sgd.run(LinearRegression(2), np.ones(2), np.eye(2), lr=0.1, steps=3,
                                   indices=np.zeros((3, 2), int), **b),
        "benign oscillation": lambda **b: benign_oscillation.train(model, data, model.init(0), lr=0.1, steps=3,
                                                                   indices=np.zeros((3, 2), int), **b),
        "images": lambda **b: images.train(net, net.init(0), np.ones((4, 1, 4, 4)), np.zeros(4, int), lr=0.1, epochs=1,
                                           indices=np.zeros((1, 3, 2), int), **b)}
    for loop in loops.values():
        loop(), loop(batch_size=2)                                        # left out, or in agreement
        for wrong in (1, 4):
            support.refused(f"batch_size must be the last axis of indices, 2, .* got {wrong}", loop, batch_size=wrong)


def test_a_run_builds_its_kernel_once(rng):
    made = []

    class Counting(LinearRegression):
        def kernel(self, x, y, batch_size):
            made.append(batch_size)
            return super().kernel(x, y, batch_size)

    x, w0 = rng.standard_normal((6, 3)), rng.standard_normal((64, 3))
    sgd.run(Counting(3), w0, x, lr=0.1, steps=2, batch_size=2, chunk_size=16)
    assert made == [2]


WRONG_LABELS = {
    "a column": (LinearRegression(2), np.ones((3, 2)), np.ones((3, 1)), r"y must have shape \(…, 3\)"),
    "0 and 1": (learning_order.TwoLayerReLU(1, 1, 1), np.ones((3, 2)), [0, 1, 1], "y must hold labels ±1, got 0"),
    "class 3 of 3": (network.MLP((2, 3), loss_kind="cross-entropy"), np.ones((1000, 2)), [0] * 999 + [3],
                     "y must hold class numbers 0…2, got 3"),
    "class 3 of 3 images": (images.ConvNet(channels=1, height=2, width=2, size=2, classes=3, filters=1),
                            np.ones((1000, 1, 2, 2)), [0] * 999 + [3], "y must hold class numbers 0…2, got 3"),
    "a column of patches": (benign_oscillation.TwoLayerCNN(2, 1), np.ones((3, 2, 2)), np.ones((3, 1)), "y must have"),
    "0 and 1 of patches": (benign_oscillation.TwoLayerCNN(2, 1), np.ones((3, 2, 2)), [0, 1, 1], "labels ±1, got 0"),
    "a matrix": (LinearRegression(2), np.ones((3, 2)), np.ones((3, 3)), "y must hold one label .*, at most 1 axes"),
    "a matrix of patches": (benign_oscillation.TwoLayerCNN(2, 1), np.ones((3, 2, 2)), np.ones((3, 3)), "most 1 axes"),
    "a matrix for a net": (network.MLP((2, 2)), np.ones((3, 2)), np.ones((3, 3, 2)), "at most 2 axes"),
    "a matrix of classes": (network.MLP((2, 3), loss_kind="cross-entropy"), np.ones((3, 2)), [[0] * 3] * 3,
                            "at most 1 axes"),
    "a matrix for images": (images.ConvNet(channels=1, height=2, width=2, size=2, classes=3, filters=1),
                            np.ones((3, 1, 2, 2)), np.zeros((3, 3)), "at most 1 axes"),
}


@pytest.mark.parametrize("fault", WRONG_LABELS)
def test_labels_that_are_not_the_models_are_refused_before_the_first_step(fault):
    """Batches of 2 of 1000 examples would meet the wrong one after hundreds of steps, or broadcast a column; a matrix
    gave each of n replicas labels of its own, and one replica a message about arrays that nobody wrote."""
    model, x, y, message = WRONG_LABELS[fault]
    steps = []
    for replicas in (1, 3):
        with pytest.raises(ValueError, match=message):
            sgd.run(model, np.stack([model.init(0)] * replicas), x, y, lr=0.1, steps=2, batch_size=2,
                    callback=lambda intermediate_result: steps.append(1))
    assert not steps


def test_labels_that_are_not_signs_have_no_loss():
    """At the door of the pass too, where ±1 is meant."""
    model = benign_oscillation.TwoLayerCNN(2, 1)
    with pytest.raises(ValueError, match="y must hold labels ±1, got 0"):
        model.loss(model.init(0), np.ones((3, 2, 2)), np.array([1.0, 0.0, 1.0]))


def test_whole_numbers_of_few_bits_do_not_wrap():
    """Labels 200 as uint8: −200 would be 56."""
    x, y = np.array([[1.0, 0.5], [0.0, 2.0]]), np.array([200, 100], np.uint8)
    for model in (LinearRegression(2), PlainRegression(2)):
        found = sgd.run(model, np.zeros(2), x, y, lr=0.1, steps=1).w
        assert_allclose(found, 0.1 * x.T @ [200.0, 100.0] / 2, rtol=1e-12)
        assert_allclose(model.gradient([0, 0], x, y), -x.T @ [200.0, 100.0] / 2, rtol=1e-12)
