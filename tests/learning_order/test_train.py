"""Algorithms 1 and 2: who learns what first, and what is left at the stop.

Each test says which wrong answer it would catch and shows it caught.
"""

from functools import lru_cache

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from figures.learning_order._regimes import EXCHANGED, SMALL, at, half_time, last, problem, train
from refimpl import learning_order as simulated
from theory import learning_order as theory


@lru_cache(maxsize=None)
def runs(seed):
    """Three of what `train` returns, at d = 50: L-S and S from the same data and start."""
    return [train(SMALL, child, ("large", "small")) for child in np.random.default_rng(seed).spawn(3)]


def pairs(found):
    return [(both["large"], both["small"]) for both, _ in found]


@pytest.fixture
def seed(request):
    return request.config.getoption("--rng-seed")


@pytest.mark.claim("LWM19.3.4", "LWM19.3.5", "LWM19.kappa", "LWM19.visible")
def test_large_rate_first_errs_less_on_p(seed):
    """At equal training loss, three seeds: a third of the error at most; no effect, a ratio of 1, is caught by that."""
    found = runs(seed)
    for large, small in pairs(found):
        assert large.success and small.success and large.anneal_step > 0
        assert 0.08 < large.observed["loss"][-1] <= SMALL.stop and 0.08 < small.observed["loss"][-1] <= SMALL.stop
    ratio = last(found, "large", "test_error_p") / last(found, "small", "test_error_p")
    assert ratio < 1 / 3 < 0.5  # κ = ½
    assert last(found, "large", "test_error") < last(found, "small", "test_error") / 3
    assert last(found, "small", "test_error_p") > 0.01  # three seeds of a law from .002 to .3, mean .14
    seen = theory.visibility(SMALL.dim, 0.05, 20.0, 4e-3, 0.05, 0.05 / 3e4, mean_alpha=0.75, mean_square_alpha=7 / 12)
    assert seen.speed == pytest.approx(1000) and seen.decay == pytest.approx(0.45) and seen.stability < 1
    assert not theory.visibility(SMALL.dim, 0.05, 5.0, 4e-3, 0.05, 0.05 / 3e4).visible
    asymptotic = theory.asymptotic_exponents()
    difference = asymptotic["error of L-S (3.4)"][1] - asymptotic["error of S (3.5)"][1]
    assert difference == asymptotic["ratio of errors"][1] == 1


@pytest.mark.claim("LWM19.5.2", "LWM19.5.3-span")
def test_small_rate_learns_little_of_p_from_m2(seed):
    """‖W̄⁽²⁾‖ of S is below half of that of L-S, where no effect is 1; of S's α the part in the lemma's span is the
    least and far below √(Np)."""
    found = runs(seed)
    assert last(found, "small", "signal_m2") < last(found, "large", "signal_m2") / 2
    of_p, of_m2, noise = np.mean([small.observed["odd"][-1] for _, small in pairs(found)], axis=0)
    assert of_p < min(of_m2, noise) and of_p < np.sqrt(SMALL.dim / 5) / 5


@pytest.mark.claim("LWM19.test-loss")
def test_total_test_loss_does_not_separate_and_q_reverses_the_order(seed):
    """The total test loss of L-S is not a third, nor below nine tenths, of that of S; exchanging P and Q reverses
    the ratio."""
    found = runs(seed)
    ratio = {name: last(found, "large", name) / last(found, "small", name)
             for name in ("test_loss", "test_loss_p", "test_loss_q")}
    assert 0.9 < ratio["test_loss"] < 1.4
    assert ratio["test_loss_p"] < 1 < ratio["test_loss_q"]


@pytest.mark.claim("LWM19.1.1", "LWM19.1.2", "LWM19.4.1", "LWM19.4.2", "LWM19.4.3", "LWM19.4.4", "LWM19.5.1",
                   "LWM19.5.2")
def test_order_of_learning(seed):
    """Large rate: P first, D small before annealing. Small rate: Q first. Each would fail with the two runs
    exchanged."""
    found = runs(seed)
    assert at(found, "large", "test_error_p") < 0.1
    before = []
    for large, _ in pairs(found):
        window = (large.time > 0.2 * large.anneal_time) & (large.time < large.anneal_time)
        before.append(np.abs(large.observed["curvature"][window].mean()))
    assert np.mean(before) < min(3.0, theory.curvature_bound(20.0, 0.05, 4e-3))
    early = [np.searchsorted(small.time, 0.25 * small.time[-1]) for _, small in pairs(found)]
    small_d = np.mean([-small.observed["curvature"][i] for (_, small), i in zip(pairs(found), early)])
    assert small_d > 3.0
    assert np.mean([small.observed["loss_q"][i] - small.observed["loss_p"][i]
                    for (_, small), i in zip(pairs(found), early)]) < 0
    large_q, large_p = (np.mean([large.observed[name][np.searchsorted(large.time, large.anneal_time) - 1]
                                 for large, _ in pairs(found)]) for name in ("loss_q", "loss_p"))
    assert large_p < large_q
    time = np.mean([large.anneal_time for large, _ in pairs(found)]) / SMALL.dim
    assert 0.5 < time < 5 and at(found, "large", "signal_norm") < 10 * SMALL.dim
    assert np.mean([large.time[-1] - large.anneal_time for large, _ in pairs(found)]) < 1.5 * time * SMALL.dim
    assert last(found, "large", "loss_q") < np.log(2) and last(found, "large", "loss_p") < np.log(2)
    assert last(found, "large", "loss_r") < last(found, "small", "loss_r")
    assert last(found, "small", "test_loss_p") > at(found, "large", "test_loss_p")


@pytest.mark.claim("LWM19.3.4")
def test_equal_rates_give_no_difference(rng):
    """The null: with η₁ = η₂ Algorithm 1 is Algorithm 2, to the last bit."""
    model, data, options = problem(SMALL, rng)
    kw = {**options, "max_steps": 600, "lump": 1, "rng": int(rng.integers(2**32))}
    one = simulated.train_large_then_small(model, data, large_lr=0.01, small_lr=0.01, anneal_loss=0.4, **kw)
    two = simulated.train_small(model, data, lr=0.01, **kw)
    assert one.nit == two.nit
    assert_array_equal(one.signal, two.signal)
    assert one.observed["test_error_p"][-1] == two.observed["test_error_p"][-1]


@pytest.mark.claim("LWM19.1.2", "LWM19.5.1", "LWM19.3.5")
def test_exchanging_the_roles_of_p_and_q_reverses_the_order(rng):
    """c_w with c_v, p₀ with q₀: the small rate then learns P first and never Q, and the large rate no longer helps P.
    Unexchanged, from the same numbers, Q comes first; time is that until the test loss on a part is halved."""
    for regime, first, other in ((SMALL, "test_loss_q", "test_loss_p"), (EXCHANGED, "test_loss_p", "test_loss_q")):
        found = [train(regime, child, ("large", "small"), record_every=20) for child in rng.spawn(3)]
        for one in found:
            assert all(run.success for run in one[0].values())
            assert half_time([one], "small", first) < half_time([one], "small", other) == np.inf
    assert 1 / 2 < last(found, "large", "test_error_p") / last(found, "small", "test_error_p") < 2


@pytest.mark.claim("LWM19.mitigation")
def test_noise_before_activations_holds_back_q(rng):
    """Same data, start and time: |D| is a fifth of that without noise; noise that is not there, 1, is caught."""
    model, data, options = problem(SMALL, rng)
    kw = {**options, "lr": SMALL.small_lr, "lump": round(0.02 / SMALL.small_lr), "max_steps": 500, "target": 1e-9}
    plain = simulated.train_small(model, data, **kw)
    noisy = simulated.train_small(model, data, preactivation_std=0.06, preactivation_steps=1000, **kw)
    assert abs(noisy.observed["curvature"][-1]) < 0.2 * abs(plain.observed["curvature"][-1])
    with pytest.raises(ValueError, match="preactivation_steps"):
        simulated.train_small(model, data, preactivation_std=0.06, **kw)
