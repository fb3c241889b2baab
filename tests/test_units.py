"""What the type, the precision or the units of numbers must not change, each beside the wrong answer that it had."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from theory import (_checks, benign_oscillation, convex_annealing, edge_of_stability, images, learning_order,
                    linear_stability)

FACTORS = np.array([[1.0, 0.5], [0.0, 2.0], [1.0, -1.0]])
SINGLE = {
    "stationary_std": lambda f: learning_order.stationary_std(f(0.1), f(0.01), f(2.0)),
    "noise_std": lambda f: learning_order.noise_std(f([0.1]), f(0.01), 2.0),
    "noise_autocorrelation": lambda f: learning_order.noise_autocorrelation(f([0.1]), f(0.3), 7),
    "visibility": lambda f: learning_order.visibility(200, 0.02, 20.0, f(7e-4), 0.02, 1e-6).decay,
    "curvature_prediction": lambda f: learning_order.curvature_prediction(5.0, 0.1, 3e-3, mean_alpha=f(0.3)),
    "odd_part": lambda f: learning_order.odd_part(f([[0.1, 0.7]]), f([0.3])),
    "linear_error": lambda f: learning_order.linear_error(f(0.3), f(0.1), 20),
    "momentum_limit": lambda f: images.momentum_limit(f([0.3])),
    "initial_patch_curvature": lambda f: images.initial_patch_curvature(
        f([0.3]), inputs=3, filters=2, blocks=1, classes=2, share=0.7),
    "patch_curvature": lambda f: images.patch_curvature(f([0.1, 0.3]), f([[0.1], [0.7]]), f([[1.0, 0.3]]), 0.3),
    "noise_covariance": lambda f: images.noise_covariance(np.ones((1, 2)), f([[[0.1], [0.7]]]), 1.0, "shared"),
    "weak_growth_rate": lambda f: benign_oscillation.weak_growth_rate(1.2, f(0.3)),
    "weak_drift": lambda f: benign_oscillation.weak_drift(1.2, f(0.3)),
    "Spectrum": lambda f: linear_stability.critical_lr(
        linear_stability.GaussNewton(FACTORS), 2, momentum=f(0.9), full_output=True)[1].eigenvalue,
    "StabilityReport": lambda f: linear_stability.stability_report(
        linear_stability.GaussNewton(FACTORS), f(0.1), 2, momentum=f(0.3)).sharpness_limit,
}


@pytest.mark.parametrize("name", SINGLE)
def test_numbers_in_single_precision_are_answered_in_double(name):
    """As for the same numbers in double; arithmetic in single precision, 6e-8 off, is caught."""
    found, right = (
        np.asarray(SINGLE[name](make)) for make in (np.float32, lambda value: np.float32(value).astype(float)))
    assert found.dtype == np.float64 and (found == right).all()
    assert (np.float32(right) != right).all()


@pytest.mark.parametrize("call, right", [
    (lambda: learning_order.decoupling_error([1e-110], [1.0], 1.0), (1e-165) / (3 * np.sqrt(2 * np.pi))**0.5),
    (lambda: learning_order.decoupling_error([1e200], [1.0], 1.0), 1e200 / 2**0.5),
    (lambda: learning_order.linear_error(0.0, 1e308, 10**10), 0.5),
    (lambda: edge_of_stability.final_kernel(0.0, 1e-170, 1e-170, 1), 1e-170),
    (lambda: edge_of_stability.stabilised_amplitude([0, -1e-300], [0, 1e300], [1.0, 0]), 2**0.5 * 1e-300),
    (lambda: convex_annealing.crossover_lr(np.diag([1e308, 1.5e308])), 8e-309),
    (lambda: linear_stability.gradient_ratio([[1e-200], [2e-200]], [1e-310, 1e-310]), 1.25e-90),
    (lambda: benign_oscillation.feature_map([1e200, 0.0, 0.0, 0.0], 1.0, 0.5)[2:], 0.0),    # 0 times infinity
    (lambda: convex_annealing.gradient_flow(np.diag([1e10, 1.0]), [1.0, 1.0], 1e300), 0.0),
], ids=str)
def test_units_decide_nothing(call, right):
    """Squares, cubes and quotients that left the floats gave 0, infinity or NaN where the answer is one."""
    np.testing.assert_allclose(call(), right, rtol=1e-12)


def test_a_loss_that_falls_on_the_level_has_reached_it():
    """½·4^−k after k steps at η = ½ and 16^−k at η = ¾; logarithms found 4 for 3."""
    for lr, base in ((0.5, 4), (0.75, 16), (1.5, 4)):
        steps = [convex_annealing.steps_to_loss([[1.0]], [1.0], lr, 0.5 / base**k) for k in (1, 2, 3, 5, 10, 40, 100)]
        assert steps == [1, 2, 3, 5, 10, 40, 100]
        assert convex_annealing.steps_to_loss([[1.0]], [1.0], lr, np.nextafter(0.5 / base**3, 0)) == 4


@pytest.mark.parametrize("n", [2, 3, 8, 9, 61])
def test_mean_benefit_in_whole_numbers(n):
    """And at a million examples its law for large n; a sum over all of them would take hours."""
    counts, count = [], 1
    for c in range(1, n):
        count = count * (n - c + 1) // c
        counts.append(count)
    exact = sum(count * Fraction(min(c, n - c), max(c, n - c)) for c, count in enumerate(counts, 1)) / (2**n - 2)
    assert abs(convex_annealing.mean_benefit(n) / exact - 1) < 1e-14
    assert abs(convex_annealing.mean_benefit(10**6) - 1 + (8 / np.pi / 1e6)**0.5) < 2e-6


def test_derivatives_that_write_into_their_argument_change_nothing():
    def third(v):
        v *= 0
        return v

    assert edge_of_stability.oscillation_coefficient(np.diag([2.0, 1.0]), third, lambda v: v[0]**4) == -1.0


@pytest.mark.parametrize("size", [2, 70])
def test_operators_that_are_not_symmetric_are_refused(size):
    """Two dimensions were made symmetric, seventy taken as they were."""
    matrix = np.diag(np.linspace(1, 2, size))
    matrix[0, -1] = 0.5
    with pytest.raises(ValueError, match="symmetric"):
        edge_of_stability.oscillation_coefficient(aslinearoperator(matrix), lambda v: 0 * v, lambda v: 1.0)


@pytest.mark.parametrize("value", [
    [[1.0, np.ma.masked_equal([1.0], 1.0)]], [[np.ma.masked_equal([1.0], 1.0)], [[2.0]]]])
def test_masks_are_found_at_any_depth(value):
    with pytest.raises(ValueError, match="x must hold a number in every place, got a masked array"):
        _checks.array(value, "x")
