"""Old names are taken with a warning, never silently, and mean what the new ones do."""

import numpy as np
import pytest

from refimpl import benign_oscillation, convex_annealing, images, learning_order, network, sgd
from refimpl._renamed import renamed
from refimpl.linear_stability import LinearRegression
from theory import convex_annealing as theory

FACTORS = np.array([[1.0, 0.0], [0.5, 1.0]])


@renamed(steps="max_steps")
def example(*, max_steps=1):
    return max_steps


def test_an_old_keyword_is_passed_on_under_the_new_name():
    with pytest.warns(DeprecationWarning, match=r"example\(steps=…\) is now max_steps=…"):
        assert example(steps=7) == 7
    assert example(max_steps=3) == 3                       # without a warning, which here would be an error
    with pytest.raises(ValueError, match="max_steps must be given once, got steps"):
        example(steps=7, max_steps=7)


def test_the_old_keyword_of_the_hot_loop_records_as_the_new_one():
    options = dict(lr=0.1, steps=4, observe={"w": lambda w, x, y: w})
    with pytest.warns(DeprecationWarning, match="record_every"):
        old = sgd.run(LinearRegression(2), np.ones(2), FACTORS, observe_every=2, **options)
    assert old.recorded_steps.tolist() == [0, 2, 4]


def test_a_schedule_is_told_in_the_words_of_annealing():
    """For the run and for the law; the number of large steps is one name too."""
    problem, rates = convex_annealing.three_samples(), {"lr": 0.1, "large_lr": 1.2}
    for old, new, value in (("switch_loss", "anneal_loss", 0.1), ("switch_step", "large_steps", 2)):
        with pytest.warns(DeprecationWarning, match=rf"descend\({old}=…\) is now {new}"):
            run = convex_annealing.descend(problem, 1e-2, **rates, **{old: value})
        assert run.nit == convex_annealing.descend(problem, 1e-2, **rates, **{new: value}).nit
    with pytest.warns(DeprecationWarning, match="switch is now Descent.anneal_step"):
        assert run.switch == run.anneal_step == 2
    with pytest.warns(DeprecationWarning, match="sgd_stopping_law.switch_loss=…. is now anneal_loss"):
        theory.sgd_stopping_law(2 / 3, 1 / 3, 1e-2, 2, **rates, switch_loss=0.1)


@pytest.mark.parametrize(("module", "old", "value"), [
    (sgd, "COMPLETED", 0), (benign_oscillation, "COMPLETED", 0), (images, "COMPLETED", 0),
    (convex_annealing, "REACHED", 0), (convex_annealing, "EXHAUSTED", 2), (learning_order, "EXHAUSTED", 2)])
def test_old_constants_keep_their_values(module, old, value):
    assert old not in module.__all__
    with pytest.warns(DeprecationWarning, match=f"{old} is now"):
        assert getattr(module, old) == value
    with pytest.raises(AttributeError, match="no attribute 'REACHED_'"):
        module.REACHED_


@pytest.mark.parametrize("module", [sgd, benign_oscillation, convex_annealing, images, learning_order])
def test_one_vocabulary_of_status(module):
    assert (module.SUCCESS, module.DIVERGED, getattr(module, "STOPPED", 2)) == (0, 1, 2)


def test_results_have_success_status_message_and_steps():
    wanted = {"success", "status", "message", "nit"}
    for result in (sgd.Result, benign_oscillation.Training, convex_annealing.Descent, images.Training,
                   learning_order.Run, network.Minima):
        assert wanted <= set(result.__dataclass_fields__), result
