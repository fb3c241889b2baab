"""Odd candidates: nothing is green that did not run, nothing that a candidate does ends the run."""

from dataclasses import replace

import numpy as np
import pytest

from refimpl.testing import (ConformanceError, Record, _cases, _mistake_names, cases, check_model,
                             parametrize_with_checks)
from refimpl.testing._candidate import Candidate
from refimpl.testing._comparison import _differ
from refimpl.testing._conversion import same
from refimpl.testing._diagnosis import diagnose
from refimpl.testing._wrong_models import NUDGE, off_the_kink
from tests.testing._faults import MAKE, RIGHT
from tests.testing._scalars import SCALARS

LINEAR = "LinearRegression"


def gradient(w, x, y):
    return x.T @ (x @ w - (0 if y is None else y)) / len(x)


def test_a_function_that_lacks_what_every_case_gives_is_refused_at_the_door():
    late = {"predict": lambda w, x: x @ w, "sgd": lambda w, x, y, learning_rate, indices: w}
    for door in (check_model, parametrize_with_checks):
        with pytest.raises(ValueError, match="candidate's sgd must take lr, indices by keyword"):
            door(late, LINEAR)


def test_a_function_of_which_no_check_ran_has_failed():
    """All cases of noise alone, and SGD without noise: skipped is not passed."""
    def sgd(w, x, y, *, lr, indices):
        return RIGHT.sgd(MAKE[LINEAR](len(w)))(w, x, y, lr=lr, indices=indices)

    quiet = {"predict": lambda w, x: x @ w, "sgd": sgd}
    case = next(case for case in cases(LINEAR) if case.name.endswith("n3-d3"))
    whole = parametrize_with_checks(quiet, LINEAR, cases=[replace(case, expected=dict(case.expected))]).mark.args[1]
    assert {each.id.split(":")[-1] for each in whole if not each.marks and "sgd" in each.id} == {
        "full-batch", "without-replacement", "with-replacement", "epoch", "annealed", "ragged"}
    for key in [key for key in case.expected if key.startswith("sgd") and "noise" not in key]:
        del case.expected[key]
    report = check_model(quiet, LINEAR, cases=[case], on_fail=None)
    assert not report.ok and "sgd was handed over and no check of it ran" in report.failures[0].reason
    assert check_model(quiet, LINEAR).ok, "where some checks run the rest is skipped"
    wrong = check_model({"sgd": lambda w, x, y, *, lr, indices: sgd(-w, x, y, lr=lr, indices=indices)}, LINEAR,
                        on_fail=None)
    assert wrong.counts["skipped"] > wrong.counts["failed"] > 0 == wrong.counts["error"], "also where all that ran fail"
    late = next(each for each in parametrize_with_checks(quiet, LINEAR, cases=[case]).mark.args[1] if "sgd" in each.id)
    with pytest.raises(ConformanceError, match="sgd was handed over and no check of it ran"):
        late.values[0]()


@pytest.mark.parametrize("value", [np.zeros((7, 3)), np.zeros(0), [], "x", np.ma.masked_all(3), [[1.0], 2.0], float,
                                   {}])
def test_no_result_ends_the_diagnosis(value):
    for function in ("loss", "gradient", "hvp"):
        report = check_model({function: lambda *given: value}, LINEAR, on_fail=None)
        assert not report.counts["passed"] and not report.causes


def test_iterates_of_the_wrong_number_do_not_end_the_diagnosis():
    short = {"descend": lambda w, x, y, **options: np.zeros((2, *w.shape))}
    assert not check_model(short, "LeastSquares", on_fail=None).ok
    nothing = {"train": lambda w, x, y, *, lr, weight_decay, noise, large_lr=None, anneal_loss=None: np.zeros(
        (len(noise) + 1, *w.shape))}
    assert not check_model(nothing, "TwoLayerReLU", on_fail=None).ok


def test_pytest_shows_the_first_record_with_note_and_traceback():
    def inner(luck):
        if not luck:
            raise RuntimeError("out of luck")
        inner(luck - 1)

    def breaking(w, x, y):
        inner(2)

    mark = parametrize_with_checks({"gradient": breaking}, LINEAR).mark
    check = next(each.values[0] for each in mark.args[1] if each.id == "LinearRegression/zero-row/gradient")
    with pytest.raises(ConformanceError, match="out of luck") as caught:
        check()
    record = caught.value.report.records[0]
    assert "in breaking" in record.traceback and "still counts in n" in str(record) and not record.line().count("\n")
    line = inner.__code__.co_firstlineno + 2
    assert record.reason == f"RuntimeError: out of luck (line {line} of inner)"
    assert record.traceback.count("File") == 4 and str(record).count("in inner") == 3
    deep = {"loss": lambda w, x, y: inner(50), "hvp": int}
    records = {each.function: each for each in check_model(deep, LINEAR, on_fail=None).failures}
    assert 4 <= str(records["loss"]).count("in inner") < 20
    assert records["hvp"].reason.startswith("TypeError: int() takes")


def test_single_precision_and_estimators_are_judged_as_such():
    single = {"gradient": lambda w, x, y: gradient(*(None if part is None else part.astype(np.float32)
                                                     for part in (w, x, y)))}
    kept = [case for case in cases(LINEAR) if "far-away" not in case.name]
    assert not check_model(single, LINEAR, cases=kept, on_fail=None).ok
    single["sgd"] = lambda w, *given, **options: RIGHT.sgd(MAKE[LINEAR](len(w)))(w, *given, **options)
    report = check_model(single, LINEAR, precision="float32")
    assert report.ok and "single precision" in str(report) and "beyond the range of float32" in str(report)
    off = {"gradient": lambda w, x, y: 1.001 * single["gradient"](w, x, y)}
    far = {record.check for record in check_model(off, LINEAR, precision="float32", on_fail=None).failures}
    assert {"LinearRegression/n1-d1/gradient", "LinearRegression/n2-d3/gradient"} <= far
    marks = {each.id: each.marks for each in parametrize_with_checks(single, LINEAR, precision="float32").mark.args[1]}
    assert [mark.kwargs["reason"] for mark in marks["LinearRegression/far-away/gradient"]] == [
        "beyond the range of float32"] and not marks["LinearRegression/n2-d3/gradient"]
    rough = {"gradient": lambda *given: gradient(*given) * (1 + 1e-4)}
    report = check_model(rough, LINEAR, rtol={"gradient": 1e-3})
    assert report.ok and "  judged at rtol = 0.001 for gradient\n" in str(report)
    report = check_model(rough, LINEAR, rtol=1e-5, on_fail=None)
    assert not report.ok and "  judged at rtol = 1e-05\n" in str(report)


class Odd:
    """One property that raises, one function that is right."""

    gradient = staticmethod(gradient)

    @property
    def loss(self):
        raise RuntimeError("not today")

    def __repr__(self):
        raise RuntimeError("not even this")


def test_what_a_candidate_raises_of_any_kind_is_a_record():
    def ended(w, x, y):
        raise GeneratorExit

    few = cases(LINEAR)[:2]
    assert check_model({"gradient": ended}, LINEAR, cases=few, on_fail=None).counts["error"] == 2
    report = check_model(Odd(), LINEAR, cases=few, on_fail=None)
    assert report.counts["passed"] == report.counts["error"] == 2 and "not today" in str(report)
    with pytest.raises(ValueError, match="got <Odd instance"):
        check_model(Odd(), LINEAR, cases=few, functions=("predict",))


def test_interrupts_and_the_word_of_the_test_runner_get_out():
    """pytest-timeout ends a test by `pytest.fail`; what swallowed it would begin to wait again."""
    def late(w, x, y):
        pytest.fail("Timeout")

    with pytest.raises(pytest.fail.Exception, match="Timeout"):
        check_model({"gradient": late}, LINEAR, on_fail=None)


def test_a_factory_that_raises_keeps_one_traceback():
    """Raising one error again for each of the checks made it longer each time: 460 checks took a minute."""
    report = check_model(lambda **settings: 1 / 0, LINEAR, on_fail=None)
    assert len(report.failures) == len(report.records) > 400
    assert {len(record.traceback) for record in report.records} == {len(report.records[0].traceback)}


class Elsewhere:
    """A tensor that requires a gradient and lives on another device: an array only after `detach` and `cpu`."""

    def __init__(self, value, asked=()):
        self.value, self.asked = value, asked

    def detach(self):
        return Elsewhere(self.value, (*self.asked, "detach"))

    def cpu(self):
        return Elsewhere(self.value, (*self.asked, "cpu"))

    def __array__(self, dtype=None, copy=None):
        if self.asked != ("detach", "cpu"):
            raise RuntimeError(f"asked for {self.asked} only")
        return np.asarray(self.value, dtype)


def test_tensors_are_fetched_from_wherever_they_are_also_in_lists():
    whole = {"gradient": lambda *given: Elsewhere(gradient(*given))}
    parts = {"gradient": lambda *given: [*map(Elsewhere, gradient(*given)[:-1]), float(gradient(*given)[-1])]}
    for each in (whole, parts):
        assert check_model(each, LINEAR).ok
    wrong = {"gradient": lambda *given: [Elsewhere(2 * part) for part in gradient(*given)]}
    assert check_model(wrong, LINEAR, on_fail=None).causes == {"gradient": _mistake_names.FACTOR_2}


def test_a_second_call_is_judged_entry_by_entry():
    """Half a unit off where 1e-9 is allowed, beside an entry where 1 is: it differs; in the other entry it does not."""
    allowed = np.array([1e-9, 1.0])
    first = Record("a", "failed", got=np.array([1.0, 1e6]))
    for place, differs in ((0, True), (1, False)):
        second = Record("a", "failed", got=first.got + 0.5 * (np.arange(2) == place))
        assert _differ(first, second, allowed) == _differ(second, first, allowed) == differs
    wide = Record("a", "failed", got=np.broadcast_to(0.0, (10**9, 10**9)))   # of another shape than what is expected
    assert _differ(first, wide, allowed) and not _differ(wide, wide, allowed)


def test_what_is_flaky_hides_no_mistake_and_a_mistake_hides_no_change():
    """Twice the gradient: in one case of rows of zeros with something else each time, or with its labels changed."""
    count = iter(range(10**6))

    def flaky(w, x, y):
        return 2 * gradient(w, x, y) + (0 if x.any(axis=1).all() else next(count))

    def greedy(w, x, y):
        found = 2 * gradient(w, x, y)
        x *= 2
        return found

    causes = {record.check: record.cause for record in check_model({"gradient": flaky}, LINEAR, on_fail=None).failures}
    assert causes.pop("LinearRegression/zero-row/gradient") == _mistake_names.FLAKY
    assert set(causes.values()) == {_mistake_names.FACTOR_2}
    records = check_model({"gradient": greedy}, LINEAR, on_fail=None).failures
    assert all("changes its argument x in place" in record.reason for record in records)
    assert {record.cause for record in records} == {_mistake_names.FACTOR_2, _mistake_names.CHANGES_INPUT}
    mark = parametrize_with_checks({"gradient": lambda w, x, y: gradient(w, x, y) + (next(count) == 0)}, LINEAR).mark
    count = iter(range(10**6))
    with pytest.raises(ConformanceError) as caught:
        next(each for each in mark.args[1] if each.id.endswith("/gradient")).values[0]()
    assert caught.value.report.causes == {"gradient": _mistake_names.FLAKY}


def test_a_list_of_batches_that_a_candidate_empties_is_seen():
    def emptying(w, x, y, *, lr, indices, **options):
        found = RIGHT.sgd(MAKE[LINEAR](len(w)))(w, x, y, lr=lr, indices=indices, **options)
        if isinstance(indices, list):
            indices.pop()
        return found

    report = check_model({"sgd": emptying}, LINEAR, on_fail=None)
    assert {record.check.split(":")[1] for record in report.failures} == {"ragged", "ragged-everything"}
    assert report.causes == {"sgd": _mistake_names.CHANGES_INPUT}


def test_sums_in_place_of_means_are_named_in_scalars_of_any_data():
    """Curvatures and Hessians are of degree one in the data, examples of degree two."""
    def summed(name, key):
        right = SCALARS[name[0]][name[1]]
        power = 0.5 if key == "x" else 1
        return {name[1]: lambda **given: right(**(given | {key: len(given[key])**power * given[key]}))}

    for name, key in ((("Quadratic", "sharpness"), "hessians"), (("TwoMinima", "almost_sure_lr"), "curvatures"),
                      (("LeastSquares", "crossover_lr"), "x")):
        causes = check_model(summed(name, key), name[0], functions=(name[1],), on_fail=None).causes
        assert _mistake_names.SUM in causes[name[1]], causes


def test_a_schedule_in_the_old_word_is_understood_and_told():
    old = Candidate({"descend": lambda w, x, y, *, lr, switch_loss: (w, x, y, lr, switch_loss)}, ("descend",))
    with pytest.warns(DeprecationWarning, match="descend takes switch_loss, which is now anneal_loss"):
        assert old.function("descend", {})(1, 2, 3, lr=4, anneal_loss=5) == (1, 2, 3, 4, 5)


def test_what_a_candidate_sets_in_numpy_stays_its_own():
    def strict(w, x, y):
        np.seterr(all="raise")
        return gradient(w, x, y)

    before = np.geterr()
    assert check_model({"gradient": strict}, LINEAR).ok and np.geterr() == before


def test_weights_at_a_kink_are_moved_by_rows_with_zeros_too():
    """⟨w, x⟩ is 0 for (1, 1, 0), and (0, 0, 0) has no side to be moved to."""
    w, rows = np.array([[1.0, -1.0, 2.0]]), np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    assert (off_the_kink(w, rows) == w + NUDGE * rows[0]).all()
    assert (off_the_kink(w, rows[1:]) == w).all()


def test_single_precision_is_named_beside_a_result_that_half_precision_holds():
    """Two failures of float32, one of which is 1/4 where 1/4 + 1e-7 is right: where every one is so, it is not named.

    What is then named is the factor, with the digits that tell it from 1.
    """
    first, second = (case for case in cases(LINEAR) if case.name.endswith(("/n1-d1", "/n2-d3")))
    quarter = np.full(1, 0.25)
    first.expected["gradient"] = replace(first.expected["gradient"], value=quarter + 1e-7)
    half = first, "gradient", quarter, True
    single = second, "gradient", second.expected["gradient"].value.astype(np.float32).astype(float), True
    entry = _cases.MODELS[LINEAR]
    assert set(diagnose(entry, {"gradient": [half, single]}).values()) == {_mistake_names.PRECISION}
    assert set(diagnose(entry, {"gradient": [half, half]}).values()) == {"a constant factor 0.9999996 too many"}
    other = second, "gradient", second.expected["gradient"].value + 0.125, True   # not every failure is of float32
    assert _mistake_names.PRECISION not in diagnose(entry, {"gradient": [single, other]}).values()


def test_an_argument_that_can_no_longer_be_read_counts_as_unchanged():
    """A buffer that JAX has taken over: it was seen before the call, and not after it."""
    assert same(np.ones(2), None) and same(None, np.ones(2)) and not same(np.ones(2), np.zeros(2))
