"""Bad input: every public function refuses it before work starts, naming argument, value and remedy."""

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import refimpl
from refimpl import linear_stability as simulated, sgd
from tests.support import refusals, refused
import theory
from theory import linear_stability as stability

GOOD = np.array([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.5], [0.5, 1.0]]])
FACTORS = np.array([[1.0, 0.0], [0.5, 1.0]])
ON_HESSIANS = {
    "stability_matrix": lambda h, lr=0.1, size=1: stability.stability_matrix(h, lr, size),
    "lambda_max": lambda h, lr=0.1, size=1: stability.lambda_max(h, lr, size),
    "mean_square_rate": lambda h, lr=0.1, size=1: stability.mean_square_rate(h, lr, size),
    "perron_weight": lambda h, lr=0.1, size=1: stability.perron_weight(h, lr, size),
    "critical_lr": lambda h, lr=0.1, size=1: stability.critical_lr(h, size),
    "necessary_lr": lambda h, lr=0.1, size=1: stability.necessary_lr(h, size),
    "second_moment": lambda h, lr=0.1, size=1: stability.second_moment(h, lr, size, np.eye(2), 1),
    "epoch_mean_square_rate": lambda h, lr=0.1, size=1: stability.epoch_mean_square_rate(h, lr, size),
    "sharpness": lambda h, lr=0.1, size=1: stability.sharpness(h),
    "non_uniformity": lambda h, lr=0.1, size=1: stability.non_uniformity(h),
    "simulate": lambda h, lr=0.1, size=1: simulated.simulate(h, np.ones(2), lr=lr, batch_size=size, steps=1),
}
WITH_LR = set(ON_HESSIANS) - {"critical_lr", "necessary_lr", "sharpness", "non_uniformity"}
WITH_BATCH = set(ON_HESSIANS) - {"sharpness", "non_uniformity"}
BAD_HESSIANS = {
    "asymmetric": ([[[1.0, 0.5], [0.0, 1.0]]], r"hessians\[0\] must be symmetric, got an asymmetry of 0\.5; use"),
    "indefinite": ([[[1.0, 0.0], [0.0, -1.0]]], r"hessians\[0\] must be positive semi-definite, got the eigenvalue -1"),
    "NaN": ([[[np.nan, 0.0], [0.0, 1.0]]], r"hessians must be finite, got NaN or infinity at index \[0, 0, 0\]"),
    "infinite": ([[[1.0, 0.0], [0.0, np.inf]]], "hessians must be finite"),
    "not square": (np.ones((2, 2, 3)), r"hessians must have shape \(n, d, d\), got \(2, 2, 3\)"),
    "no examples": (np.ones((0, 2, 2)), "hessians must have shape .* got \\(0, 2, 2\\)"),
    "one number": (3.0, "hessians must have shape"),
    "text": ("curved", "hessians must hold real numbers"),
    "complex": (GOOD * 1j, "hessians must hold real numbers, got dtype complex128"),
}


@pytest.mark.parametrize("name", ON_HESSIANS)
def test_good_input_passes(name):
    ON_HESSIANS[name](GOOD)
    if name != "simulate":
        ON_HESSIANS[name](stability.GaussNewton(FACTORS))


@pytest.mark.parametrize("fault", BAD_HESSIANS)
@pytest.mark.parametrize("name", ON_HESSIANS)
def test_bad_hessians(name, fault):
    value, message = BAD_HESSIANS[fault]
    refused(message, ON_HESSIANS[name], value)


@pytest.mark.parametrize("name", sorted(set(ON_HESSIANS) - {"simulate"}))
def test_no_curvature_at_all(name):
    for flat in (np.zeros((2, 2, 2)), stability.GaussNewton(np.zeros((3, 2)))):
        refused("hessians must not all be zero", ON_HESSIANS[name], flat)


@pytest.mark.parametrize("lr", [0.0, -0.1, np.nan, np.inf, "fast"])
@pytest.mark.parametrize("name", sorted(WITH_LR))
def test_bad_learning_rates(name, lr):
    refused("lr must", ON_HESSIANS[name], GOOD, lr=lr)


@pytest.mark.parametrize("size", [0, 3, -1, 1.5, True, "2"])
@pytest.mark.parametrize("name", sorted(WITH_BATCH))
def test_bad_batch_sizes(name, size):
    refused(r"batch_size must be a whole number in 1…2 .*got", ON_HESSIANS[name], GOOD, size=size)


test_theory_refuses = refusals([
    (lambda: stability.GaussNewton(np.ones(3)), r"jacobians must have shape \(n, d\) or \(n, k, d\).*got \(3,\)"),
    (lambda: stability.GaussNewton([[np.nan]]), "jacobians must be finite"),
    (lambda: stability.critical_lr(GOOD, 1, "best"), "criterion must be one of 'mean-square'"),
    (lambda: stability.necessary_lr(GOOD, 1, "best"), "condition must be one of 'trace'"),
    (lambda: stability.sampling_factor(0, 1), "n must be at least 1, got 0"),
    (lambda: stability.sampling_factor(3, 4), "batch_size must be a whole number in 1…3"),
    (lambda: stability.lambda_max(GOOD, [0.1, 0.2], 1), r"lr must be one number, got an array of shape \(2,\)"),
    (lambda: stability.second_moment(GOOD, [0.1, 0.2], 1, np.eye(2), 3), r"lr must have shape \(3,\)"),
    (lambda: stability.second_moment(GOOD, 0.1, 1, np.eye(3), 3), r"moment must have shape \(2, 2\)"),
    (lambda: stability.second_moment(GOOD, 0.1, 1, -np.eye(2), 3), "moment.* must be positive semi-definite"),
    (lambda: stability.second_moment(GOOD, 0.1, 1, np.eye(2), -1), "steps must be at least 0"),
    (lambda: stability.sharpness_limit([0.1, -1.0]), "lr must be positive and finite, got -1; give lr > 0"),
    (lambda: stability.mean_square_non_uniformity(21.0, 0.1, 4, 1), "sharpness must be at most 2 / lr = 20, got 21"),
    (lambda: stability.mean_square_non_uniformity(-1.0, 0.1, 4, 1), "sharpness must be non-negative"),
    (lambda: stability.lyapunov_exponent([-1.0], 0.1, 1), "curvatures must be non-negative"),
    (lambda: stability.almost_sure_lr([0.0, 0.0], 1), "curvatures must not all be zero"),
    (lambda: stability.almost_sure_lr(np.ones(60), 30), "more than the 200000 that can be enumerated"),
    (lambda: stability.escape_exponent([0.2, 3.8], 0.7, 1), "escape is certain"),
    (lambda: stability.escape_exponent([0.2, 3.8], 0.1, 1), "escape is impossible"),
    (lambda: stability.exit_time(0.0, 0.7, 5), "distance must lie inside the basin"),
    (lambda: stability.exit_time(-0.5, 0.7, 5), "distance must lie inside the basin"),
    (lambda: stability.exit_time(0.1, 1.0, 5), "lr must be below 1"),
    (lambda: stability.exit_time(0.1, 0.7, 0), "steps must be in 1…50000"),
    (lambda: stability.mean_exit_time(0.1, 0.5), "lr must exceed the almost-sure limit"),
    (lambda: stability.mean_exit_time(0.5, 0.7), "distance must be non-zero and below"),
    (lambda: stability.path_log_loss(GOOD, 0.1, [[0, 1], [0]], [1, 1]), "indices must hold real numbers, got list"),
    (lambda: stability.critical_lr(stability.GaussNewton(FACTORS * 1e160), 1), "outside the range of float64"),
    (lambda: stability.plot_diagram(None, None), "report must have non_uniformity, got NoneType"),
    (lambda: stability.sharpness_limit(1e-309), "lr must give a result below the largest float"),
    (lambda: stability.gradient_ratio([[1e200]], [1.0]), "gradients give a value of"),
    (lambda: stability.lr_bracket(stability.Products(lambda v: v, lambda u: u, 2, 2), 1, rng="a"), "rng must be None"),
    (lambda: stability.stability_report(GOOD, 0.1, 1, rng="a"), "rng must be None"),
    (lambda: simulated.simulate(GOOD, [1, 1], lr=0.1, batch_size=1, steps=1, rng=-1), "rng must be None"),
    (lambda: theory.learning_order.stationary_std([0.1, 0.2, 0.3], [0.1, 0.2], 1.0),
     r"lr must broadcast with weight_decay, noise_std, got shapes \(3,\), \(2,\), \(\); match them"),
    (lambda: theory.learning_order.stationary_std(1e300, 1e-300, 1.0), "lr and weight_decay must have a ratio"),
    (lambda: theory.learning_order.stationary_std(10**400, 0.1, 1.0), "lr must hold real numbers, got int"),
    (lambda: theory.learning_order.mixing_time(0.1, 0.1, [0.1, 0.2]), "remaining must be one number"),
    (lambda: theory.learning_order.mixing_time(1e-200, 1e-200), r"must lie in \(0, 1\), got 0"),
    (lambda: theory.learning_order.effective_samples(10**400, 0.1, 0.1), "n must be in .*got a number of 1329 bits"),
    (lambda: theory.learning_order.arc_cosine_kernel(np.array([0, 1]), 0.5), "degree must be one of 0, 1, got array"),
    (lambda: theory.learning_order.lag_kernel(0.5, 1e160), "r must be at most 1e100"),
    (lambda: theory.learning_order.curvature_bound(1e200, 0.1, 0.1), "v_scale and r must give a result below"),
    (lambda: theory.learning_order.curvature_prediction(1e200, 0.1, 0.1), "v_scale and r must give a result below"),
    (lambda: theory.learning_order.memorising_network(1e-309), "r must give a result below the largest float"),
    (lambda: theory.learning_order.memorising_network(0.5).predict(np.ma.masked_equal([1.0, 0.0], 0)), "x must hold a"),
    (lambda: theory.learning_order.memorising_network(0.5).predict(np.ones(3)), r"x must have shape \(…, 2\)"),
    (lambda: theory.learning_order.odd_part([[1e200]], [1e200]), "weights and output_weights must give a result"),
    (lambda: theory.images.patch_curvature([1e200], [[1.0]], [[1, 2.0]], 1.0), "base, filters and head must give"),
    (lambda: theory.images.noise_covariance([[0.5]], [[[1.0]]], 1.0, "shared"), "active must hold 0 and 1, got 0.5"),
    (lambda: theory.images.mixed_accuracy([0.1, 0.2], [0.1] * 3, 0.5), "clean must broadcast with patch_only"),
    (lambda: theory.edge_of_stability.catapult_step(1e200, 3e200, 1.0, 1), "f, kernel and lr must give"),
    (lambda: theory.convex_annealing.sample_hessian(np.ma.masked_equal([2, 1], 1)), "counts must hold a number"),
    (lambda: theory.convex_annealing.sample_hessian([2**62, 2**62]), "the sum of counts must be in"),
    (lambda: theory.convex_annealing.reversal_target(2 / 3, 1 / 3, 1.3, 10**6), "large_steps must leave"),
    (lambda: theory.convex_annealing.stopping_point(np.eye(2), np.eye(2), [1, 1], 1e-3, lr=1.0).loss_ratio,
     "lr must not reach a train loss of exactly 0"),
    (lambda: theory.benign_oscillation.effective_rate([1.0, 2.0], [1.0, 2.0, 3.0], 2), "lr must broadcast"),
    (lambda: theory.benign_oscillation.small_rate_limit([0.1, 0.2], [0.1] * 3, 0.1), "alpha0 must broadcast")])


benign, annealing, order, pictures = (theory.benign_oscillation, theory.convex_annealing, theory.learning_order,
                                      theory.images)
SIZES = {"inputs": 4, "filters": 4, "blocks": 1, "classes": 2, "share": 1.0}
AT_THE_ENDS = {  # of the range of floats: answered or refused, where there were warnings, infinities or other errors
    "small c": (0.0, lambda: benign.mean_square_residual(5e-324)),
    "small weak c": (0.0, lambda: benign.stable_weak_strength(5e-324, 0.5)),
    "large top": ("top must be a unit", lambda: theory.edge_of_stability.constrained_velocity([1], [1], [1e300])),
    "large lr": ("lr must be below 2", lambda: annealing.stopping_point(np.eye(2), np.eye(2), [1, 1], 0.1, lr=1e308)),
    "far start": ("start must give", lambda: annealing.gradient_flow([[2.0, 1], [1, 2]], [1.7e308, 1.7e308], 1.0)),
    "deep target": (0.75 * 600 * np.log(10), lambda: annealing.flow_stop_time(0.7, 1e300, 1e-300)),
    "far minimum": ("sharp_loss and", lambda: annealing.sgd_stopping_law(1e300, 1e80, 1e-6, 2, lr=1.25)),
    "small share": ("lr and share must", lambda: pictures.critical_patch_scale(1e-3, **SIZES | {"share": 5e-324})),
    "large beta0": ("alpha0 and beta0 must|beta0 must", lambda: benign.weak_half_time(1.3, 0.1, 1e-4, 1.7e308)),
    "small kappa": ("kappa must give", lambda: benign.weak_half_time(1.05, 5e-324, 1e-80, 1e-6)),
    "large alpha": ("mean_square_alpha must", lambda: order.curvature_prediction(
        5.0, 0.1, 3e-3, lr=0.1, mean_alpha=1e200, mean_square_alpha=1.0)),
    "few lags": ("lr times weight_decay", lambda: order.curvature_prediction(5.0, 0.1, 1e-17, lr=1e-300)),
    "no residence": ("r, v_scale, lr", lambda: order.visibility(200, 0.02, 1e-80, 5e-324, 0.025, 1e-80))}


@pytest.mark.parametrize("name", AT_THE_ENDS)
def test_numbers_at_the_ends_of_the_range_are_answered_or_refused(name, recwarn):
    wanted, call = AT_THE_ENDS[name]
    if isinstance(wanted, str):
        with pytest.raises(ValueError, match=f"^({wanted})"):
            call()
    else:
        assert call() == pytest.approx(wanted, rel=1e-14)
    assert not recwarn.list


BEYOND_ADDRESSES = {
    "widths": lambda: refimpl.network.MLP((10**18, 10**18, 1)),
    "n and dim": lambda: refimpl.benign_oscillation.sample(10**12, dim=10**12),
    "dim and width": lambda: refimpl.benign_oscillation.TwoLayerCNN(10**18, 10**18),
    "dim, w_width and v_width": lambda: refimpl.learning_order.TwoLayerReLU(10**18, 10**18, 1),
    "the sizes of the net": lambda: refimpl.images.ConvNet(channels=10**18, filters=10**6),
    "classes, patterns, channels and size": lambda: refimpl.images.draw_patches(size=10**9, classes=10**6)}


@pytest.mark.parametrize("names", BEYOND_ADDRESSES)
def test_arrays_that_no_address_reaches_are_refused(names):
    """NumPy says "array is too big", "maximum allowed dimension exceeded" or that integers overflow."""
    with pytest.raises(ValueError, match=rf"^{names} must leave arrays of at most 2\*\*48 numbers, got one of shape"):
        BEYOND_ADDRESSES[names]()


TOO_LARGE = {
    "lr and strong_norm": lambda: benign.effective_rate(1e300, 1e100, 1),
    "f and c": lambda: benign.reduced_map(0.5, 1e200),
    "c": lambda: benign.interpolation_multiplier(1e308, 0.1, 0.1),
    "start, end and c": lambda: benign.update_balance(0.0, 1e300, 1e-10),
    "noise_square and weak_square": lambda: benign.memorisation_exponent(1e300, 1e-10, 1),
    "hessian and displacement": lambda: annealing.quadratic_loss([[1.0]], [1e160]),
    "train_hessian and start": lambda: annealing.steps_to_loss([[1.0]], [1e160], 0.1, 1.0),
    "train_hessian and test_hessian": lambda: annealing.ratio_bounds([[1e-200]], [[1e200]]),
    "train_hessian": lambda: annealing.crossover_lr([[1e-309, 0.0], [0.0, 2e-309]]),
    "lr": lambda: annealing.mean_square_multipliers([2, 1], 1e200, 1),
    "sharp_loss and flat_loss": lambda: annealing.flow_loss_ratio(1.7e308, 1e308, 1.0),
    "lr and f": lambda: theory.edge_of_stability.final_kernel(1e200, 1e250, 1e200, 1),
    "gradient and third": lambda: theory.edge_of_stability.stabilised_amplitude([0, -1e308], [0, 1e-320], [1.0, 0.0]),
    "scale": lambda: pictures.initial_patch_curvature(1e200, **SIZES),
    "curvature": lambda: pictures.momentum_limit(1e-309), "std and head": lambda: pictures.noise_covariance(
        [[1.0]], [[[1e200, 0.0]]], 1.0, "shared"),
    "noise_std, lr and weight_decay": lambda: order.stationary_std(1e100, 1e-101, 1e300),
    "lr and weight_decay": lambda: order.mixing_time(1e-155, 1e-155)}


@pytest.mark.parametrize("names", TOO_LARGE)
def test_results_beyond_the_largest_float_are_refused(names, recwarn):
    """By the arguments that carry the scale; infinity, or 0 where it divided, was an answer."""
    with pytest.raises(ValueError, match=f"^{names} must give a result below the largest float, got .*; rescale"):
        TOO_LARGE[names]()
    assert not recwarn.list


BY_NAME = {
    "hessians": GOOD, "lr": 0.1, "batch_size": 1, "counts": [2, 1], "r": 0.5, "n": 2, "moment": np.eye(2), "steps": 3,
    "gradients": [[1.0, 0.0], [-1.0, 0.0]], "sharpness": 1.0, "curvatures": [1.0, 3.0], "order": 2.0, "target": 0.1,
    "products": stability.Products(lambda v: v, lambda u: u, 2, 2), "problem": refimpl.convex_annealing.three_samples(),
    "dim": 2, "w_width": 1, "v_width": 1, "images": np.ones((2, 3, 9, 9)), "labels": [0, 1], "x": FACTORS,
    "y": np.ones(2), "patches": refimpl.images.draw_patches(rng=0), "large_lr": 0.1, "small_lr": 0.01,
    "anneal_loss": 0.5, "weight_decay": 0.1, "noise_std": 0.1, "model": simulated.LinearRegression(2), "w0": np.ones(2)}
SETTINGS = {  # of functions whose models and data are their own
    refimpl.benign_oscillation: {"model": refimpl.benign_oscillation.TwoLayerCNN(2, 1), "w0": np.ones((2, 1, 2)),
                                 "data": refimpl.benign_oscillation.two_patches([1.0, 0.0], [0.0, 0.1])},
    refimpl.learning_order: {"model": refimpl.learning_order.TwoLayerReLU(2, 1, 1),
                             "data": refimpl.learning_order.q_population(refimpl.learning_order.Distribution(2))},
    refimpl.network: {"w0": np.ones((1, 2))}}
FLAGS = [(module, name, flag.name)
         for package in (theory, refimpl) for module in (getattr(package, study) for study in package.__all__)
         if module not in (theory.claims, refimpl.testing)
         for name in module.__all__ if callable(getattr(module, name)) and not name.isupper()
         for flag in inspect.signature(getattr(module, name)).parameters.values() if isinstance(flag.default, bool)]


@pytest.mark.parametrize(("module", "name", "flag"), FLAGS, ids=[f"{name}-{flag}" for _, name, flag in FLAGS])
def test_a_flag_is_true_or_false(module, name, flag):
    """Text, arrays and other numbers would be true, whatever they say: refused by every public function."""
    function = getattr(module, name)
    given = {part.name: (BY_NAME | SETTINGS.get(module, {}))[part.name]
             for part in inspect.signature(function).parameters.values()
             if part.default is part.empty and part.kind is not part.VAR_KEYWORD}
    for wrong in ("no", np.array([True, False]), 2):
        with pytest.raises(ValueError, match=f"{flag} must be one of True, False, got"):
            function(**given, **{flag: wrong})


def run(**changes):
    given = {"model": simulated.LinearRegression(2), "w0": np.ones((4, 2)), "x": FACTORS, "lr": 0.1, "steps": 3,
             "batch_size": 1}
    return sgd.run(**(given | changes))


@pytest.mark.parametrize(("changes", "message"), [
    ({"w0": np.ones((4, 3))}, r"w0 must have shape \(\*S, 2\)"),
    ({"w0": np.full((4, 2), np.nan)}, "w0 must be finite"),
    ({"x": np.ones((0, 2))}, "x must have shape"),
    ({"y": np.ones(3)}, "y must have one label for each of the examples"),
    ({"x": np.ones((3, 2, 2)), "stacked_data": True}, r"x must have shape \(4,\) \+ \(n, …\)"),
    ({"lr": -0.1}, "lr must be positive"),
    ({"lr": np.full(2, 0.1)}, r"lr must be one number, or have shape \(3,\), \(1, 4\) or \(3, 4\), got \(2,\)"),
    ({"lr": lambda step: -1.0}, r"lr\(0\) must be non-negative"),
    ({"lr": 0.0}, "lr must be positive and finite, got 0"),
    ({"steps": -1}, "steps must be at least 0"),
    ({"steps": 2.5}, "steps must be a whole number"),
    ({"batch_size": 3}, "batch_size must be a whole number in 1…2"),
    ({"sampling": "sometimes"}, "sampling must be one of"),
    ({"momentum": 1.0}, r"momentum must be one number above −1 and below 1, got 1\.0"),
    ({"momentum": -1.0}, "momentum must be one number above −1"),
    ({"momentum": np.nan}, "momentum must be finite"),
    ({"momentum": 0.5, "dampening": 1.0}, "dampening must be below 1, got 1"),
    ({"momentum": 0.5, "dampening": -0.1}, "dampening must be non-negative"),
    ({"momentum": 0.5, "dampening": 0.1, "nesterov": True}, "nesterov needs a momentum other than 0 and no dampening"),
    ({"nesterov": True}, "nesterov needs a momentum other than 0"),
    ({"velocity": np.zeros((4, 2))}, "velocity needs a momentum other than 0"),
    ({"momentum": 0.5, "velocity": np.zeros((3, 2))}, r"velocity must have shape \(4, 2\)"),
    ({"batch_size": None, "indices": [[0], [0, 1]]}, "indices must hold one batch per step, 3, got 2"),
    ({"batch_size": None, "indices": [[0], [0, 1], []]}, "indices must be an integer array"),
    ({"batch_size": None, "indices": [[0], [0, 1], [2]]}, "indices must lie in 0…1, got 2…2"),
    ({"batch_size": 1, "indices": [[0], [0, 1], [1]]}, "batch_size must be None where .* 1 to 2 examples, got 1"),
    ({"batch_size": None, "indices": np.ma.zeros((3, 1), int)}, "indices must hold a number in every place"),
    ({"batch_size": None, "indices": np.zeros((3, 1))}, "indices must be an integer array"),
    ({"batch_size": None, "indices": np.full((3, 1), 2)}, r"indices must lie in 0…1, got 2…2"),
    ({"batch_size": None, "indices": np.full((3, 1), -1)}, r"indices must lie in 0…1, got -1…-1"),
    ({"batch_size": None, "indices": np.zeros((2, 1), int)}, r"indices must have shape \(3, 1\)"),
    ({"batch_size": 2, "indices": np.zeros((3, 1), int)}, "batch_size must be the last axis of indices"),
    ({"noise_std": -1.0}, "noise_std must be non-negative"),
    ({"noise": np.zeros((3, 3))}, r"noise must have shape \(3, 2\)"),
    ({"noise": np.zeros((3, 2)), "noise_std": 1.0}, "noise and noise_std cannot both be given"),
    ({"weight_decay": -0.1}, "weight_decay must be non-negative"),
    ({"record_every": 0}, "record_every must be at least 1"),
    ({"divergence_limit": 0.0}, "divergence_limit must be positive"),
    ({"chunk_size": 0}, "chunk_size must be at least 1"),
    ({"workers": 0}, "workers must be"),
    ({"callback": print, "workers": 2}, "callback needs workers=1"),
])
def test_run_refuses(changes, message):
    refused(message, run, **changes)


def modules():
    """Every module of the two packages."""
    for package in (refimpl, theory):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield info.name


@pytest.mark.parametrize("name", list(modules()))
def test_examples_in_docstrings_run(name):
    module = importlib.import_module(name)
    known = {}  # an example of a public name, which says that it is from the package, may use what its own file knows
    for file in getattr(module, "__path__", ()) and pkgutil.iter_modules(module.__path__, f"{name}._"[:-1]):
        known |= {key: value for key, value in vars(importlib.import_module(file.name)).items() if key[:2] != "__"}
    with np.printoptions(legacy=False):
        assert doctest.testmod(module, extraglobs=known).failed == 0


MASKED = np.ma.masked_array([[1.0, 0.0], [99.0, 1.0]], mask=[[False, False], [True, False]])
WITH_A_MASK = {
    "array": lambda: stability.GaussNewton(MASKED),
    "rows": lambda: stability.GaussNewton(list(MASKED)),
    "learning rate": lambda: stability.sharpness_limit(np.ma.masked_array([0.1, 0.2], mask=[True, False])),
    "batches": lambda: stability.path_log_loss(np.ones((2, 1, 1)), 0.1, np.ma.masked_equal([[0], [1]], 1), [1.0]),
    "start": lambda: sgd.run(simulated.LinearRegression(2), MASKED, FACTORS, lr=0.1, steps=1),
    "examples": lambda: sgd.run(simulated.LinearRegression(2), np.ones(2), MASKED, lr=0.1, steps=1),
}


@pytest.mark.parametrize("name", WITH_A_MASK)
def test_masked_arrays_are_refused(name):
    """`numpy.asarray` drops a mask: the 99 that it hides here would be computed with."""
    assert np.asarray(MASKED)[1, 0] == 99.0
    refused("must hold a number in every place, got a masked array; fill it", WITH_A_MASK[name])
