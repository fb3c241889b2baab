"""The convolutional net and its training loop: blocks, passes, the hot loop against the plain one, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from figures import images as drawn
from figures.images._support import problem
from refimpl import images
from tests import support

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


@given(nets(), support.seeds(), st.sampled_from(FORMS))
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


@given(nets(), support.seeds(), st.sampled_from(FORMS))
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
def test_leading_axes_are_replicas(net, seed):
    w, x, y, rng = example(net, seed)
    stack, v = w + 0.1 * rng.standard_normal((2, 3, *w.shape)), rng.standard_normal(w.shape)
    for one, all_at_once in ((lambda w: net.predict(w, x), net.predict(stack, x)),
                             (lambda w: net.loss(w, x, y), net.loss(stack, x, y)),
                             (lambda w: net.gradient(w, x, y), net.gradient(stack, x, y)),
                             (lambda w: net.hvp(w, x, y, v), net.hvp(stack, x, y, v))):
        each = np.array([[one(w) for w in row] for row in stack])
        assert_allclose(all_at_once, each, rtol=1e-10, atol=1e-12)
    own = np.stack([x, x + 1])  # data of each replica's own
    assert_allclose(net.gradient(stack[:, :2], own, y)[1, 1], net.gradient(stack[1, 1], own[1], y), rtol=1e-10,
                    atol=1e-12)


def test_single_precision_stays_single():
    net = images.ConvNet(filters=3)
    w, x, y, _ = example(net, 0)
    w, x = w.astype(np.float32), x.astype(np.float32)
    for value in (net.predict(w, x), net.gradient(w, x, y), net.hvp(w, x, y, w), net.loss(w, x, y)):
        assert value.dtype == np.float32


# --- training ---------------------------------------------------------------------------------

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
    expected = plain_training(net, w, x, y, indices, noise, lr, 0.9, 2e-3)
    options = {"lr": lr, "epochs": 3, "indices": indices, "noise": noise, "weight_decay": 2e-3,
               "noise_form": "shared" if form == "none" else form}
    run = images.train(net, w, x, y, **options)
    assert_allclose(run.w, expected, rtol=0, atol=1e-12)
    moved = np.abs(expected - w).max()
    single = images.train(net, w.astype(np.float32), x, y, **options)
    assert single.w.dtype == np.float32
    assert_allclose(single.w, expected, rtol=0, atol=2e-5 * max(moved, 1))
    for wrong in (plain_training(net, w, x, y, indices, noise, lr, 0.0, 2e-3),
                  plain_training(net, w, x, y, indices, noise, lr, 0.9, 0.1)):
        assert np.abs(run.w - wrong).max() > 1e-3 * moved
    assert run.success and run.nit == 15 and run.message == "made 15 steps"
    assert_allclose(run.loss["train"][[0, -1]], [net.loss(w, x, y), net.loss(run.w, x, y)], rtol=1e-10)


def test_records_are_those_of_the_model(rng):
    """Sets longer than one evaluation chunk, by loss and accuracy of the model."""
    net = images.ConvNet(height=7, width=7, classes=3, filters=4)
    x, y = rng.standard_normal((600, 3, 7, 7)), rng.integers(3, size=600)
    w = net.init(rng)
    run = images.train(net, w, x, y, lr=0.1, epochs=5, evaluate={"half": (x[:300], y[:300])}, evaluate_every=2,
                       observe={"norm": lambda w: np.array([w @ w, 1.0])}, rng=3)
    assert run.epochs.tolist() == [0, 2, 4, 5] and run.observed["norm"].shape == (4, 2) and run.nit == 5 * (600 // 64)
    for at, point in ((0, w), (-1, run.w)):
        for name, count in (("train", 600), ("half", 300)):
            assert_allclose(run.loss[name][at], net.loss(point, x[:count], y[:count]), rtol=1e-12)
            assert run.accuracy[name][at] == net.accuracy(point, x[:count], y[:count])
        assert run.observed["norm"][at, 0] == point @ point
    again = images.train(net, w, x, y, lr=0.1, epochs=5, evaluate_every=None, rng=3)
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


@pytest.mark.parametrize("form", ["shared", "independent"])
def test_drawn_noise_has_the_standard_deviation_asked_for(form, rng):
    """One step on blank images with zero filters: scores are the head's sum of [ν]₊, seen through the bias gradient."""
    net = images.ConvNet(channels=1, height=40, width=40, classes=2, size=2, filters=2)
    w = np.zeros(net.parameter_shape)
    x, y = np.zeros((50, 1, 40, 40)), np.zeros(50, int)
    run = images.train(net, w, x, y, lr=1.0, epochs=1, batch_size=50, momentum=0.0, noise_std=0.7, noise_form=form,
                       rng=rng)
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
    ({"momentum": 1.0}, "momentum must be below 1"),
    ({"batch_size": 9}, "batch_size must be"), ({"weight_decay": -1.0}, "weight_decay"),
    ({"noise_std": -0.1}, "noise_std"),
    ({"noise_form": "white"}, "noise_form"), ({"indices": np.zeros((2, 3), int)}, "indices must be an integer array"),
    ({"indices": np.full((2, 1, 2), 8)}, "indices must lie in 0…7"),
    ({"noise": np.zeros((2, 1, 3))}, "noise must have shape"),
    ({"noise": np.zeros((2, 8, 4)), "batch_size": 1, "noise_std": 1.0}, "cannot both be given"),
    ({"evaluate_every": 0}, "evaluate_every"), ({"epochs": 0}, "epochs"),
    ({"divergence_limit": 0.0}, "divergence_limit"),
    ({"evaluate": {"a": (np.zeros((2, 1, 4, 4)), [0, 5])}}, "evaluate\\['a'\\] labels")])
def test_bad_training_arguments_are_refused(changes, message):
    net = images.ConvNet(channels=1, height=4, width=4, classes=2, size=2, filters=2)
    options = {"lr": 0.1, "epochs": 2, "batch_size": 8, **changes}
    with pytest.raises(ValueError, match=message):
        images.train(net, net.init(0), np.ones((8, 1, 4, 4)), np.zeros(8, int), **options)


@pytest.mark.parametrize("changes",
                         [{"channels": 0}, {"classes": 1}, {"size": 9}, {"stride": 0}, {"pad": -1}, {"filters": 0}])
def test_bad_nets_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        images.ConvNet(**{"channels": 1, "height": 4, "width": 4, "size": 2, **changes})


def test_images_of_another_size_are_refused():
    net = images.ConvNet(filters=2)
    with pytest.raises(ValueError, match="x must have shape"):
        net.predict(net.init(0), np.zeros((2, 3, 32, 32)))
    with pytest.raises(ValueError, match="w0 must have shape"):
        images.train(net, np.zeros(3), np.zeros((2, 3, 21, 21)), np.zeros(2, int), lr=0.1, epochs=1)
    with pytest.raises(ValueError, match="y must be 2 whole numbers"):
        images.train(net, net.init(0), np.zeros((2, 3, 21, 21)), np.zeros(2), lr=0.1, epochs=1, batch_size=2)


def test_starts_do_not_depend_on_the_arm():
    sets = images.draw_problem(64, validation=8, patch_validation=4, rng=0)
    runs = [images.run_arm(sets, name, epochs=1, rng=5) for name in images.ARMS]
    assert len({run.loss["train"][0] for run in runs}) == 1 and len({run.loss["train"][-1] for run in runs}) == 3


# --- real images ------------------------------------------------------------------------------

@pytest.fixture
def cifar(tmp_path, rng):
    """A directory with random images in the binary format of CIFAR-10."""
    for name, count in (("data_batch_1.bin", 120), ("data_batch_2.bin", 80), ("test_batch.bin", 90)):
        records = rng.integers(256, size=(count, 1 + 3 * 32 * 32), dtype=np.uint8)
        records[:, 0] = np.arange(count) % 10
        (tmp_path / name).write_bytes(records.tobytes())
    return tmp_path


def test_cifar_files_take_the_place_of_synthetic_images(cifar):
    sets = problem(1, cifar, patch_validation=6)
    net = sets.model
    assert sets.train.images.shape == (200, 3, 32, 32) and len(sets.clean.labels) == 90 and net.grid == (5, 5)
    assert_allclose(sets.plain.images.std(), 0.2, rtol=1e-3)
    assert_allclose(sets.plain.images.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    # The patch, at the image's centre, fills the block in the middle of the grid.
    blocks = net.blocks(sets.patch_only.images)
    assert_array_equal(blocks[:, 12], sets.patches.variants().reshape(20, -1).astype(np.float32))
    assert not np.delete(blocks, 12, axis=1).any()
    assert images.run_arm(sets, "small", epochs=1, model=replace(net, filters=8), rng=0).success


def test_examples_are_drawn_from_cifar_files(cifar):
    drawing = drawn.FIGURES[0].simulate("quick", np.random.default_rng(0), cifar)["drawing"]
    assert drawing.data["clean"].shape == (6, 3, 32, 32) and all(row.verdict == "agrees" for row in drawing.rows)
    assert "CIFAR-10" in drawing.figure.get_suptitle()
