"""Curvature along the patch, the rate at which it is unstable, and noise in the scores.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from figures.images import _threshold
from refimpl import images
from tests import support
from tests.images.test_arms import KEPT_OUT, LEARNED
from theory import images as theory

pytestmark = pytest.mark.chance("exact")

SHARE = 0.8


def sizes(model, share=SHARE):
    return {"inputs": model.inputs, "filters": model.filters, "blocks": model.block_count, "classes": model.classes,
            "share": share}


def patch_alone(rng, classes=3, filters=6):
    """(net of one block, start with equal scores on z, images of z alone with each label once, labels)."""
    net = images.ConvNet(channels=2, height=3, width=3, classes=classes, size=3, filters=filters)
    w, z = net.init(rng), 1.5 * rng.standard_normal((2, 3, 3))
    u, head, _ = net.split(w)
    hidden = np.maximum(z.ravel() @ u, 0)
    if not hidden.any():
        u *= -1
        hidden = np.maximum(z.ravel() @ u, 0)
    head -= np.outer(hidden, hidden @ head) / (hidden @ hidden)
    return net, w, np.repeat(z[None], classes, axis=0), np.arange(classes), z


@pytest.mark.claim("LWM19.img-cause")
@given(st.integers(2, 5), st.integers(2, 8), support.seeds())
def test_curvature_of_the_patch_is_the_largest_of_the_hessian(classes, filters, seed):
    """Dense Hessian by products with basis vectors, to rounding; without the filters' part, or twice it, is caught."""
    net, w, x, y, z = patch_alone(np.random.default_rng(seed), classes, filters)
    u, head, _ = net.split(w)
    dense = net.hvp(w, x, y, np.eye(len(w)))
    predicted = theory.patch_curvature(z.ravel(), u, head, 1.0)
    assert_allclose(np.linalg.eigvalsh(dense)[-1], predicted, rtol=1e-10)
    assert_allclose(theory.patch_curvature(z.ravel(), u, head, 0.25), predicted / 4, rtol=1e-14)
    hidden = np.maximum(z.ravel() @ u, 0)
    without_filters = (1 + hidden @ hidden) / classes
    assert predicted >= without_filters * (1 - 1e-12)
    if np.ptp(head[hidden > 0], axis=1).max() > 0.1:
        assert not np.isclose(without_filters, predicted, rtol=1e-9)
    assert not np.isclose(2 * predicted, np.linalg.eigvalsh(dense)[-1])


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.img-cause")
def test_mean_curvature_at_random_starts(rng):
    """2000 starts: the mean over directions of scores, and what of it the filters add, by standard errors; all units
    active (no ½), and the head alone, are caught."""
    net, draws, scale = images.ConvNet(channels=1, height=9, width=9, classes=4, size=3, filters=24), 2000, 1.3
    parts = np.empty((2, draws))
    for i in range(draws):
        u, head, _ = net.split(net.init(rng))
        z = scale * rng.standard_normal(9)
        hidden = np.maximum(z @ u, 0)
        live = head.reshape(9, 24, 4)[4][hidden > 0]
        spread = live - live.mean(axis=1, keepdims=True)
        parts[:, i] = SHARE / 4 * (1 + hidden @ hidden), SHARE / 4 * z @ z * (spread**2).sum() / 3
    predicted = theory.initial_patch_curvature(scale, **sizes(net))
    of_filters = predicted - SHARE / 4 * (1 + scale**2 / 2 * 24)   # without the head's part
    for values, wanted, wrong in ((parts.sum(axis=0), predicted, [2 * predicted - SHARE / 4]),
                                  (parts[1], of_filters, [0, 2 * of_filters])):
        error = values.std() / np.sqrt(draws)
        assert abs(values.mean() - wanted) <= support.z_limit(2) * error
        assert (np.abs(values.mean() - wrong) > 10 * error).all()


@pytest.mark.claim("LWM19.img-cause")
@given(support.seeds(), st.floats(0, 0.95), st.floats(0, 0.3))
def test_the_patch_grows_exactly_above_the_momentum_limit(seed, momentum, decay):
    """A disturbance along the sharpest direction has the roots of r² − (1 + μ − ηλ)r + μ, and 2/λ is not the limit."""
    net, w, x, y, z = patch_alone(np.random.default_rng(seed))
    u, head, _ = net.split(w)
    curvature = theory.patch_curvature(z.ravel(), u, head, 1.0)
    limit = theory.momentum_limit(curvature, momentum, decay)
    values, vectors = np.linalg.eigh(net.hvp(w, x, y, np.eye(len(w))))
    direction, steps, small = vectors[:, -1], 12, 1e-9

    def amplitude(factor):
        """w − (its motion without the disturbance), along the direction."""
        options = {"lr": factor * limit, "epochs": steps, "batch_size": len(y), "momentum": momentum,
                   "weight_decay": decay, "record_every": None, "rng": 0}
        moved = images.train(net, w + small * direction, x, y, **options).w - images.train(net, w, x, y, **options).w
        return moved @ direction / small

    if decay:   # the start is a fixed point without decay alone; with it only the limit's shape is checked
        assert_allclose(limit * (curvature + decay), 2 * (1 + momentum), rtol=1e-13)
        return
    for factor in (0.9, 1.1):
        position, velocity = 1.0, 0.0
        for _ in range(steps):
            velocity = momentum * velocity + curvature * position
            position -= factor * limit * velocity
        assert_allclose(amplitude(factor), position, rtol=1e-3, atol=1e-3 * (1 + abs(position)))
    growth = np.abs(np.roots([1, -(1 + momentum - 1.1 * limit * curvature), momentum])).max()
    assert growth > 1 > np.abs(np.roots([1, -(1 + momentum - 0.9 * limit * curvature), momentum])).max() - 1e-12
    assert np.abs(np.roots([1, -(1 + momentum - 0.99 * limit * curvature), momentum])).max() <= 1 + 1e-12


@pytest.mark.claim("LWM19.img-cause")
@given(st.floats(1e-3, 1.0), st.floats(0, 0.95), st.floats(0, 0.01))
def test_critical_scale_and_rate_are_inverse(lr, momentum, decay):
    setting = sizes(images.ConvNet())
    scale = theory.critical_patch_scale(lr, **setting, momentum=momentum, weight_decay=decay)
    assert_allclose(theory.momentum_limit(theory.initial_patch_curvature(scale, **setting), momentum, decay), lr,
                    rtol=1e-10)
    assert not np.isclose(theory.momentum_limit(theory.initial_patch_curvature(2 * scale, **setting), momentum, decay),
                          lr, rtol=0.5)


def short_run(sets, lr, *, epochs=4, **options):
    return images.run_arm(sets, "small", small=lr, epochs=epochs, anneal=epochs, record_every=epochs, **options)


@pytest.mark.claim("LWM19.img-cause", "LWM19.img-order")
def test_the_patch_is_learned_below_the_threshold_and_not_above():
    """Rate, then scale of z: well below and well above the predicted threshold. A threshold 3 times off is caught.

    Fixed runs: how far they spread has no law. By hand: .3 and 2.5 of the rate, .5 and 1.8 of the scale, which say how
    near the threshold is told, and an active share of .06 (.002 is found, and .23 below).
    """
    seed = 0
    setting = sizes(images.ConvNet())
    limit = theory.momentum_limit(theory.initial_patch_curvature(2.2, **setting), 0.9, 2e-3)
    scale = theory.critical_patch_scale(0.2, **setting, weight_decay=2e-3)
    small = {"validation": 10, "patch_validation": 10, "rng": seed}
    sets = images.draw_problem(**small)
    low, high = (short_run(sets, factor * limit, rng=seed) for factor in (0.3, 2.5))
    assert low.accuracy["patch"][-1] >= LEARNED and high.accuracy["patch"][-1] <= KEPT_OUT
    assert high.observed["active"][-1] < min(0.06, low.observed["active"][-1])
    faint, bright = (short_run(images.draw_problem(patch_scale=factor * scale, **small), 0.2, rng=seed)
                     for factor in (0.5, 1.8))
    assert faint.accuracy["patch"][-1] >= LEARNED and bright.accuracy["patch"][-1] <= KEPT_OUT


@pytest.mark.claim("LWM19.img-cause")
@pytest.mark.parametrize(("factor", "verdict"), [(1, "agrees"), (0.74, "differs"), (1.85, "differs"),
                                                  (1.3, "not judged")])
def test_the_row_on_curvature_can_fail(factor, verdict):
    """At a null it differs; half-way between a null and the prediction, or of one start, it is not judged."""
    ratios = factor * np.array([1.02, 1.14, 1.08, 1.09, 1.08, 1.05, 1.11, 1.08])
    assert _threshold._curvature_row(ratios).verdict == verdict
    assert _threshold._curvature_row(ratios[:1]).verdict == "not judged"


@pytest.mark.claim("LWM19.img-cause")
def test_full_batch_descent_turns_the_units_off_too():
    """No noise of SGD: 25 steps on all 500 images at 0.2 leave few units active on the patch; at 0.02 they stay.

    A fixed run. Limits by hand: .02 and .49 are found at the end, .51 at the start.
    """
    seed = 0
    sets = images.draw_problem(500, validation=10, patch_validation=10, rng=seed)
    large, small = (short_run(sets, lr, epochs=25, batch_size=500, rng=seed).observed["active"] for lr in (0.2, 0.02))
    assert large[0] == small[0] and 0.3 < large[0] < 0.7
    assert large[-1] < 0.15 < small[-1]


@pytest.mark.claim("LWM19.img-noise", "LWM19.img-noise-form", "LWM19.img-noise-plain")
@given(st.integers(1, 4), st.integers(1, 5), support.seeds(), st.floats(0.1, 2))
def test_covariance_of_noisy_scores(side, filters, seed, std):
    """Scores are linear in small noise: one unit of noise at a time gives the covariance; the other form is caught."""
    rng = np.random.default_rng(seed)
    net = images.ConvNet(channels=1, height=2 * side, width=2, classes=3, size=2, filters=filters)
    w, x = net.init(rng), rng.standard_normal((1, 1, 2 * side, 2))
    before = net.blocks(x)[0] @ net.split(w)[0]
    step = 1e-3 * np.abs(before).min()
    active, head = (before > 0).astype(float), net.split(w)[1].reshape(side, filters, 3)
    start = net.predict(w, x)
    expected = {}
    for form, shape in (("shared", (side, 1)), ("independent", (side, filters))):
        bumps = step * np.eye(int(np.prod(shape))).reshape(-1, *shape)
        slopes = np.array([(net.predict(w, x, bump) - start)[0] / step for bump in bumps])
        expected[form] = std**2 * slopes.T @ slopes
        assert_allclose(theory.noise_covariance(active, head, std, form), expected[form], rtol=0,
                        atol=1e-8 * std**2 * (1 + np.abs(head).max() ** 2) / min(1, step / 1e-6))
    if filters > 1 and (active.sum(axis=1) > 1).any():
        assert not np.allclose(expected["shared"], expected["independent"], rtol=1e-6)
