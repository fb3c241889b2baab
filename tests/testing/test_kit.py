"""The oracle is itself tested: right implementations pass, planted mistakes are caught and named."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refimpl import testing
from refimpl.testing import (ConformanceError, ConformanceWarning, _cases, _mistake_names, cases, check_model,
                             parametrize_with_checks, strategies)
from refimpl.testing._portable_numbers import Numbers
from tests.testing._faults import FAULTS, MAKE, RIGHT, only, picked, sgd
from tests.testing._plain import listed, plain
from tests.testing._planted import PLANTED
from tests.testing._scalars import SCALARS

pytestmark = pytest.mark.chance("exact")

MODELS = testing.models()
CAUSES = {value for name, value in vars(_mistake_names).items() if name.isupper() and isinstance(value, str)}
LINEAR = "LinearRegression"


def gradient(w, x, y):
    return x.T @ (x @ w - (0 if y is None else y)) / len(x)


def wrong_sgd(w, x, y, *, lr, indices, noise=None, weight_decay=0.0):
    """Two mistakes at once: the sign of the noise, and decay of the updated weights."""
    path = [w]
    for t, batch in enumerate(indices):
        g = gradient(w, x[batch], picked(y, batch))
        w = (1 - lr[t] * weight_decay) * (w - lr[t] * (g if noise is None else g - noise[t]))
        path.append(w)
    return np.array(path)


def functions_of(model):
    """Names of all functions that cases of a model ask for."""
    return {key.split(":")[0] for case in cases(model) for key in case.expected}


# Right candidates pass, wrong ones are named.

@pytest.mark.parametrize("model", MODELS)
def test_plain_loops_pass(model):
    """Everything but the runs of the largest case, which loops over numbers would take seconds for."""
    def loops(**settings):
        return plain(model, settings)

    large = max(cases(model), key=lambda case: case.w.size * case.x.size)
    small = [case for case in cases(model) if case.name != large.name]
    report = check_model(loops, model, cases=small, convert=listed)
    assert report.ok and report.counts["passed"] == report.counts["run"] > 30
    static = check_model(loops, model, cases=[large], functions=("predict", "loss", "gradient"), convert=listed)
    assert static.counts["passed"] == 3


@pytest.mark.parametrize("model", SCALARS)
def test_derived_scalars_agree_with_brute_force(model):
    names = functions_of(model) - {"predict", "losses", "loss", "gradient", "hvp", "sgd", "descend", "train"}
    report = check_model(SCALARS[model], model, functions=sorted(names))
    assert report.counts["passed"] == len(report.records) >= 4


def test_no_other_model_has_scalars():
    for model in set(MODELS) - set(SCALARS):
        assert functions_of(model) <= {"predict", "losses", "loss", "gradient", "hvp", "sgd", "descend", "train"}


@pytest.mark.parametrize(("cause", "model", "function", "candidate"), FAULTS,
                         ids=[f"{model}-{function}-{cause[:40]}" for cause, model, function, _ in FAULTS])
def test_planted_faults_are_caught_and_named(cause, model, function, candidate):
    report = check_model(candidate, model, functions=(function,), on_fail=None)
    assert report.causes == {function: cause}


ONE_OF_EACH_KIND = list({kind: each for each in reversed(PLANTED) for kind in each[:1]}.values())


@pytest.mark.parametrize(("kind", "model", "candidate", "names"), ONE_OF_EACH_KIND,
                         ids=[f"{kind}-{model}" for kind, model, *_ in ONE_OF_EACH_KIND])
def test_mistakes_of_habit_are_caught_and_never_named_wrongly(kind, model, candidate, names):
    """One model per kind; ``python -m tests.testing._planted`` runs all and prints the table."""
    report = check_model(candidate, model, on_fail=None)
    assert not report.ok and all(cause.startswith(names) for cause in report.causes.values())
    assert bool(report.causes) == bool(names)


def test_every_cause_has_a_planted_fault():
    """All but those with a number in them and those that need two candidates have one with exactly that name."""
    fixed = {cause for cause in CAUSES if "{" not in cause}
    assert fixed <= {cause for cause, *_ in FAULTS} | {name for *_, names in PLANTED for name in names}


def test_without_their_fault_the_faulty_candidates_pass():
    """The null: the code around the planted mistakes is right."""
    check_model(RIGHT.cnn, "TwoLayerCNN")
    check_model(RIGHT.mlp, "MLP")
    check_model(RIGHT.two_blocks, "TwoLayerReLU")
    check_model({"critical_lr": RIGHT.critical_lr}, LINEAR)
    for model in MAKE:
        check_model(only("sgd", RIGHT.sgd)(model), model)


def test_two_mistakes_are_told_apart_where_the_cases_do():
    report = check_model({"sgd": wrong_sgd}, LINEAR, on_fail=None)
    failures = len(report.failures)
    assert set(report.causes) == {"sgd:noise", "sgd:schedule-noise", "sgd:weight-decay", "sgd:schedule-decay"}
    for quantity, name in ("sgd:noise", _mistake_names.NOISE_SIGN), ("sgd:weight-decay", _mistake_names.DECAY_UPDATED):
        explained = sum(record.cause.startswith(name) for record in report.failures)
        assert report.causes[quantity] == f"{name} (in {explained} of {failures} failures)" and explained >= 20
    assert {record.check.split("/")[-1] for record in report.failures if not record.cause} == {
        "sgd:noise-and-decay", "sgd:schedule-noise-decay"}


def test_what_fits_nothing_gets_no_cause():
    report = check_model({"gradient": lambda w, x, y: np.cos(gradient(w, x, y))}, LINEAR, on_fail=None)
    assert report.failures and not report.causes
    nothing = check_model({"gradient": lambda w, x, y: np.zeros_like(w)}, LINEAR, on_fail=None)
    assert nothing.causes == {"gradient": _mistake_names.ZEROS}


def test_a_mistake_in_one_branch_is_named():
    """The ½ missing in the squared loss of a net whose cross-entropy is right; if that is something else, neither."""
    def net(off):
        def candidate(**settings):
            model = MAKE["MLP"](**settings)
            factor, more = (2, 0) if settings["loss_kind"] == "squared" else (1, off)
            return {"gradient": lambda *given: factor * model.gradient(*given) + more,
                    "loss": lambda *given: factor * model.loss(*given) + more}
        return candidate

    named = dict.fromkeys(("loss", "gradient"), _mistake_names.FACTOR_2)
    assert [check_model(net(off), "MLP", on_fail=None).causes for off in (0, 0.1)] == [named, {}]


def test_a_cause_must_hold_on_every_case():
    """Rows of zeros left out of the mean: on four examples that looks like n − 1, on the others it does not."""
    def skipping(w, x, y):
        return gradient(w, x, y) * len(x) / x.any(axis=1).sum()

    report = check_model({"gradient": skipping}, LINEAR, on_fail=None)
    assert [record.check for record in report.failures] == ["LinearRegression/zero-row/gradient"] and not report.causes


def test_causes_that_the_cases_cannot_tell_apart_are_all_named():
    two = [case for case in cases(LINEAR) if len(case.x) == 2]
    report = check_model({"gradient": lambda *given: 2 * gradient(*given)}, LINEAR, cases=two[:1], on_fail=None)
    assert report.causes["gradient"].startswith("several causes fit: ")
    for cause in (_mistake_names.FACTOR_2, _mistake_names.SUM, _mistake_names.BESSEL):
        assert cause in report.causes["gradient"]
    for count, names in ((1, {}), (2, {"gradient": _mistake_names.FIXED_DIVISOR.format(3)})):   # a number fits any one
        two_thirds = {"gradient": lambda *given: gradient(*given) * (2 / 3)}
        assert check_model(two_thirds, LINEAR, cases=two[:1] * count, on_fail=None).causes == names


# What a report says.

def test_a_summary_stays_short():
    """Four failures of one function with one cause, twenty in all, however many there are."""
    bad = {"sgd": wrong_sgd, "gradient": lambda *given: -gradient(*given), "predict": np.dot, "hvp": lambda *given: 0}
    for count, parts in ((12, ("sgd",)), (20, tuple(bad))):
        report = check_model({part: bad[part] for part in parts}, LINEAR, on_fail=None)
        text, left = str(report), len(report.failures) - count
        assert sum(line.startswith(("  failed", "  error")) for line in text.splitlines()) == count and left > 0
        assert f"and {left} more, in report.records" in text and len(text.splitlines()) < 50
    assert f"likely cause in gradient: {_mistake_names.SIGN}" in text


def test_factories_are_called_once_for_each_settings():
    made = []

    def factory(**settings):
        made.append(tuple(settings.items()))
        return {"gradient": gradient}

    check_model(factory, LINEAR)
    assert len(made) == len(set(made)) > 3


def test_a_report_counts_what_ran_and_says_why_the_rest_did_not():
    def sgd_without_noise(w, x, y, *, lr, indices):
        return RIGHT.sgd(MAKE[LINEAR](len(w)))(w, x, y, lr=lr, indices=indices)

    report = check_model({"gradient": gradient, "sgd": sgd_without_noise}, LINEAR)
    counts = report.counts
    assert counts["run"] == counts["passed"] and counts["run"] + counts["skipped"] == len(report.records)
    text = str(report)
    assert text.startswith(f"LinearRegression: {counts['run']} checks run, {counts['passed']} passed, 0 failed")
    for reason in ("the candidate has no hvp", "sgd takes no argument noise", "sgd takes no argument weight_decay"):
        assert reason in text


def test_on_fail():
    wrong = {"gradient": lambda w, x, y: -gradient(w, x, y)}
    with pytest.raises(ConformanceError, match=_mistake_names.SIGN) as caught:
        check_model(wrong, LINEAR)
    assert caught.value.report.causes == {"gradient": _mistake_names.SIGN}
    with pytest.warns(ConformanceWarning, match=_mistake_names.SIGN):
        check_model(wrong, LINEAR, on_fail="warn")
    with warnings.catch_warnings(action="error"):
        assert check_model({"gradient": gradient}, LINEAR, on_fail="warn").ok
    assert not check_model(wrong, LINEAR, on_fail=None).ok


def test_expected_failures():
    half = {"gradient": gradient, "hvp": lambda w, x, y, v: 0 * v}
    report = check_model(half, LINEAR, expected_failures={
        "*/hvp": "not written yet", "*/n2-d3/gradient": "doubtful", "*/zero-row/gradient": "doubtful", "*/loss": "?"})
    by_name = {record.check: record for record in report.records}
    assert [by_name[f"LinearRegression/n3-d3/{name}"].status for name in ("loss", "hvp")] == ["skipped", "xfailed"]
    assert report.ok and report.counts["xpassed"] == 2
    assert "xpassed LinearRegression/n2-d3/gradient: expected: doubtful" in str(report)
    assert "zero-row" in str(report) and "the case:" not in str(report)   # what is hard about it is no matter then


@pytest.mark.parametrize(("value", "message"), [
    (None, "returned None"), ("large", "not real numbers"), (np.ones(3) * 1j, "dtype complex128"),
    (object(), "dtype object"),
    ([[1.0, 2.0], [3.0]], "neither np.asarray nor DLPack"),
])
def test_what_is_no_array_of_numbers_is_an_error(value, message):
    report = check_model({"gradient": lambda w, x, y: value}, LINEAR, on_fail=None)
    assert {record.status for record in report.failures} == {"error"} and message in report.failures[0].reason


@pytest.mark.parametrize("candidate", [
    MAKE[LINEAR], lambda **settings: MAKE[LINEAR](**settings), lambda **settings: {"gradient": gradient},
    {"gradient": gradient, "unknown": None, "_helper": abs, "descend": abs}, MAKE[LINEAR](3),
], ids=["class", "factory of objects", "factory of dicts", "dict", "object"])
def test_candidates_of_every_kind(candidate):
    three = [case for case in cases(LINEAR) if case.settings == {"dim": 3}]
    assert check_model(candidate, LINEAR, cases=three, functions=("gradient",)).counts["passed"] == len(three)


def test_a_candidate_that_changes_its_arguments_is_told_so():
    def greedy(w, x, y):
        found = gradient(w, x, y)
        w *= 2
        x += 1
        return found

    report = check_model({"gradient": greedy}, LINEAR, on_fail=None)
    assert report.causes == {"gradient": _mistake_names.CHANGES_INPUT} and not report.counts["passed"]
    assert "changes its argument w, x in place" in report.failures[0].reason
    assert check_model({"gradient": gradient}, LINEAR).ok, "what one candidate does to its arguments no other sees"


def test_the_last_iterate_alone_will_do_and_its_mistakes_are_named():
    def last(fault):
        return {"sgd": lambda *given, **options: sgd(fault)(MAKE[LINEAR](len(given[0])))(*given, **options)[-1]}

    assert check_model(last(""), LINEAR).counts["passed"] > 50
    assert check_model(last("double"), LINEAR, on_fail=None).causes == {"sgd": _mistake_names.FACTOR_2}


@pytest.mark.parametrize(("arguments", "options", "message"), [
    (({"gradient": gradient}, "Regression"), {}, "model must be one of LinearRegression"),
    (({"grad": gradient}, LINEAR), {}, "candidate must have at least one of predict"),
    ((3, LINEAR), {}, "candidate must have at least one of .*, got 3; give"),
    ((lambda dim: [], LINEAR), {}, r"candidate must have at least one of .*, got \[\]; give"),
    ((gradient, LINEAR), {}, "candidate must be functions by name, .*'dim'.*: missing a required argument: 'w'"),
    (({"gradient": gradient}, LINEAR), {"convert": 3}, "convert must be a function of an array, got 3"),
    (({"gradient": 3}, LINEAR), {}, "candidate's gradient must be a function, got int"),
    (({"gradient": gradient, "hpv": gradient}, LINEAR), {}, "got 'hpv', which none does; did you mean 'hvp'?"),
    (({"gradient": gradient}, LINEAR), {"rtol": {"grad": 1e-3}}, "rtol's functions must be one of"),
    (({"gradient": gradient}, LINEAR), {"rtol": {"gradient": -1}}, "rtol.'gradient'. must be positive"),
    (({"gradient": gradient}, LINEAR), {"expected_failures": {"*/hpv": "a slip"}}, "expected_failures must match"),
    (({"gradient": gradient}, LINEAR), {"on_fail": "ignore"}, "on_fail must be one of"),
    (({"gradient": gradient}, LINEAR), {"functions": ("grad",)}, "functions must be one of"),
    (({"gradient": gradient}, LINEAR), {"cases": []}, "cases must hold at least one"),
    (({"gradient": gradient}, LINEAR), {"cases": cases("Quadratic")}, "cases must be of the model LinearRegression"),
])
def test_bad_arguments(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        check_model(*arguments, **options)
    if arguments[1] == "Regression":
        with pytest.raises(ValueError, match=message):
            cases("Regression")


# Fronts: pytest and hypothesis.

@parametrize_with_checks({"gradient": gradient, "hvp": lambda w, x, y, v: 0 * v}, LINEAR, cases=cases(LINEAR)[:2],
                         functions=("gradient", "hvp", "loss"), expected_failures={"*/hvp": "left out on purpose"})
def test_each_check_is_a_test(check):
    assert not str(check).endswith("/loss"), "a check of a missing function must be marked to be skipped"
    assert check().status == "passed"


def test_a_failing_check_names_its_cause():
    mark = parametrize_with_checks({"gradient": lambda *given: 2 * gradient(*given)}, LINEAR).mark
    parameter = next(each for each in mark.args[1] if each.id == "LinearRegression/n2-d3/gradient")
    with pytest.raises(ConformanceError) as caught:
        parameter.values[0]()
    assert caught.value.report.causes == {"gradient": _mistake_names.FACTOR_2}


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=6)
@given(data=st.data())
def test_random_instances_agree_with_plain_loops(model, data):
    case = data.draw(strategies.instances(model))
    check_model(lambda **settings: plain(model, settings), model, cases=[case], convert=listed)


@settings(max_examples=5)
@given(strategies.instances(LINEAR, dtype="float32"))
def test_random_instances_in_single_precision(case):
    assert case.w.dtype == case.x.dtype == np.float32
    check_model({"gradient": gradient}, LINEAR, cases=[case])


def test_an_instance_at_a_kink_is_told():
    """One that was drawn: a filter's product with a block is exactly 0. Off it by 2⁻²⁰, or with no image, none."""
    entry = _cases.MODELS["ConvNet"]
    inputs = entry.draw(Numbers("ConvNet 14166535"), n=2, classes=2, filters=3, pooled=True)
    instance = entry.make(**inputs.settings)
    products = instance.blocks(inputs.x) @ inputs.w[:12].reshape(4, 3)
    assert (products[1] == 0).sum() == 1 and strategies._tied(instance, inputs)
    assert not strategies._tied(instance, replace(inputs, w=inputs.w + 2.0**-20))
    assert not strategies._tied(instance, replace(inputs, x=0 * inputs.x))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_instance_repeats_its_first_example_or_has_one_of_zeros_beside_it(n):
    x = np.arange(1.0, 2 * n + 1).reshape(n, 2)
    repeated, zero = x.copy(), x.copy()
    strategies._alter(repeated, "repeated")
    strategies._alter(zero, "zero")
    assert (repeated == [*x[:-1], x[0]]).all()
    assert (zero == [row * (k != 1) for k, row in enumerate(x)]).all()


def test_strategies_refuse_an_unknown_model():
    with pytest.raises(ValueError, match="model must be one of"):
        strategies.instances("Regression")
