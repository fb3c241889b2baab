"""What the type, the precision or the units of numbers must not change, each beside the wrong answer that it had."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from refimpl import (benign_oscillation as benign_runs, convex_annealing as annealing_runs, curvature,
                     edge_of_stability as edge_runs, images as image_runs, learning_order as learning_order_runs,
                     linear_stability as simulated, network, sgd)
from tests.support import refusals
from theory import benign_oscillation, convex_annealing, edge_of_stability, images, learning_order, linear_stability

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
    "accuracy_without_weak": lambda f: benign_oscillation.accuracy_without_weak(f(0.1)),
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
])
def test_units_decide_nothing(call, right):
    """Squares, cubes and quotients that left the floats gave 0, infinity or NaN where the answer is one."""
    np.testing.assert_allclose(call(), right, rtol=1e-12)


def test_a_loss_that_falls_on_the_level_has_reached_it():
    """½·4^−k after k steps at η = ½ and 16^−k at η = ¾; logarithms found 4 for 3."""
    for lr, base in ((0.5, 4), (0.75, 16), (1.5, 4)):
        steps = [convex_annealing.steps_to_loss([[1.0]], [1.0], lr, 0.5 / base**k) for k in (1, 2, 3, 5, 10, 40, 100)]
        assert steps == [1, 2, 3, 5, 10, 40, 100]
        assert convex_annealing.steps_to_loss([[1.0]], [1.0], lr, np.nextafter(0.5 / base**3, 0)) == 4


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


class TestWhatARunIsGiven:
    X, W0 = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), np.ones((3, 2))

    @pytest.mark.parametrize("model, x", [
        (simulated.LinearRegression(2), X[:, None]), (simulated.Quadratic(2), (X[:, :, None] * X[:, None])[:, None]),
        (network.MLP((2, 1)), X[:, None])], ids=lambda value: type(value).__name__)
    def test_examples_of_one_more_axis_are_refused(self, model, x):
        """Three replicas and three examples (n, 1, d): each replica was trained on an example of its own."""
        with pytest.raises(ValueError, match="x must have the examples on its first axis and no other"):
            sgd.run(model, np.ones((3, *model.parameter_shape)), x, np.ones((3, 1)) if type(model) is network.MLP
                    else None, lr=0.1, steps=1)

    def test_what_watches_a_run_does_not_change_it(self):
        def spoil(w, *_):
            w *= 0
            return w[..., 0] if w.ndim > 1 else w

        run = {"model": simulated.LinearRegression(2), "w0": self.W0, "x": self.X, "lr": 0.1, "steps": 3}
        assert (sgd.run(**run, observe={"w": spoil}).w == sgd.run(**run).w).all()
        net = image_runs.ConvNet(channels=1, height=4, width=4, classes=2, size=2, filters=2)
        x, y = np.ones((4, 1, 4, 4)), np.array([0, 1, 1, 1])
        seen = image_runs.train(net, net.init(0), x, y, lr=0.1, epochs=2, batch_size=2, record_every=1, rng=0,
                            observe={"w": lambda w: w}).observed["w"]
        assert (seen[0] == net.init(0)).all() and (seen[0] != seen[-1]).any()   # all three were the last

    @pytest.mark.parametrize("changed, message", [
        ({"model": None}, "model must have parameter_shape, got NoneType"),
        ({"observe": {"a": 3}}, "observe must be a dict of functions"),
        ({"callback": 3}, "callback must be a function"),
        ({"lr": lambda step: np.full(5, 0.1)}, r"lr\(0\) must return one number or an array that broadcasts"),
        ({"indices": [[0], [1, 2], [[3]]]}, "indices")])
    def test_refused_by_name(self, changed, message):
        with pytest.raises(ValueError, match=message):
            sgd.run(**{"model": simulated.LinearRegression(2), "w0": [1.0, 1.0], "x": self.X, "lr": 0.1, "steps": 3,
                       **changed})

    def test_half_precision_is_computed_in_double(self):
        w, model = np.float16([0.1, 0.7]), simulated.LinearRegression(2)
        found = model.gradient(w, self.X.astype(np.float16), np.ones(3, np.float16))
        assert found.dtype == np.float64 and (found == model.gradient(w.astype(float), self.X, np.ones(3))).all()

    def test_exact_numbers_become_floats_where_a_net_has_none(self):
        """tanh of a Fraction ended in NumPy's own error."""
        net, w = network.MLP((2, 2, 1)), np.linspace(0.1, 0.9, 9)
        exact = [np.array([Fraction(entry) for entry in part.ravel()], object).reshape(part.shape)
                 for part in (w, self.X, np.ones(3))]
        assert (net.gradient(*exact) == net.gradient(w, self.X, np.ones(3))).all()

    def test_single_precision_of_the_decay_does_not_reach_the_steps(self):
        """ηλ in single precision moved the end of a run by a step."""
        model = learning_order_runs.TwoLayerReLU(6, 8, 8)
        data = learning_order_runs.sample(learning_order_runs.Distribution(6), 12, rng=0)
        single = np.float32(0.003)
        one, other = (learning_order_runs.train_small(
            model, data, lr=0.1, target=0.3, weight_decay=decay, noise_std=0.5, max_steps=40, rng=0).observed["loss"]
            for decay in (single, float(single)))
        assert (one == other).all()


test_simulations_refuse_by_name = refusals([
    (lambda: benign_runs.sample(2, size=3), "size must be a tuple of whole numbers, got '3'"),
    (lambda: annealing_runs.draw_samples(5, size="a"), "size must be a tuple"),
    (lambda: edge_runs.random_loss(2, size=(1.5,)), "size must be a whole number"),
    (lambda: benign_runs.train(benign_runs.TwoLayerCNN(2, 1), None, np.ones((2, 1, 2)), lr=1.0, steps=1),
     "data must have"),
    (lambda: learning_order_runs.sample(None, 3), "distribution must have dim, p0, q0, got NoneType"),
    (lambda: learning_order_runs.logistic_loss(np.ma.masked_equal([1.0], 1)), "margin must hold a number"),
    (lambda: image_runs.draw_problem(10, patch_scale=-1.0), "patch_scale must be non-negative"),
    (lambda: network.teacher_set(flipped="a"), "flipped must hold real numbers"),
    (lambda: network.MLP((2, 1)).accuracy(np.ones(3), np.eye(2), np.ma.masked_equal([1.0, -1.0], -1)), "y must hold a"),
    (lambda: curvature.trace(curvature.Operator(2, lambda v: v), probes="a"), "probes must be a whole number"),
    (lambda: curvature.sharpness(curvature.Operator(2, lambda v: v), rng=-1), "rng must be None"),
    (lambda: curvature.sharpness(curvature.Operator(2, lambda v: v), curvature="fisher"), "curvature must be one of"),
    (lambda: curvature.sharpness(None, [1.0], [[1.0]]), "source must have hvp, got NoneType"),
    (lambda: curvature.non_uniformity(curvature.Operator(60, lambda v: 2 * v, lambda v: 3 * v), rng=0),
     "square_product must be v -> mean"),     # value 0, residual 6e-8 for a mean H_i² that is less than H²
    (lambda: curvature.spectral_density(curvature.Operator(3, lambda v: v), rng=0).smooth([0.0], 0), "width must be"),
    (lambda: edge_runs.CubicQuartic([[2.0]], [[[3.0]]], [[[[6.0]]]]).loss(np.ones(3)), r"w must have shape \(…, 1\)"),
    (lambda: edge_runs.middle(network.MLP((2, 1)), np.ones(3), np.eye(2), [1.0, np.inf], 0.1), "y must be finite"),
    (lambda: edge_runs.oscillate(edge_runs.random_loss(2, rng=0), [[1.0], [1.0, 2.0]], 1.0, 5), "start must hold"),
    (lambda: annealing_runs.descend(annealing_runs.three_samples(), 0.1, lr=[[0.1], [0.1, 0.2]]), "lr must hold"),
    (lambda: network.descend(None, np.ones((1, 3)), np.eye(2), np.ones(2), lr=0.1, target=0.1), "model must have"),
    (lambda: edge_runs.LinearNet(4).tangent_kernel(np.ones((3, 4))), "w must have shape"),
    (lambda: network.polish(network.MLP((2, 1)), np.ones(3), np.eye(2), np.ones((2, 1))), "y must have shape"),
    (lambda: learning_order_runs.Distribution(5, alpha=(0, np.inf)), "alpha must be finite")])
