"""The cases of the kit: named once, hard enough, with tolerances that leave room for rounding and none for mistakes."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from refimpl import sgd, testing
from refimpl.testing import Expected, cases
from refimpl.testing._portable_numbers import Numbers
from refimpl.testing._tolerances import RELATIVE, _signs, fits_float32, tolerance
from tests.testing._faults import MAKE

pytestmark = pytest.mark.chance("exact")

MODELS = testing.models()
DIGESTS = {    # of all inputs of a model, as version 2 of the vectors has them
    "LinearRegression": "8238f163321d13fe", "Quadratic": "fc62a7e8196454be", "TwoMinima": "2c46446b38e6559f",
    "LeastSquares": "283f976b79efc4c3", "TwoLayerCNN": "f836bd08e35d98da", "MLP": "91f806e4097c0b8c",
    "ConvNet": "2dcf4126696939cc", "TwoLayerReLU": "1d1ca7a79c48fccd", "LinearNet": "c95e1a5b5b890ead"
}


def functions_of(model):
    """Names of all functions that cases of a model ask for."""
    return {key.split(":")[0] for case in cases(model) for key in case.expected}


def test_cases_are_named_once_and_handed_out_as_copies():
    every, others = cases(), cases()
    names = [case.name for case in every]
    assert len(set(names)) == len(names) and all(case.name.startswith(case.model + "/") for case in every)
    first, again = every[0], others[0]
    assert repr(first) == "Case('LinearRegression/n1-d1', float64, dim=1, w (1,), x (1, 1), y (1,), v (1,))"
    assert "y None" in repr(cases("TwoMinima")[0])
    assert first == again and hash(first) == hash(again) and len({*every, *others}) == len(names)
    one, other, scalar = first.expected["loss"], again.expected["loss"], first.expected["critical_lr:B1"]
    assert one == other != scalar and hash(one) == hash(other) != hash(scalar) and one != other.value
    assert one != replace(other, tolerance=2 * other.tolerance) and one != replace(other, value=other.value + 1)
    first.w[0], first.settings["dim"] = 99.0, 7
    first.expected.clear()
    assert first != again and cases(first.model)[0] == again


@pytest.mark.parametrize("model", MODELS)
def test_inputs_are_those_that_were_handed_out(model):
    """Vectors that somebody exported are those of today: names, settings, conventions, every number that goes in.

    Six digits of each, since few come from a matrix routine; whoever changes a case on purpose changes its digest.
    """
    said = hashlib.sha256()
    for case in cases(model):
        parts = [case.name, sorted(case.settings.items()), case.note, case.dtype, case.exact]
        parts += [as_text(getattr(case, name)) for name in "wxyv"]
        parts += [(quantity, {key: as_text(value) for key, value in each.arguments.items()})
                  for quantity, each in case.expected.items()]
        said.update(repr(parts).encode())
    assert said.hexdigest()[:16] == DIGESTS[model]


def as_text(value):
    """An input as text: shapes, kinds of number and six digits."""
    if isinstance(value, tuple):
        return [as_text(part) for part in value]
    if isinstance(value, np.ndarray):
        return f"{value.shape} {value.dtype.kind} {' '.join(f'{number:.6g}' for number in value.ravel())}"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def test_every_model_starts_at_one_example_and_has_float32_and_hard_cases():
    for model in MODELS:
        mine = cases(model)
        assert len(mine[0].x) == 1 and any(case.dtype == "float32" for case in mine)
        assert sum(bool(case.note) for case in mine) >= 2, model
        assert {"predict", "losses", "loss", "gradient", "sgd:noise-and-decay"} <= set(mine[0].expected)


def test_before_divergence_is_one_step_before():
    found = 0
    for case in cases():
        if "sgd:before-divergence" in case.expected:
            each = case.expected["sgd:before-divergence"]
            lr = each.arguments["lr"]
            model = MAKE[case.model](**case.settings)
            one_more = sgd.run(model, case.w, case.x, case.y, lr=lr[0], steps=len(lr) + 1)
            assert np.abs(each.value).max() <= 1e100 and one_more.status == sgd.DIVERGED and one_more.nit == len(lr) + 1
            found += 1
    assert found >= 5


def test_every_model_says_what_it_computes():
    for model in MODELS:
        text = testing.conventions(model)
        assert all(word in text for word in ("predict", "loss", "mean", "sgd(w, x, y, lr, indices"))
        assert all(f"{name}(w, x, y" in text for name in functions_of(model) & {"descend", "train"})
    with pytest.raises(ValueError, match="model must be one of"):
        testing.conventions("Regression")


def test_numbers_are_those_of_the_recurrence():
    """splitmix64 from the FNV-1a hash of the name, both against their published test values."""
    empty = Numbers("")
    empty._state = 1234567
    assert [empty._next() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert Numbers("a")._state == 0xAF63DC4C8601EC8C and Numbers("foobar")._state == 0x85944171F73967E8
    assert sorted(Numbers("order").order(7)) == list(range(7))
    values = Numbers("range").real(4000)
    assert np.abs(values).max() < 2 and (values != 0).all() and (values.astype(np.float32) == values).all()


def test_tolerances_grow_with_the_condition_and_not_at_exact_ties():
    """1 − (1 − 2⁻³⁰): the terms are 10⁹ times as large as what is left, and so are their rounding errors."""
    terms = (np.array([1.0, -1 + 2.0**-30]),)
    value, allowed = tolerance(np.sum, terms, relative=1e-9)
    assert value == 2.0**-30 and 1e-9 < allowed < 4e-9
    value, allowed = tolerance(np.sum, terms, relative=1e-9, exact=True)
    assert allowed == pytest.approx(1e-9 * 2.0**-30)


def test_iterates_are_judged_one_by_one_and_approximations_at_their_promise():
    """Of iterates w, 1000 w that go with the input K is their size; w₀ and signs of the third pattern are as said."""
    _, allowed = tolerance(lambda w: np.array([w, 1000 * w]), (np.array([1.0, -2.0]),), relative=1e-9, per_step=True,
                           scale=3.0)
    np.testing.assert_allclose(allowed, 1e-9 * np.array([[7.0], [4003.0]]), rtol=1e-5)
    assert (_signs(2, 0, 4) == _signs(0, 0, 4) * [1, -1, 1, -1]).all() and set(_signs(1, 0, 99)) == {-1, 1}
    assert fits_float32(np.full(1, -(2.0**99)), np.zeros(0), 1e99, None) and not fits_float32(np.full(1, -(2.0**101)))
    expected = cases("TwoLayerCNN")[12].expected
    assert {expected[key].tolerance for key in expected if key.startswith("weak_limit")} == {1e-4}
    half = expected["weak_half_time"]
    assert half.tolerance == pytest.approx(0.0625 / 10 * half.value)
    assert Expected(half.value, 1.0).relative == 1e-9


@pytest.mark.parametrize("model", ["MLP", "ConvNet"])
def test_margins_of_thousands_leave_a_thousandth_of_r_for_what_cancels(model):
    """In the product with the Hessian, beyond its size and condition; one of MLP is 1e-118. No other case has it."""
    hard = {"huge-margin": 1e-3, "huge-margin-float32": 1e-3}
    judged = [case for case in cases(model) if case.name.split("/")[1] in (*hard, "n1-1-1", "n1-m1")]
    for case in judged:
        w, x, v = (part.astype(float) for part in (case.w, case.x, case.v))
        relative = RELATIVE[case.dtype]
        _, without = tolerance(MAKE[model](**case.settings).hvp, (w, x, case.y, v), relative=relative)
        room = case.expected["hvp"].tolerance - without
        assert room == pytest.approx(relative * hard.get(case.name.split("/")[1], 0.0), rel=1e-6, abs=1e-18), case.name
    assert len(judged) == 3


def test_tolerances_leave_room_for_rounding_and_none_for_mistakes(rng):
    """Another order of summation stays a hundred times below them; a relative error of 1e-6 is outside."""
    judged = 0
    for case in cases():
        if case.dtype == "float32":
            continue
        model = MAKE[case.model](**case.settings)
        order = rng.permutation(len(case.x))
        y = None if case.y is None else case.y[order]
        for name in ("loss", "gradient", "hvp"):
            if name not in case.expected:
                continue
            each = case.expected[name]
            extra = (case.v,) if name == "hvp" else ()
            shuffled = getattr(model, name)(case.w, case.x[order], y, *extra)
            assert (np.abs(shuffled - each.value) <= 0.01 * each.tolerance).all(), (case.name, name)
            largest = np.abs(each.value).max()
            if largest > 1e-100:
                assert 1e-6 * largest > 3 * np.max(each.tolerance), (case.name, name)
                judged += 1
    assert judged > 100
