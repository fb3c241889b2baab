"""The oracle is itself tested: right implementations pass, planted mistakes are caught and named."""

import time

import numpy as np
import pytest

from refimpl import testing
from refimpl.testing import _cases, _causes, check_model
from tests.testing_plain import listed, plain

MODELS = testing.models()


def plain_candidate(model):
    """Functions that take lists and rebuild the plain model for each case's settings."""
    return lambda **settings: plain(model, settings)


@pytest.mark.parametrize("model", MODELS)
def test_plain_loops_pass(model):
    report = check_model(plain_candidate(model), model, convert=listed)
    assert report.ok and report.counts["passed"] == report.counts["run"] > 30


def test_a_correct_candidate_takes_less_than_ten_seconds():
    """CPU time of the slowest right candidate there is, plain Python, over the whole kit; generous by a factor of ten."""
    start = time.process_time()
    for model in MODELS:
        check_model(plain_candidate(model), model, convert=listed)
    assert time.process_time() - start < 100
