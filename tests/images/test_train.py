"""The training loop: the hot loop against the plain one, records, noise, divergence, refusals.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import images
from tests import support

pytestmark = pytest.mark.chance("exact")

FORMS = ("none", "shared", "independent")


def plain_training(net, w, x, y, indices, noise, lr, momentum, decay):
    """The same steps with the model's own gradient."""
    velocity = np.zeros_like(w)
    for epoch, batches in enumerate(indices):
        for b, batch in enumerate(batches):
            drawn = None if noise is None else noise[epoch, b]
            if drawn is not None and drawn.ndim == 1:
                drawn = drawn[:, None]
            velocity = momentum * velocity + net.gradient(w, x[batch], y[batch], drawn) + decay * w
            w = w - lr[epoch] * velocity
    return w


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [{}, {"pooled": True}, {"stride": 2}, {"stride": 3, "pad": 2, "pooled": True}])
def test_hot_loop_equals_the_plain_one(form, shape, rng):
    """The same indices and noise: to 1e-12 in float64, to 2e-5 of the change in float32; no momentum is caught."""
    net = images.ConvNet(channels=2, height=9, width=9, classes=4, size=3, filters=12, **shape)
    w = net.init(rng)
    x, y = rng.standard_normal((40, 2, 9, 9)), rng.integers(4, size=40)
    indices = rng.integers(40, size=(3, 5, 8))
    units = (net.block_count,) if form == "shared" else (8, net.block_count, net.filters)
    noise = None if form == "none" else 0.3 * rng.standard_normal((3, 5, *units))
    lr = np.array([0.05, 0.03, 0.01])
    expected = plain_training(net, w, x, y, indices, noise, lr, momentum=0.9, decay=2e-3)
    options = {"lr": lr, "epochs": 3, "indices": indices, "preactivation_noise": noise, "weight_decay": 2e-3,
               "preactivation_form": "shared" if form == "none" else form}
    run = images.train(net, w, x, y, **options)
    assert_allclose(run.w, expected, rtol=0, atol=1e-12)
    moved = np.abs(expected - w).max()
    single = images.train(net, w.astype(np.float32), x, y, **options)
    assert single.w.dtype == np.float32
    assert_allclose(single.w, expected, rtol=0, atol=2e-5 * max(moved, 1))
    for wrong in (plain_training(net, w, x, y, indices, noise, lr, momentum=0.0, decay=2e-3),
                  plain_training(net, w, x, y, indices, noise, lr, momentum=0.9, decay=0.1)):
        assert np.abs(run.w - wrong).max() > 1e-3 * moved
    assert run.success and run.nit == 15 and run.message == "made 15 steps"
    assert_allclose(run.loss["train"][[0, -1]], [net.loss(w, x, y), net.loss(run.w, x, y)], rtol=1e-10)


def test_records_are_those_of_the_model(rng):
    """Sets longer than one evaluation chunk, by loss and accuracy of the model."""
    net = images.ConvNet(height=7, width=7, classes=3, filters=4)
    x, y = rng.standard_normal((600, 3, 7, 7)), rng.integers(3, size=600)
    w = net.init(rng)
    run = images.train(net, w, x, y, lr=0.1, epochs=5, evaluate={"half": (x[:300], y[:300])}, record_every=2,
                       observe={"norm": lambda w: np.array([w @ w, 1.0])}, rng=3)
    assert run.epochs.tolist() == [0, 2, 4, 5] and run.observed["norm"].shape == (4, 2) and run.nit == 5 * (600 // 64)
    for at, point in ((0, w), (-1, run.w)):
        for name, count in (("train", 600), ("half", 300)):
            assert_allclose(run.loss[name][at], net.loss(point, x[:count], y[:count]), rtol=1e-12)
            assert run.accuracy[name][at] == net.accuracy(point, x[:count], y[:count])
        assert run.observed["norm"][at, 0] == point @ point
    again = images.train(net, w, x, y, lr=0.1, epochs=5, record_every=None, rng=3)
    assert_array_equal(again.w, run.w)  # records change nothing
    assert again.epochs.size == 0 and again.loss == {}


def test_an_epoch_passes_once_over_the_examples():
    """With a rate so small that steps add up, an epoch is one step of gradient descent at the mean rate."""
    net = images.ConvNet(height=7, width=7, classes=2, filters=3)
    rng = np.random.default_rng(0)
    x, y, w = rng.standard_normal((12, 3, 7, 7)), rng.integers(2, size=12), net.init(1)
    run = images.train(net, w, x, y, lr=1e-7, epochs=1, batch_size=4, momentum=0.0, rng=2)
    assert_allclose((w - run.w) / 3e-7, net.gradient(w, x, y), rtol=0, atol=1e-5)
    assert np.abs((w - run.w) / 1e-7 - net.gradient(w, x, y)).max() > 1e-2


@pytest.mark.chance("law")
@pytest.mark.parametrize("form", ["shared", "independent"])
def test_drawn_noise_has_the_standard_deviation_asked_for(form, rng):
    """One step on blank images with zero filters: scores are the head's sum of [ν]₊, seen through the bias gradient."""
    net = images.ConvNet(channels=1, height=40, width=40, classes=2, size=2, filters=2)
    w = np.zeros(net.parameter_shape)
    x, y = np.zeros((50, 1, 40, 40)), np.zeros(50, int)
    run = images.train(net, w, x, y, lr=1.0, epochs=1, batch_size=50, momentum=0.0, preactivation_std=0.7,
                       preactivation_form=form, rng=rng)
    # With u = 0 the residual is ∓½ for all examples, and the head's step is ½ mean_i [ν_kj]₊.
    means = net.split(run.w)[1][:, 0].reshape(net.block_count, 2) * 2
    if form == "shared":
        assert_allclose(means[:, 0], means[:, 1], rtol=1e-12)
        samples, wanted = means[:, 0], 400
    else:
        assert not np.allclose(means[:, 0], means[:, 1])
        samples, wanted = means.ravel(), 800 * 50
    error = 0.7 * np.sqrt((0.5 - 1 / (2 * np.pi)) / wanted)   # Var [ν]₊ = σ²(½ − 1/2π)
    assert abs(samples.mean() - 0.7 / np.sqrt(2 * np.pi)) <= support.z_limit(1) * error < 0.2 * 0.7


@pytest.mark.parametrize("lr", [1e3, 1e36])
def test_divergence_is_a_status(lr, recwarn):
    """The loss grows beyond the limit, or the parameters overflow at once and it is not a number."""
    net = images.ConvNet(height=7, width=7, classes=3, filters=4)
    rng = np.random.default_rng(0)
    x, y = 100 * rng.standard_normal((64, 3, 7, 7)), rng.integers(3, size=64)
    run = images.train(net, net.init(0).astype(np.float32), x, y, lr=lr, epochs=6, batch_size=16, rng=0)
    assert not run.success and run.status == images.DIVERGED and 1 < run.nit < 24 and (lr < 1e30 or run.nit == 2)
    assert "diverged at step" in run.message and np.isnan(run.loss["train"][-1]) and run.loss["train"].shape == (7,)
    assert not recwarn.list


@pytest.mark.parametrize("changes, message", [
    ({"lr": 0.0}, "lr must be positive"), ({"lr": [0.1]}, "lr must be one number"),
    ({"momentum": 1.0}, "momentum must be one number above −1 and below 1"),
    ({"batch_size": 9}, "batch_size must be"), ({"weight_decay": -1.0}, "weight_decay"),
    ({"preactivation_std": -0.1}, "preactivation_std"),
    ({"preactivation_form": "white"}, "preactivation_form"),
    ({"indices": np.zeros((2, 3), int)}, "indices must be an integer array"),
    ({"indices": np.full((2, 1, 2), 8)}, "indices must lie in 0…7"),
    ({"preactivation_noise": np.zeros((2, 1, 3))}, "preactivation_noise must have shape"),
    ({"preactivation_noise": np.zeros((2, 8, 4)), "batch_size": 1, "preactivation_std": [0.0, 1.0]},
     "cannot both be given"),
    ({"record_every": 0}, "record_every"), ({"epochs": 0}, "epochs"),
    ({"divergence_limit": 0.0}, "divergence_limit"),
    ({"indices": np.zeros((2, 0, 2), int)}, r"got shape \(2, 0, 2\)"),
    ({"evaluate": {"a": (np.zeros((2, 1, 4, 4)), [0, 1, 0])}}, "evaluate\\['a'\\] labels"),
    ({"evaluate": {"a": (np.zeros((2, 1, 4, 4)), [0, -1])}}, "evaluate\\['a'\\] labels"),
    ({"evaluate": {"a": (np.zeros((2, 1, 4, 4)), [0, 2])}}, "evaluate\\['a'\\] labels")])
def test_bad_training_arguments_are_refused(changes, message):
    net = images.ConvNet(channels=1, height=4, width=4, classes=2, size=2, filters=2)
    options = {"lr": 0.1, "epochs": 2, "batch_size": 8, **changes}
    support.refused(message, images.train, net, net.init(0), np.ones((8, 1, 4, 4)), np.zeros(8, int), **options)


def test_single_precision_steps_by_the_slope_of_the_model():
    """At a margin of 18, where p − 1 in float32 is 0, the bias moves by ∓1.5e-8 for both classes, not for one alone."""
    net = images.ConvNet(channels=1, height=2, width=2, classes=2, size=2, filters=1)
    w = np.zeros(net.parameter_shape, np.float32)
    w[-2:] = 9.0, -9.0
    x, y = np.zeros((1, 1, 2, 2)), np.zeros(1, int)
    slope = net.gradient(w, x.astype(np.float32), y)
    share = np.exp(-18.0) / (1 + np.exp(-18.0))
    assert_allclose(slope[-2:], [-share, share], rtol=1e-5)
    assert np.float32(1) / (1 + np.exp(np.float32(-18))) - 1 == 0       # what was subtracted from the label's score
    run = images.train(net, w, x, y, lr=1e6, epochs=1, batch_size=1, momentum=0.0, record_every=None)
    assert_allclose(run.w[-2:] - w[-2:], 1e6 * np.array([share, -share]), rtol=1e-3)   # a rate that makes it visible
