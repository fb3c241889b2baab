"""The law of the stop of true SGD."""

from itertools import product
from math import log, sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.convex_annealing._runs import LOSSES, annealed_law, annealed_sgd
from refimpl import convex_annealing as simulated
from tests import support
from theory import convex_annealing as theory


@pytest.mark.claim("NAK20.sgd")
@pytest.mark.parametrize(("size", "schedule"), [
    (1, {"lr": 0.2}), (1, {"lr": 0.2, "large_lr": 0.9, "anneal_loss": 0.6}), (2, {"lr": 0.3}),
    (2, {"lr": 0.3, "large_lr": 1.25, "anneal_loss": 0.4}), (3, {"lr": 0.1, "large_lr": 1.3, "anneal_loss": 0.5})])
def test_law_of_the_stop_equals_all_index_sequences(size, schedule):
    """Every sequence of 8 batches simulated: the joint law of (step, P/L) and what is unfinished, to 1e-13.

    The laws of the other batch sizes and of another switch are caught.
    """
    steps, target = 8, 0.25
    batches = support.all_batches(3, size)
    sequences = np.array(list(product(range(len(batches)), repeat=steps)))
    stop = simulated.descend(simulated.three_samples(), target, w0=np.zeros((len(sequences), 2)), max_steps=steps,
                             indices=batches[sequences].swapaxes(0, 1), **schedule)
    exact = tally(stop.nit[stop.success], stop.loss_ratio[stop.success],
                  np.full(stop.success.sum(), 1 / len(sequences)))

    def predicted(size, **schedule):
        law = theory.sgd_stopping_law(*LOSSES, target, size, **schedule)
        early = law.steps <= steps
        return tally(law.steps[early], law.ratios[early], law.probabilities[early])

    found = predicted(size, **schedule)
    assert found.keys() == exact.keys()
    assert_allclose([found[key] for key in exact], list(exact.values()), rtol=0, atol=1e-13)
    assert len(exact) > (2 if size < 3 else 0)
    others = [predicted(other, **{**schedule, "large_lr": 0.9} if "large_lr" in schedule else schedule)
              for other in (1, 2, 3) if other != size]
    assert all(other.keys() != exact.keys() for other in others)


def test_a_law_is_followed_for_as_many_steps_as_asked_for():
    """Full batches, descent itself: unfinished with one step less than it needs, finished with as many."""
    needed = simulated.descend(simulated.three_samples(), 0.25, lr=0.1).nit
    for steps in (needed - 1, needed):
        law = theory.sgd_stopping_law(*LOSSES, 0.25, 3, lr=0.1, max_steps=steps)
        assert law.unfinished == (steps < needed) and law.steps.tolist() == [needed] * int(steps == needed)


def tally(steps, ratios, weights):
    """{(step, P/L to 10 digits): probability}."""
    law = {}
    for step, ratio, weight in zip(steps.tolist(), ratios.tolist(), weights.tolist()):
        key = step, round(ratio, 10)
        law[key] = law.get(key, 0.0) + weight
    return law


@pytest.mark.chance("law")
@pytest.mark.claim("NAK20.sgd")
@pytest.mark.parametrize(("size", "large_lr"), [(1, 0.7), (1, 0.95), (2, 1.1), (2, 1.3), (3, 1.3)])
def test_simulated_mean_ratio_follows_the_law(rng, size, large_lr):
    """20 000 runs of large and then small SGD; P/L lies in [3/4, 3/2] and its standard deviation is exact.

    Full-batch descent at the same rate, the reading of the slides, is excluded for B = 1 and 2.
    """
    replicas, target = 20_000, 1e-3
    law = annealed_law(target, size, large_lr)
    assert law.unfinished < 1e-14 and abs(law.probabilities.sum() - 1) < 1e-12
    stop = annealed_sgd(target, size, large_lr, replicas, rng)
    chance = log(4 / support.FALSE_ALARM)  # two comparisons; Bernstein's bound for values in an interval of length ¾
    tolerance = law.std * sqrt(2 * chance / replicas) + 0.75 * 2 * chance / (3 * replicas)
    assert abs(stop.loss_ratio.mean() - law.mean) <= tolerance
    assert abs(stop.loss_ratio.mean() - annealed_law(target, 3 if size < 3 else 2, large_lr).mean) > tolerance
    distances = np.abs([np.mean(stop.loss_ratio <= ratio) - law.probabilities[law.ratios <= ratio].sum()
                        for ratio in np.linspace(0.751, 1.499, 16)])
    assert distances.max() <= support.dkw_limit(replicas, 2)


@pytest.mark.claim("NAK20.sgd", "NAK20.reasons")
def test_limits_of_the_law_as_the_target_falls():
    """Means at ever smaller ε: B = 1 rises to 3/2 on either side of ½, B = 2 turns at its crossover 1."""
    targets = (1e-2, 1e-4, 1e-8, 1e-16, 1e-32)

    def means(size, lr):
        return np.array([annealed_law(target, size, lr, None).mean for target in targets])

    for lr in (0.05, 0.3, 0.7, 0.95):
        path = means(1, lr)
        assert path[-1] > 1.495 and (np.diff(path) > 0).all()
        assert_allclose(means(1, 1 - lr), path, rtol=1e-9)
        assert (path <= theory.flow_loss_ratio(*LOSSES, targets) + 1e-12).all()
    assert_allclose(means(1, 0.45)[0], 1.1925, atol=1e-4)  # by chance alone; a small rate has 1.4597
    assert means(2, 0.9)[-1] > 1.3 and means(2, 0.7)[-1] > 1.499
    above = means(2, 1.3)
    assert_allclose(above[:3], [0.9229, 0.8595, 0.7889], atol=1e-4)
    assert (np.diff(above) < 0).all() and above[-1] < 0.752
    assert means(3, 1.3)[-1] == pytest.approx(0.75, abs=1e-9)
