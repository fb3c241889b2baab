"""The derived scalars again, by brute force: all batches enumerated, tensor products, roots by bisection.

Nothing of `theory` is used; formulas of the oscillation study are written out
from the source's own algebra.
"""

import math

import numpy as np
from scipy.optimize import brentq

from tests.support import all_batches, step_matrices
from tests.testing._plain import plain


def dense(array):
    """Hessians (n, d, d) of factors (n, d), or the Hessians themselves."""
    return array[:, :, None] * array[:, None, :] if array.ndim == 2 else array


def on_range(hessians):
    """The same Hessians on the range of their mean."""
    values, vectors = np.linalg.eigh(hessians.mean(axis=0))
    basis = vectors[:, values > 1e-10 * values[-1]]
    return basis.T @ hessians @ basis


def top(matrix):
    return np.linalg.eigvalsh(matrix)[-1]


def spread(hessians):
    """√λmax(mean(H²) − mean(H)²)."""
    mean = hessians.mean(axis=0)
    return math.sqrt(max(top((hessians @ hessians).mean(axis=0) - mean @ mean), 0.0))


def second_moment_operator(hessians, lr, batch_size, replacement):
    """E[(I − ηH_B) ⊗ (I − ηH_B)] over every batch."""
    steps = step_matrices(hessians, lr, batch_size, replacement)
    return np.mean([np.kron(step, step) for step in steps], axis=0)


def momentum_rate(hessians, lr, batch_size, replacement, momentum, nesterov, dampening, weight_decay):
    """Spectral radius of E[M ⊗ M] for the step M of (x, v) on every batch."""
    size = hessians.shape[1]
    slopes = hessians[all_batches(len(hessians), batch_size, replacement)].mean(axis=1) + weight_decay * np.eye(size)
    total = 0.0
    for slope in slopes:
        velocity = np.hstack([(1 - dampening) * slope, momentum * np.eye(size)])
        along = momentum * velocity + np.hstack([slope, 0 * slope]) if nesterov else velocity
        step = np.vstack([np.hstack([np.eye(size), 0 * slope]) - lr * along, velocity])
        total = total + np.kron(step, step) / len(slopes)
    return np.abs(np.linalg.eigvals(total)).max()


def stability(name):
    """Wu, Ma and E, for the argument `name` (factors or hessians)."""
    def sharpness(**given):
        return top(dense(given[name]).mean(axis=0))

    def non_uniformity(**given):
        return spread(dense(given[name]))

    def lambda_max(lr, batch_size, replacement, **given):
        steps = step_matrices(dense(given[name]), lr, batch_size, replacement)
        return top((steps @ steps).mean(axis=0))

    def mean_square_rate(lr, batch_size, replacement, momentum=0.0, nesterov=False, dampening=0.0, weight_decay=0.0,
                         **given):
        hessians = on_range(dense(given[name]))
        if momentum or dampening or weight_decay:
            return momentum_rate(hessians, lr, batch_size, replacement, momentum, nesterov, dampening, weight_decay)
        return np.abs(np.linalg.eigvals(second_moment_operator(hessians, lr, batch_size, replacement))).max()

    def critical_lr(batch_size, replacement, momentum=0.0, nesterov=False, dampening=0.0, weight_decay=0.0, **given):
        """From E[S ⊗ S] = I − 2ηC + η²D at two rates: C and D, then 2/λmax(C⁻¹D); with momentum by bisection."""
        hessians = on_range(dense(given[name]))
        if momentum or dampening or weight_decay:
            largest = 4 * (1 + momentum) / (1 - dampening) / (top(hessians.mean(axis=0)) + weight_decay)
            return brentq(lambda lr: momentum_rate(hessians, lr, batch_size, replacement, momentum, nesterov, dampening,
                                                   weight_decay) - 1, largest / 400, largest, xtol=1e-14, rtol=1e-13)
        eye = np.eye(hessians.shape[1] ** 2)
        plus, minus = (second_moment_operator(hessians, sign, batch_size, replacement) - eye for sign in (1.0, -1.0))
        return 2 / np.linalg.eigvals(np.linalg.solve((minus - plus) / 4, (plus + minus) / 2)).real.max()

    return {"sharpness": sharpness, "non_uniformity": non_uniformity, "lambda_max": lambda_max,
            "mean_square_rate": mean_square_rate, "critical_lr": critical_lr}


def exponent(curvatures, lr, batch_size, replacement):
    means = curvatures[all_batches(len(curvatures), batch_size, replacement)].mean(axis=1)
    return np.log(np.abs(1 - lr * means)).mean()


def almost_sure_lr(curvatures, batch_size):
    """The first sign change of the exponent on a fine grid, refined."""
    means = curvatures[all_batches(len(curvatures), batch_size)].mean(axis=1)
    grid = np.linspace(1e-3, 3 / means.min(), 20_001)
    values = np.log(np.abs(1 - grid[:, None] * means)).mean(axis=1)
    first = np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))[0]
    return brentq(lambda lr: exponent(curvatures, lr, batch_size, False), grid[first], grid[first + 1],
                  xtol=1e-15, rtol=1e-14)


def flow(sharp_loss, flat_loss, target):
    """(time, P/ε) where the flow of the slides' sample, with eigenvalues 4/3 and 2/3, reaches the target."""
    def parts(time):
        return sharp_loss * math.exp(-8 / 3 * time), flat_loss * math.exp(-4 / 3 * time)

    time = brentq(lambda t: sum(parts(t)) - target, 0, 100, xtol=1e-15, rtol=1e-14)
    sharp, flat = parts(time)
    return time, (sharp * 3 / 4 + flat * 3 / 2) / target


def annealed_loss_ratio(sharp_loss, flat_loss, target, lr, large_steps):
    sharp, flat = ((1 - lr * value) ** (2 * large_steps) for value in (4 / 3, 2 / 3))
    return flow(sharp_loss * sharp, flat_loss * flat, target)[1]


def limit_ratios(train_hessian, test_hessian):
    """P/L of a single direction: the flattest is left after a small rate, the sharpest after a large one."""
    values, vectors = np.linalg.eigh(train_hessian)
    return [vectors[:, k] @ test_hessian @ vectors[:, k] / values[k] for k in (0, -1)]


def crossover_lr(x):
    values = np.linalg.eigvalsh(2 * x.T @ x / len(x))
    return brentq(lambda lr: abs(1 - lr * values[0]) - abs(1 - lr * values[-1]), 1 / values[-1], 2 / values[-1],
                  xtol=1e-15, rtol=1e-14)


def reduced_map(f, c):
    return f * (1 + c * (1 - f)) ** 2


def settled(c):
    """The two points that the reduced map ends on."""
    f = 0.3
    for _ in range(20_000):
        f = reduced_map(f, c)
    return sorted((f, reduced_map(f, c)))


def weak_growth_rate(c, kappa):
    """Mean of log(1 + κc(1 − f))² over the orbit, per step."""
    return np.mean([2 * math.log(1 + kappa * c * (1 - f)) for f in settled(c)])


def weak_limit(c, kappa):
    plateau = (c - 1) / (c - kappa * c)
    return plateau * (1 + kappa * (1 - kappa) / 4)


def weak_half_time(c, kappa, alpha0, beta0):
    """Logistic growth to the plateau, from where the strong feature has been learned."""
    start = math.log(1 / alpha0) / (2 * math.log(1 + c))
    beta = beta0 * (1 + kappa * c) ** (2 * start)
    return start + math.log((c - 1) / (c - kappa * c) / beta - 1) / (kappa * (1 - kappa) * (c - 1))


def small_rate_limit(alpha0, beta0, kappa):
    """β with α + β = 1 and β/β₀ = (α/α₀)^κ."""
    return brentq(lambda beta: math.log(beta / beta0) - kappa * math.log((1 - beta) / alpha0), 1e-12, 0.5,
                  xtol=1e-18, rtol=1e-14)


def mlp(widths, activation, loss_kind):
    model = plain("MLP", {"widths": widths, "activation": activation, "loss_kind": loss_kind})

    def hessians(w, x, y):
        basis = np.eye(len(w)).tolist()
        w, x, y = w.tolist(), x.tolist(), y.tolist()
        return np.array([[model.hvp(w, [x[i]], [y[i]], v) for v in basis] for i in range(len(x))])

    return {"sharpness": lambda w, x, y: top(hessians(w, x, y).mean(axis=0)),
            "non_uniformity": lambda w, x, y: spread(hessians(w, x, y))}


def stationary_std(lr, weight_decay, noise_std):
    """The variance's own recursion, until it stands still."""
    variance = 0.0
    for _ in range(5000):
        variance = (1 - lr * weight_decay) ** 2 * variance + (lr * noise_std) ** 2
    return math.sqrt(variance)


def lag_kernel(rho, r):
    """Σ c_i c_j ⟨x_i, x_j⟩ P(both active), by Sheppard's formula for the quadrant."""
    points, weights = np.array([[1, -r], [1, 0], [1, r]]), (1, -2, 1)
    total = 0.0
    for a, c in zip(points, weights):
        for b, e in zip(points, weights):
            cosine = a @ b / math.sqrt(a @ a * (b @ b))
            total += c * e * (a @ b) * (1 / 4 + math.asin(rho * cosine) / (2 * math.pi))
    return total


def catapult(f, kernel, lr, width):
    """f and κ after a step of the whole net, from weights in two dimensions of u ± v."""
    plus, minus = (math.sqrt(width * (kernel + sign * 2 * f / math.sqrt(width))) for sign in (1, -1))
    u, v = np.array([plus, minus]) / 2, np.array([plus, -minus]) / 2
    step = lr * f / math.sqrt(width)
    u, v = u - step * v, v - step * u
    return u @ v / math.sqrt(width), (u @ u + v @ v) / width


def landed(f, kernel, lr, width):
    for _ in range(2000):
        f, kernel = catapult(f, kernel, lr, width)
        if abs(f) < 1e-14:
            break
    return kernel


def degree_four(hessian, third, fourth, w):
    """The loss of degree four by loops over its entries."""
    total, d = 0.0, range(len(w))
    for i in d:
        for j in d:
            total += hessian[i, j] * w[i] * w[j] / 2
            for k in d:
                total += third[i, j, k] * w[i] * w[j] * w[k] / 6
                total += sum(fourth[i, j, k, m] * w[m] for m in d) * w[i] * w[j] * w[k] / 24
    return total


def oscillation(hessian, third, fourth):
    """3 bᵀH⁻¹b − F[v, v, v, v] by loops, and the top eigenvalue."""
    values, vectors = np.linalg.eigh(hessian)
    v = vectors[:, -1]
    bend = np.array([sum(third[i, j, k] * v[j] * v[k] for j in range(len(v)) for k in range(len(v)))
                     for i in range(len(v))])
    along = degree_four(0 * hessian, 0 * third, fourth, v) * 24
    return 3 * bend @ np.linalg.solve(hessian, bend) - along, values[-1]


def differences(hessian, third, fourth, w):
    """Gradient of a polynomial of degree four by differences that are exact for it."""
    def at(t, unit):
        return degree_four(hessian, third, fourth, w + t * unit)
    return np.array([(8 * (at(1, unit) - at(-1, unit)) - (at(2, unit) - at(-2, unit))) / 12 for unit in np.eye(len(w))])


SCALARS = {
    "LinearNet": {
        "catapult_step": catapult, "final_kernel": landed,
        "flow_kernel": lambda f, kernel, width: math.sqrt(kernel**2 - 4 * f * f / width),
        "oscillation_coefficient": lambda **given: oscillation(**given)[0],
        "oscillation_amplitude": lambda lr, **given: math.sqrt(
            6 * (oscillation(**given)[1] - 2 / lr) / oscillation(**given)[0]),
        "degree_four_loss": degree_four, "degree_four_gradient": differences},
    "LinearRegression": stability("factors"),
    "Quadratic": stability("hessians"),
    "TwoMinima": {"lyapunov_exponent": exponent, "almost_sure_lr": almost_sure_lr},
    "LeastSquares": {"flow_loss_ratio": lambda **given: flow(**given)[1],
                     "flow_stop_time": lambda **given: flow(**given)[0],
                     "annealed_loss_ratio": annealed_loss_ratio, "limit_ratios": limit_ratios,
                     "crossover_lr": crossover_lr},
    "TwoLayerCNN": {
        "reduced_map": reduced_map, "period_two_orbit": settled, "mean_residual": lambda c: 1 - np.mean(settled(c)),
        "weak_growth_rate": weak_growth_rate, "weak_limit": weak_limit, "weak_half_time": weak_half_time,
        "small_rate_limit": small_rate_limit,
        "effective_rate": lambda lr, strong_norm, width: 4 * lr * strong_norm**2 / width},
    "MLP": mlp,
    "TwoLayerReLU": {
        "stationary_std": stationary_std, "lag_kernel": lag_kernel,
        "noise_std": lambda lr, weight_decay, stationary_std: brentq(
            lambda tau: SCALARS["TwoLayerReLU"]["stationary_std"](lr, weight_decay, tau) - stationary_std, 1e-3, 1e3,
            xtol=1e-14, rtol=1e-14),
        "noise_autocorrelation": lambda lr, weight_decay, lag: math.prod([1 - lr * weight_decay] * lag)},
}
