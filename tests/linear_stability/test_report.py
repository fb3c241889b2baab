"""The report says of a minimum what the functions say one by one, in words that fit."""

import json
import re
from dataclasses import asdict

import numpy as np
import pytest

from theory.linear_stability import (GaussNewton, Products, almost_sure_lr, certify, critical_lr, loss_floor,
                                     mean_square_rate, non_uniformity, non_uniformity_limit, sharpness,
                                     stability_report)


@pytest.fixture(scope="module")
def factors():
    return np.random.default_rng(0).standard_normal((20, 30))


@pytest.mark.parametrize(("count", "momentum", "decay", "replacement"), [
    (20, 0.0, 0.0, False), (16, 0.0, 0.0, True), (5, 0.0, 0.05, False), (4, 0.9, 0.0, True)])
def test_every_number_is_that_of_the_function_for_it(factors, count, momentum, decay, replacement):
    ensemble, lr = GaussNewton(factors[:count]), 0.01
    sampled = {"replacement": replacement}
    options = {"momentum": momentum, "weight_decay": decay, **sampled}
    sizes = {20: (1, 2, 4, 8, 16, 20), 16: (1, 2, 4, 8, 16), 5: (1, 2, 4, 5), 4: (1, 2, 4)}[count]
    rates = [tuple(critical_lr(ensemble, size, which, **options) for size in sizes)
             for which in ("mean-square", "sufficient")]
    report = asdict(stability_report(ensemble, lr, 3, **options))
    json.dumps(report)
    assert set(report) - {"smallest_batch_size", "message"} == set(wanted := {
        "verdict": certify(ensemble, lr, 3, **options).verdict, "n": count, "outputs": 1, "parameters": 30, "lr": lr,
        "batch_size": 3, **options, "sharpness": sharpness(ensemble),
        "sharpness_limit": 2 * (1 + momentum) / lr - decay, "non_uniformity": non_uniformity(ensemble),
        "non_uniformity_limit": None if momentum or decay else non_uniformity_limit(lr, count, 3, **sampled),
        "critical_lr": critical_lr(ensemble, 3, **options), "gd_lr": critical_lr(ensemble, 3, "gd", **options),
        "sufficient_lr": critical_lr(ensemble, 3, "sufficient", **options), "bracket": None, "almost_sure_lr": None,
        "growth": mean_square_rate(ensemble, lr, 3, **options), "batch_sizes": sizes, "critical_lrs": rates[0],
        "sufficient_lrs": rates[1], "loss": None, "floor": None})
    assert {name: report[name] for name in wanted} == wanted


@pytest.mark.parametrize("share", [0.5, 0.999, 1.001, 2.0, 40.0])
def test_the_smallest_batch_size_holds_the_rate_and_the_one_below_does_not(factors, share):
    lr = share * critical_lr(GaussNewton(factors), 3)
    smallest = stability_report(GaussNewton(factors), lr, 3).smallest_batch_size
    rates = [critical_lr(GaussNewton(factors), size) for size in range(1, 21)]
    enough = [size for size, rate in enumerate(rates, 1) if rate >= lr]
    assert smallest == (enough[0] if enough else None)
    assert (smallest or 99) > 3 if share > 1 else smallest <= 3


@pytest.mark.parametrize(("share", "words"), [
    (0.5, r"^Stable at learning rate 0\.\d+ and batch size 3: SGD would leave .*; at batch size 1 it would leave now"),
    (0.01, r"^Stable .*SGD would leave above 0\.\d+; this rate is stable at every batch size\.$"),
    (1.5, r"^Unstable .*SGD leaves this minimum, since it may not exceed .*it would stay from batch size \d+ on\.$"),
    (60.0, r"^Unstable .*no batch size helps, since full-batch descent leaves above"),
])
def test_the_sentence_says_the_verdict_and_what_would_change_it(factors, share, words):
    lr = share * critical_lr(GaussNewton(factors), 3)
    report = stability_report(GaussNewton(factors), lr, 3)
    assert re.search(words, report.message)
    assert report.verdict == ("stable" if share < 1 else "unstable") and str(report).startswith(report.message)


def test_products_give_a_bracket_and_are_undecided_inside_it(factors):
    products = Products(lambda v: factors @ v, lambda u: u @ factors, 20, 30)
    exact = critical_lr(GaussNewton(factors), 3)
    verdicts = [stability_report(products, share * exact, 3).verdict for share in (0.3, 1.0, 3.0)]
    assert verdicts == ["stable", "undecided", "unstable"]
    with pytest.raises(ValueError, match="must not be given with Products"):
        stability_report(products, exact, 3, weight_decay=0.1)
    report = stability_report(products, exact, 3, momentum=0.5)
    assert (report.weight_decay, report.momentum, report.n, report.parameters) == (0, 0.5, 20, 30)
    assert report.sharpness == pytest.approx(np.linalg.norm(factors, 2) ** 2 / 20, rel=1e-6)
    assert report.sharpness_limit == pytest.approx(3 / exact, rel=1e-12)


def test_one_direction_of_curvature_has_its_almost_sure_limit():
    """Of the toy of Wu, Ma and E; in more directions the report leaves it to simulation."""
    report = stability_report(1e30 * np.array([[[0.2]], [[3.8]]]), 5e-31, 1)
    assert report.almost_sure_lr == pytest.approx(1e-30 * almost_sure_lr([0.2, 3.8], 1), rel=1e-12, abs=0)
    assert stability_report([[[1.0, 0.0], [0.0, 1.0]]], 0.1, 1).almost_sure_lr is None
    words = "while the loss is quadratic almost every path still converges below"
    messages = [stability_report([[[0.2]], [[3.8]]], share * almost_sure_lr([0.2, 3.8], 1), 1).message
                for share in (0.99, 1.01)]
    assert [message.startswith("Unstable") for message in messages] == [True, True]
    assert [words in message for message in messages] == [True, False]


def test_residuals_say_whether_it_interpolates_and_what_loss_is_kept(factors):
    """Over-determined: residuals orthogonal to the columns of J, so that the mean gradient is zero."""
    tall = factors.T
    residuals = np.linalg.qr(tall, mode="complete")[0][:, -1]                  # Jᵀ r = 0
    report = stability_report(GaussNewton(tall), 0.01, 3, residuals=residuals)
    assert report.loss == pytest.approx((residuals**2).mean() / 2)
    floor = loss_floor(GaussNewton(tall), residuals[:, None] * tall, 0.01, 3)
    assert 0 < report.floor == pytest.approx(floor, rel=1e-9)
    assert "does not interpolate" in report.message and "are not in these numbers" in report.message
    for share in (0.0, 1e-7):                        # a loss of 1e-15 and less
        met = stability_report(GaussNewton(tall), 0.01, 3, residuals=share * residuals)
        assert met.message.endswith("are interpolated.") and met.floor == 0
    left = stability_report(GaussNewton(tall), 1.0, 3, residuals=residuals)
    assert left.verdict == "unstable" and left.floor is None and "no floor is given. Below" in left.message
    of_kernel = stability_report(GaussNewton.from_kernel(tall @ tall.T), 0.01, 3, residuals=residuals)
    assert of_kernel.floor == pytest.approx(floor, rel=1e-6)


def test_away_from_the_minimum_there_is_a_loss_and_no_floor(factors):
    """Residuals of a net that is not polished; weight decay balances their mean gradient, which is then no noise."""
    residuals = np.ones(20)
    report = stability_report(GaussNewton(factors), 0.01, 3, residuals=residuals)
    assert (report.loss, report.floor) == (0.5, None) and "its mean gradient is not zero" in report.message
    gradients = residuals[:, None] * factors
    decayed = stability_report(GaussNewton(factors), 0.01, 3, residuals=residuals, weight_decay=0.1)
    floor = loss_floor(GaussNewton(factors), gradients - gradients.mean(axis=0), 0.01, 3, weight_decay=0.1)
    assert decayed.floor == pytest.approx(floor, rel=1e-9)


def test_residuals_are_of_each_output(factors):
    """(n, k), and (n,) for one output."""
    one, two = GaussNewton(factors), GaussNewton(factors.reshape(10, 2, 30))
    for ensemble, shape in ((one, (20,)), (one, (20, 1)), (two, (10, 2))):
        count = {20: 1, 10: 2}[shape[0]]
        assert stability_report(ensemble, 0.01, 3, residuals=np.full(shape, 2.0)).loss == 2 * count
    for ensemble, shape in ((one, (20, 2)), (one, (20, 1, 30)), (one, ()), (two, (10,)), (two, (20,)), (two, (20, 1)),
                            (two, (10, 2, 30))):
        with pytest.raises(ValueError, match="^residuals must have shape"):
            stability_report(ensemble, 0.01, 3, residuals=np.ones(shape))


@pytest.mark.parametrize(("options", "message"), [
    ({"residuals": np.ones(3)}, r"residuals must have shape \(20, 1\), got \(3,\)"),
    ({"lr": -1.0}, "lr must be positive"),
    ({"lr": 1e-120}, "lr must lie within a factor 1e.100 of the critical rate"),
])
def test_what_cannot_be_reported_on_is_refused(factors, options, message):
    with pytest.raises(ValueError, match=message):
        stability_report(GaussNewton(factors), options.pop("lr", 0.01), 3, **options)
