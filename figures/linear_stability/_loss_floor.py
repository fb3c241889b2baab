"""The floor of the loss at a minimum that does not interpolate, against the learning rate."""

from math import ceil, sqrt

import numpy as np

from figures._figure import Figure, close, frozen
from figures._style import SHADES, key, null, panels, simulation, theory
from figures.linear_stability._runs import SIGMAS, SIX
from refimpl import linear_stability as simulated, sgd
from theory import linear_stability as predicted

# Independent runs per point.
Sizes = frozen("replicas")
SIZES = {"quick": Sizes(500), "standard": Sizes(2000), "full": Sizes(10_000)}
X = np.array([[1.0, 0.2, 0.1], [0.3, 1.4, -0.2], [-0.8, 0.6, 0.5], [0.5, -1.2, 0.3], [1.6, 0.7, -0.6], [0.2, 0.3, 1.1],
              [-0.4, 0.9, -1.3], [0.9, -0.5, 0.8]])
Y = np.array([1.0, -0.5, 0.3, 0.8, -1.2, 0.4, 0.9, -0.7])
BATCH, MOMENTA, SHARES, SETTLED = 2, (0.0, 0.9), (0.05, 0.1, 0.2, 0.3, 0.4, 0.5), 12.0
BEST = np.linalg.lstsq(X, Y)[0]
GRADIENTS = (X @ BEST - Y)[:, None] * X  # (n, d), mean zero
ENSEMBLE = predicted.GaussNewton(X)


def additive_floor(lr, momentum):
    """The floor with the noise that the gradients have at the minimum and none of the Hessians'."""
    values, vectors = np.linalg.eigh(X.T @ X / len(X))
    noise = predicted.sampling_factor(len(X), BATCH) * np.diag(vectors.T @ GRADIENTS.T @ GRADIENTS @ vectors) / len(X)
    inverse = (1 - momentum) ** 2 * (2 * (1 + momentum) * values / lr - values**2) / (1 - momentum**2)
    return float(values @ (noise / inverse) / 2)


def simulate(effort, rng):
    numbers = {"shares": np.array(SHARES)}
    for k, momentum in enumerate(MOMENTA):
        star = predicted.critical_lr(ENSEMBLE, BATCH, momentum=momentum)
        rates = star * np.array(SHARES)
        fine = star * np.linspace(0.02, 0.9, 60)
        numbers |= {f"star_{k}": star, f"fine_{k}": fine / star,
                    f"floor_{k}": np.array([_floor(lr, momentum) for lr in fine]),
                    f"additive_{k}": np.array([additive_floor(lr, momentum) for lr in fine]),
                    f"predicted_{k}": np.array([_floor(lr, momentum) for lr in rates]),
                    f"null_{k}": np.array([additive_floor(lr, momentum) for lr in rates]),
                    f"measured_{k}": np.array([_simulated_floor(lr, momentum, SIZES[effort].replicas, rng)
                                               for lr in rates])}
    return numbers


def _floor(lr, momentum):
    return predicted.loss_floor(ENSEMBLE, GRADIENTS, lr, BATCH, momentum=momentum)


def _excess(w, x, y):
    """Loss above its minimum, ½ ⟨w − w*, H (w − w*)⟩ without cancellation."""
    return (((w - BEST) @ X.T) ** 2).mean(axis=-1) / 2


def _simulated_floor(lr, momentum, replicas, rng):
    """Mean excess of the loss and its standard error from the scatter of runs, once their start counts e^−12."""
    settle = ceil(-SETTLED / np.log(predicted.mean_square_rate(ENSEMBLE, lr, BATCH, momentum=momentum)))
    run = sgd.run(simulated.LinearRegression(3), np.tile(BEST, (replicas, 1)), X, Y, lr=lr, batch_size=BATCH,
                  steps=2 * settle, momentum=momentum, rng=rng, observe={"excess": _excess},
                  record_every=max(1, settle // 20))
    means = run.observed["excess"][21:].mean(axis=0)
    return means.mean(), means.std() / sqrt(replicas)


def judge(numbers):
    rows = []
    for k, momentum in enumerate(MOMENTA):
        for share, floor, null, (measured, error) in zip(SHARES, *(numbers[f"{name}_{k}"] for name in
                                                                   ("predicted", "null", "measured"))):
            claim = "LZU21.minibatch" if momentum else "MM24.covariance"
            rows.append(close(claim, f"excess loss at μ = {momentum:g}, η = {share:g} η*", floor, measured,
                              SIGMAS * error, null=(null, "noise that does not depend on place"), note=SIX))
    for k, momentum in enumerate(MOMENTA):
        small = numbers[f"additive_{k}"][0] / numbers[f"floor_{k}"][0]
        large = numbers[f"additive_{k}"][-1] / numbers[f"floor_{k}"][-1]
        rows.append(close("LZU21.covariance", f"floor of additive noise over the exact, .02 η*, μ = {momentum:g}", 1,
                          small, 0.05, null=(large, "at .9 η*"), kind="algebra"))
    return tuple(rows)


def draw(numbers):
    figure, axes = panels(1, 2, width=4.2, height=3.5)
    for k, momentum in enumerate(MOMENTA):
        floor = numbers[f"floor_{k}"]
        measured, error = numbers[f"measured_{k}"].T
        axes[0].semilogy(numbers[f"fine_{k}"], floor, label=f"exact, $\\mu={momentum:g}$", **theory(k))
        axes[0].semilogy(numbers[f"fine_{k}"], numbers[f"additive_{k}"], **null(color=SHADES[k]),
                         label="null: without noise of Hessians" if k else None)
        axes[0].errorbar(numbers["shares"], measured, yerr=error, capsize=2, **simulation(k))
        axes[1].plot(numbers[f"fine_{k}"], numbers[f"additive_{k}"] / floor, **null(color=SHADES[k]))
        law = numbers[f"predicted_{k}"]
        axes[1].errorbar(numbers["shares"], measured / law, yerr=error / law, capsize=2, **simulation(k))
    axes[1].axhline(1, **theory(0))
    axes[0].set(xlabel="$\\eta/\\eta^*$", ylabel="excess of the loss", title=f"$n={len(X)}$, $d=3$, $B={BATCH}$")
    key(axes[0], loc="lower right")
    axes[1].set(xlabel="$\\eta/\\eta^*$", ylabel="over the exact floor", ylim=(0, 1.3),
                title="the same, over the prediction")
    return figure


FIGURE = Figure(
    "loss-floor", "Where the loss settles at a minimum that does not interpolate",
    "Least squares with labels that cannot be fitted; η* is the exact limit with that momentum. (a) Mean excess of the "
    "loss over its minimum; lines are theory, dotted lines leave out the noise of the Hessians, markers are runs. (b) "
    "The same over the prediction. Bars: one standard error from the scatter of runs. Look at how far below the dotted "
    "lines fall as η nears η*.",
    simulate, judge, draw, ("LZU21.minibatch", "LZU21.covariance", "MM24.covariance"), (1, 1, 4))
