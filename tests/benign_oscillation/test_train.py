"""SGD in the space of inner products is SGD in all dimensions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from figures.benign_oscillation._runs import balanced, sets, unseen
from refimpl import benign_oscillation as simulated, sgd

pytestmark = pytest.mark.chance("exact")


@pytest.mark.parametrize("activation, c", [("relu2", 1.2), ("relu2", 0.6), ("square", 0.6), ("relu", 0.2)])
@pytest.mark.parametrize("options", [{"sampling": "epoch", "batch_size": 1},
                                     {"batch_size": 4, "sampling": "without-replacement"},
                                     {"batch_size": None}, {"batch_size": 1, "sampling": "with-replacement"}], ids=str)
def test_gram_space_equals_all_dimensions(fixed, activation, c, options):
    """The same batches from the same seed, annealed on the way: 60 steps to 1e-12, all 240 to 1e-9, every activation.

    Rounding grows while small filters do, by a factor that depends on the draw and has a long tail (of 360 draws the
    difference was 5e-16 at the median, 3e-13 at most), so the draw is fixed. Another order of examples is caught.
    """
    model = simulated.TwoLayerCNN(20, 4, activation)
    data = simulated.sample(8, dim=20, noise_std=0.03, weak_share=0.3, labels="random", size=(3,), rng=fixed)
    w0 = balanced(model, fixed, (3,)) * 10
    steps, lr = 240, np.where(np.arange(240) < 200, c, 0.2 * c)
    run = simulated.train(model, data, w0, lr=lr, steps=steps, record_every=60, record_patches=True, rng=5, **options)
    seen = {"u": lambda w, x, y: w @ data.strong_vector, "v": lambda w, x, y: w @ data.weak_vector,
            "patches": lambda w, x, y: np.einsum("sjrd,snpd->snpjr", w, x),
            "margins": lambda w, x, y: y * model.predict(w, x)}
    plain = sgd.run(model, w0, data.x, data.y, lr=lr, steps=steps, stacked_data=True, rng=5, observe=seen, **options)
    assert run.success.all() and plain.success.all()

    def close(ours, theirs, first):
        assert_allclose(ours[:first], theirs[:first], rtol=0, atol=1e-12)
        assert_allclose(ours, theirs, rtol=0, atol=1e-9)

    assert_allclose(run.w, plain.w, rtol=0, atol=1e-9)
    for ours, theirs in ((run.strong, "u"), (run.weak, "v"), (run.patches, "patches")):
        close(ours, plain.observed[theirs][::60], 2)
    residuals = 1 - plain.observed["margins"][:-1]
    if options["batch_size"] is None:
        close(run.residuals, residuals, 60)
    else:
        found = np.abs(run.residuals[..., None] - residuals[:, :, None]).min(axis=-1)
        close(found, np.zeros_like(found), 60)
        other = simulated.train(model, data, w0, lr=lr, steps=steps, rng=6, **options)
        assert np.abs(other.w - plain.w).max() > 1e-6


def test_given_indices_and_shared_data_mean_the_same_as_one_by_one(rng):
    """Each replica alone, with its own indices and rate, gives to the last bits what the stack gives."""
    model, steps = simulated.TwoLayerCNN(10, 3), 90
    data = simulated.sample(5, dim=10, noise_std=0.05, n_weak=1, rng=rng)
    w0, indices = balanced(model, rng, (2, 3)), rng.integers(0, 5, (steps, 2, 3, 1))
    rates = rng.uniform(0.3, 1.0, (1, 2, 3))
    stack = simulated.train(model, data, w0, lr=rates, steps=steps, indices=indices)
    assert stack.strong.shape == (19, 2, 3, 2, 3) and stack.residuals.shape == (steps, 2, 3, 1)
    for place in np.ndindex(2, 3):
        alone = simulated.train(model, data, w0[place], lr=rates[0][place], steps=steps, indices=indices[:, *place])
        assert_allclose(alone.w, stack.w[place], rtol=0, atol=1e-13)
        assert_array_equal(alone.recorded_steps, 5 * np.arange(19))
    shared = simulated.train(model, data, w0, lr=0.7, steps=steps, indices=indices[:, 0, 0])
    assert_allclose(shared.w[1, 2], simulated.train(model, data, w0[1, 2], lr=0.7, steps=steps,
                                                    indices=indices[:, 0, 0]).w, rtol=0, atol=1e-13)


def test_divergence_is_reported_with_its_step_and_spares_the_others(rng):
    """Rates 1.2 and 40 side by side: the second stops at its step, with NaN after; the first does not notice."""
    model, data, w0 = sets(2, 0, 2, 16, rng, balanced)
    lr = np.array([[1.2, 40.0]]) * 4
    run = simulated.train(model, data, w0, lr=lr, steps=640, record_every=1, rng=3)
    assert run.success.tolist() == [True, False] and run.status.tolist() == [simulated.SUCCESS, simulated.DIVERGED]
    step = run.nit[1]
    assert run.nit[0] == 640 and 2 < step < 640 and f"1 of 2 replicas diverged, the first at step {step}" == run.message
    assert np.abs(run.residuals[:step, 1]).max() <= 1e6 and np.isnan(run.residuals[step:, 1]).all()
    assert np.isfinite(run.strong[:step + 1, 1]).all() and np.isnan(run.strong[step + 1:, 1]).all()
    assert np.isnan(run.w[1]).all() and np.isnan(simulated.accuracy(model, run.w, unseen(2, 10, rng))[1])
    w = w0[1]
    for t in range(step):  # by hand, one gradient at a time: within the limit up to that step, beyond it there
        margins = 1 - data.y[1] * model.predict(w, data.x[1])
        one = [int(np.argmin(np.abs(margins - run.residuals[t, 1, 0])))]
        assert_allclose(margins[one[0]], run.residuals[t, 1, 0], rtol=1e-6)
        w = w - lr[0, 1] * model.gradient(w, data.x[1, one], data.y[1, one])
    assert np.abs(1 - data.y[1] * model.predict(w, data.x[1])).max() > 1e6
