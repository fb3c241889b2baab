"""Phases and outcomes of a run: errors name what the caller wrote, and the status is that of every loop."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import learning_order as simulated
from tests.learning_order.problems import tiny

pytestmark = pytest.mark.chance("exact")

SMALL = dict(lr=0.1, target=0.4, weight_decay=1e-3, noise_std=0.0)
LARGE = dict(large_lr=0.2, small_lr=0.02, anneal_loss=0.5, target=0.4, weight_decay=1e-3, noise_std=0.0)


@pytest.mark.parametrize(("train", "options", "message"), [
    (simulated.train_small, SMALL | {"preactivation_std": 0.1, "anneal_loss": -1.0}, "anneal_loss must be positive"),
    (simulated.train_small, SMALL | {"preactivation_std": 0.1, "preactivation_steps": 0}, "preactivation_steps must"),
    (simulated.train_small, SMALL | {"preactivation_std": 0.1}, "anneal_loss or preactivation_steps must be given"),
    (simulated.train_small, SMALL | {"preactivation_std": -0.1}, "preactivation_std must be non-negative"),
    (simulated.train_small, SMALL | {"preactivation_final": 0.1}, "preactivation_final needs preactivation_std"),
    (simulated.train_small, SMALL | {"target": 0.0}, "target must be positive"),
    (simulated.train_small, SMALL | {"lr": 2e3}, "lr times weight_decay must be below 1"),
    (simulated.train_small, SMALL | {"lr": 4.0, "weight_decay": 0.25}, "lr times weight_decay must be below 1, got 1"),
    (simulated.train_large_then_small, LARGE | {"small_lr": -1.0}, "small_lr must be positive"),
    (simulated.train_large_then_small, LARGE | {"large_lr": 2e3}, "large_lr times weight_decay must be below 1"),
    (simulated.train_large_then_small, LARGE | {"large_steps": 0}, "large_steps must be at least 1"),
    (simulated.train_large_then_small, LARGE | {"lump": 2, "noise": np.zeros((1, 13, 8))}, "noise needs lump=1"),
    (simulated.train_large_then_small, LARGE | {"engine": "fast"}, "engine must be one of")])
def test_errors_name_the_argument_that_the_caller_wrote(rng, train, options, message):
    model, data, start = tiny(rng)
    with pytest.raises(ValueError, match=f"^{message}"):
        train(model, data, start=start, **options)


def test_the_status_is_that_of_every_loop():
    """Reached 0, diverged 1, out of updates 2; a run that is out of updates in its first phase never annealed."""
    model, data, start = tiny(np.random.default_rng(0))
    reached, lost, late = (simulated.train_small(model, data, start=start, **SMALL | changes) for changes in (
        {"max_steps": 5000, "target": 0.6}, {"lr": 1e13, "weight_decay": 1e-15}, {"max_steps": 3, "target": 1e-9}))
    assert [run.status for run in (reached, lost, late)] == [0, 1, 2] == [
        simulated.SUCCESS, simulated.DIVERGED, simulated.STOPPED]
    assert reached.success and reached.observed["loss"][-1] <= 0.6 and not lost.success and not late.success
    assert late.nit == 3 and late.anneal_step == -1 and late.message.endswith("after all 3 updates")


@pytest.mark.parametrize(("every", "steps"), [(7, [0, 7, 14, 20]), (1, range(21)), (100, [0, 20])])
def test_records_are_made_at_their_multiples_and_at_the_end(rng, every, steps):
    """And where the run changes phase, 12 here."""
    model, data, start = tiny(rng)
    run = simulated.train_small(model, data, start=start, record_every=every,
                                **SMALL | {"max_steps": 20, "target": 1e-9})
    assert_allclose(run.time, 0.1 * np.array(steps), rtol=1e-12)
    assert all(len(values) == len(steps) for values in run.observed.values())
    run = simulated.train_large_then_small(model, data, start=start, record_every=every, large_steps=12,
                                           **LARGE | {"max_steps": 20, "target": 1e-9, "anneal_loss": 1e-9})
    both = sorted({*steps, 12})
    assert_allclose(run.time, [0.2 * min(step, 12) + 0.02 * max(step - 12, 0) for step in both], rtol=1e-12)


def test_an_output_of_zero_is_no_answer():
    """From weights of 0: accuracy 0 and error 1, where counting ties as right would give the opposite."""
    model, data, start = tiny(np.random.default_rng(0))
    run = simulated.train_small(model, data, start=0 * start, test=data, **SMALL | {"max_steps": 1})
    assert run.observed["accuracy"][0] == 0 and run.observed["test_error"][0] == pytest.approx(1)


def test_what_is_recorded_of_the_test_set_is_that_of_the_mixture():
    """Error and loss of each kind weighted by its probability, of the weights at the end; equal thirds are caught."""
    rng = np.random.default_rng(0)
    model, data, start = tiny(rng)
    test = simulated.sample(data.distribution, 30, rng)
    run = simulated.train_small(model, data, start=start, test=test, **SMALL | {"max_steps": 20, "target": 1e-9})
    shares = data.distribution.p0, data.distribution.q0, 1 - data.distribution.p0 - data.distribution.q0
    for kind in ("error", "loss"):
        parts = np.array([run.observed[f"test_{kind}_{name}"] for name in ("p", "q", "both")])
        assert_allclose(run.observed[f"test_{kind}"], shares @ parts, rtol=1e-12, atol=1e-15)
        assert (parts >= 0).all()
    assert np.abs(parts.mean(axis=0) - shares @ parts).max() > 1e-6
    margin = data.y * model.predict(start, data.x)
    assert run.observed["accuracy"][0] == np.mean(margin > 0) != 0.5
    assert_allclose(run.observed["loss"][0], np.log1p(np.exp(-margin)).mean(), rtol=1e-12)
