"""The ensemble: what is accepted, how it is scaled and reduced, what is kept between calls."""

import pickle
import re
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import hadamard

from tests import support
from theory import linear_stability as theory

pytestmark = pytest.mark.chance("exact")

FLAT = theory.GaussNewton([[1.0, 2.0], [3.0, 1.0]])
STEEP = np.array([[2.0, 1e-7]] + [[1.0, 0.0]] * 9)  # one example alone bends the second direction


def outer(factors):
    return factors[:, :, None] * factors[:, None, :]


def answers(hessians):
    """One number from each function of an ensemble, dimensionless: curvatures are multiplied by the gd limit."""
    lr = theory.critical_lr(hessians, 2, "gd")
    return np.array([theory.critical_lr(hessians, 2) / lr, theory.critical_lr(hessians, 2, "sufficient") / lr,
                     theory.necessary_lr(hessians, 2, "trace") / lr, theory.sharpness(hessians) * lr,
                     theory.necessary_lr(hessians, 2, "eigenvector") / lr, theory.non_uniformity(hessians) * lr,
                     theory.mean_square_rate(hessians, lr, 2), theory.lambda_max(hessians, lr, 2),
                     theory.perron_weight(hessians, lr, 2)[0]])


@pytest.mark.parametrize("shape", [(7, 1, 3), (3, 1, 7), (4, 2, 3), (3, 2, 12)])
def test_factors_and_dense_hessians_agree(rng, shape):
    """More and fewer factors than parameters; the sum over examples, which divides the limit by n, is caught."""
    jacobians = rng.standard_normal(shape)
    hessians, factored = jacobians.swapaxes(1, 2) @ jacobians, theory.GaussNewton(jacobians)
    assert_allclose(answers(factored), answers(hessians), rtol=1e-8)
    for call in (theory.stability_matrix, lambda *given: theory.second_moment(*given, np.eye(shape[-1]), 3)):
        assert_allclose(call(factored, 0.1, 2), call(hessians, 0.1, 2), rtol=1e-9, atol=1e-12)
    limits = [theory.critical_lr(each, 2, "gd") for each in (factored, hessians, hessians / shape[0])]
    assert_allclose(limits[0], limits[1], rtol=1e-12)
    assert not np.isclose(limits[0], limits[2])


@pytest.mark.parametrize("power", [-100, -90, -77, 0, 80, 150])
def test_units_do_not_matter(rng, power):
    """Factors times 10^power, whose fourth powers leave the range of float64: the dimensionless answers stay."""
    factors = rng.standard_normal((5, 3))
    expected = answers(theory.GaussNewton(factors))
    scaled = factors * 10.0**power
    assert_allclose(answers(theory.GaussNewton(scaled)), expected, rtol=1e-9)
    assert_allclose(answers(outer(scaled)), expected, rtol=1e-9)
    with np.errstate(over="ignore", under="ignore"):
        unscaled = (scaled**4).mean() ** 2  # what H_i² squares once more
    assert power == 0 or unscaled in (0, np.inf)


def test_a_limit_beyond_float64_is_refused(rng):
    factors = theory.GaussNewton(rng.standard_normal((5, 3)) * 1e-160)
    with pytest.raises(ValueError, match="hessians give a learning rate of .* outside the range of float64; rescale"):
        theory.critical_lr(factors, 2)


@pytest.mark.parametrize("slope", [1e-7, 1e-10, 1e-13])
def test_a_steep_example_in_a_flat_direction_counts(slope):
    """The sufficient limit is 2/(|g₁|²) = .5 however small the slope, by hand; without that direction it is 1.04."""
    factors = STEEP * [1, slope / 1e-7]
    wide = np.hstack([factors, np.zeros((10, 30))])[:, np.random.default_rng(0).permutation(32)]
    for ensemble in (theory.GaussNewton(factors), theory.GaussNewton(wide)):
        assert_allclose(theory.critical_lr(ensemble, 1, "sufficient"), 0.5, rtol=1e-12)
    assert_allclose(theory.critical_lr(theory.GaussNewton(STEEP[:, :1]), 1, "sufficient"), 1.04, rtol=1e-12)


@pytest.mark.parametrize("shape", [(1000, 2), (2, 1000)])
def test_singular_values_are_kept_from_rounding_of_the_longer_axis_on(shape):
    """2 max(n, d) ε of the largest: half of that is left out, twice of it counts; by the shorter axis both would."""
    least = 2 * 1000 * np.finfo(float).eps
    for share, rank in ((0.5, 1), (2.0, 2)):
        factors = np.zeros(shape)
        factors[0, 0], factors[1, 1] = 1, share * least
        assert theory.critical_lr(theory.GaussNewton(factors), 1, full_output=True)[1].rank == rank


def test_a_flat_direction_that_is_bent_into_many_is_refused_too():
    """d = 64: H_i v of size 4e-12 in a space of 63 flat directions, along each of which it is below what is allowed."""
    turn = hadamard(64) / 8
    factors = np.zeros((10, 64))
    factors[:, 0], factors[0, :2] = 1, (2, 2e-12)
    hessians = turn @ outer(factors) @ turn.T
    with pytest.raises(ValueError, match="hessians must be well enough conditioned"):
        theory.critical_lr((hessians + hessians.swapaxes(1, 2)) / 2, 1)
    factors[0, 1] = 0
    hessians = turn @ outer(factors) @ turn.T
    assert theory.critical_lr((hessians + hessians.swapaxes(1, 2)) / 2, 1, full_output=True)[1].rank == 1


def test_dense_hessians_that_hide_it_are_refused():
    with pytest.raises(ValueError, match=r"hessians must be well enough conditioned .* as GaussNewton\(J\)"):
        theory.critical_lr(outer(STEEP), 1, "sufficient")


def test_flat_directions_of_dense_hessians_are_left_out(rng):
    """Low ranks over eight decades of curvature: none is refused, and each rank is that of the factors."""
    for _ in range(60):
        factors = rng.standard_normal((4, 1, 7)) * 10 ** rng.uniform(-2, 2, (4, 1, 1)) * 10 ** rng.uniform(-2, 2, 7)
        dense, factored = (theory.critical_lr(hessians, 2, full_output=True)[1]
                           for hessians in (factors.swapaxes(1, 2) @ factors, theory.GaussNewton(factors)))
        assert dense.rank == factored.rank == 4


def test_float32_hessians_give_the_float64_answer(rng):
    """To 1e-5; rounding of float32 alone makes rank-one Hessians indefinite by 1e-7, above the float64 allowance."""
    indefinite = 0
    for dim in (10, 30):
        factors = rng.standard_normal((20, dim)).astype(np.float32)
        hessians = outer(factors)
        indefinite = min(indefinite, np.linalg.eigvalsh(hessians.astype(float)).min() / np.abs(hessians).max())
        for which in ("mean-square", "sufficient", "gd"):
            assert_allclose(theory.critical_lr(hessians, 2, which),
                            theory.critical_lr(theory.GaussNewton(factors), 2, which), rtol=1e-5)
    assert indefinite < -1e-9  # what the allowance of float64 would refuse
    with pytest.raises(ValueError, match="positive semi-definite, got .*; give float64, or the factors"):
        theory.critical_lr(np.diag([1.0, -1e-3]).astype(np.float32)[None], 1)


def test_plain_factors_are_told_their_name():
    for factors in (np.ones((10, 2)), np.ones((10, 2, 3)), [[1.0, 2.0]]):
        support.refused(re.escape("write GaussNewton(J)"), theory.critical_lr, factors, 1)


@pytest.mark.parametrize("spread", [0.0, 1e-9, 1e-5])
def test_non_uniformity_does_not_cancel(spread):
    """H_i = (1 ± s) I: exactly s; the naive mean H_i² − H² gives 0 or 2e-8 at s = 1e-9."""
    up, down = 1 + spread, 1 - spread
    exact = float((Fraction(up) - Fraction(down)) / 2)
    dense = np.array([up * np.eye(3), down * np.eye(3)])
    assert_allclose(theory.non_uniformity(dense), exact, rtol=1e-9, atol=0)
    factored = theory.GaussNewton(np.array([np.sqrt(up) * np.eye(3), np.sqrt(down) * np.eye(3)]))
    assert_allclose(theory.non_uniformity(factored), exact, rtol=0, atol=1e-15)  # √ is rounded
    naive = (dense @ dense).mean(axis=0) - dense.mean(axis=0) @ dense.mean(axis=0)
    assert spread != 1e-9 or abs(np.sqrt(np.abs(naive).max()) - exact) > 1e-10


def test_one_example_has_no_non_uniformity(rng):
    jacobians = rng.standard_normal((1, 3, 7))
    assert theory.non_uniformity(theory.GaussNewton(jacobians)) == 0
    assert theory.non_uniformity(jacobians.swapaxes(1, 2) @ jacobians) == 0


def test_an_ensemble_is_reduced_once(rng, monkeypatch):
    """Seven calls on one object decompose once; the same calls on the array, which could change, each time."""
    calls = []
    for name in ("reduce_factors", "reduce_dense"):
        original = getattr(theory._ensemble, name)
        monkeypatch.setattr(theory._ensemble, name,
                            lambda *given, original=original: calls.append(1) or original(*given))
    factors = rng.standard_normal((5, 3))
    for held in (theory.GaussNewton(factors), theory.Ensemble(outer(factors))):
        calls.clear()
        answers(held)
        assert len(calls) == 1
    calls.clear()
    answers(outer(factors))
    assert len(calls) > 5


def test_what_is_held_cannot_change(rng):
    factors, hessians = rng.standard_normal((5, 3)), support.random_hessians(rng, 4, 3)
    for held, given in ((theory.GaussNewton(factors), factors), (theory.Ensemble(hessians), hessians)):
        before = theory.critical_lr(held, 1)
        given *= 3
        assert theory.critical_lr(held, 1) == before
    with pytest.raises(ValueError, match="read-only"):
        theory.GaussNewton(factors).jacobians[0] = 1


def test_factors_compare_hash_print_and_pickle_by_value(rng):
    factors = rng.standard_normal((2000, 3))
    one, same, other = map(theory.GaussNewton, (factors, np.asfortranarray(factors), 2 * factors))
    theory.sharpness(one)  # with its reduction kept
    assert one == same and hash(one) == hash(same) and one != other and one != 3
    assert repr(one) == "GaussNewton(n=2000, outputs=1, dim=3)"
    assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize("layout", ["fortran", "strided", "list"])
def test_layout_does_not_matter(rng, layout):
    factors = rng.standard_normal((5, 3))
    given = {"fortran": np.asfortranarray(factors), "strided": np.repeat(factors, 2, axis=1)[:, ::2],
             "list": factors.tolist()}[layout]
    assert_allclose(answers(theory.GaussNewton(given)), answers(theory.GaussNewton(factors)), rtol=1e-12)


@pytest.mark.parametrize("call, name", [
    (lambda lr: theory.mean_square_rate(FLAT, lr, 1, momentum=0.5), "lr"),
    (lambda lr: theory.mean_square_rate(FLAT, 0.1, 1, momentum=0.5, dampening=-lr), "lr"),
    (lambda lr: theory.lambda_max(FLAT, lr, 1), "lr"),
    (lambda lr: theory.second_moment(FLAT, lr, 1, np.eye(2), 1), "lr"),
    (lambda lr: theory.second_moment(FLAT, 1e60, 1, np.eye(2), 3), "steps"),
    (lambda lr: theory.epoch_mean_square_rate(FLAT, lr), "lr"),
    (lambda lr: theory.epoch_mean_square_rate([[[1.0]], [[2.0]]], lr, 2), "lr"),
    (lambda lr: theory.path_log_loss(FLAT, lr, [[0]], [1.0, 0.0]), "lr"),
    (lambda lr: theory.loss_floor([[[1.0]], [[3.0]]], [[lr], [-lr]], 0.2, 1), "gradients")])
def test_what_leaves_the_range_of_floats_is_refused_by_name(call, name):
    """Learning rates, gradients and steps that overflow where squares are taken; certify decides all the same."""
    support.refused(f"^{name} ", call, 1e160)
    assert theory.certify(FLAT, 1e160, 1).verdict == "unstable"
    with pytest.raises(ValueError, match="^weight_decay must be in the units of the curvatures"):
        theory.critical_lr(theory.GaussNewton([[1.0, 0.0]]), 1, weight_decay=1e5, preconditioner=[1.0, 1e-308])
    for lr, factor in ((1e-200, 1e-80), (1e200, 1e80)):     # times curvatures 0 and infinity
        with pytest.raises(ValueError, match="^lr = .* leaves the range of float64; rescale"):
            theory.certify(theory.GaussNewton([[factor]]), lr, 1)
