"""The oracle is itself tested: right implementations pass, planted mistakes are caught and named."""

import numpy as np
import pytest

from refimpl import testing
from refimpl.testing import _causes, check_model
from tests.testing_faults import FAULTS, MAKE, RIGHT, only
from tests.testing_plain import listed, plain

MODELS = testing.models()
CAUSES = {value for name, value in vars(_causes).items() if name.isupper() and isinstance(value, str)}


@pytest.mark.parametrize("model", MODELS)
def test_plain_loops_pass(model):
    report = check_model(lambda **settings: plain(model, settings), model, convert=listed)
    assert report.ok and report.counts["passed"] == report.counts["run"] > 30


@pytest.mark.parametrize(("cause", "model", "function", "candidate"), FAULTS,
                         ids=[f"{model}-{function}-{cause[:40]}" for cause, model, function, _ in FAULTS])
def test_planted_faults_are_caught_and_named(cause, model, function, candidate):
    report = check_model(candidate, model, on_fail=None)
    assert report.causes == {function: cause}


def test_every_cause_has_a_planted_fault():
    assert {cause for cause, *_ in FAULTS} == CAUSES


def test_without_their_fault_the_faulty_candidates_pass():
    """The null: the code around the planted mistakes is right."""
    check_model(RIGHT.cnn, "TwoLayerCNN")
    check_model(RIGHT.mlp, "MLP")
    check_model({"critical_lr": RIGHT.critical_lr}, "LinearRegression")
    for model in MAKE:
        check_model(only("sgd", RIGHT.sgd)(model), model)
