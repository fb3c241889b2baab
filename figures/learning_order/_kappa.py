"""P-only error against κ = √(d/N) at fixed N p₀ = d/5."""

from dataclasses import replace

import numpy as np

from figures._effects import LIMIT
from figures._figure import Figure, frozen, holds, not_judged
from figures._fitted_powers import t_limit
from figures._style import bound, null, panels, simulation
from figures.learning_order._runs import SMALL, train

NAMES = {"large": "large, then small", "small": "small"}

# Examples N at d = 50, and seeds at each.
Sizes = frozen("examples seeds")
# Two values of N only at quick effort: at κ = .71 a few seeds would not do.
SIZES = {"quick": Sizes((200, 400), 2), "standard": Sizes((100, 200, 400), 8), "full": Sizes((100, 200, 400), 16)}


def simulate(effort, rng):
    """P-only errors (2, κ, seeds) at equal training loss; NaN where one of a pair does not reach it."""
    sizes = SIZES[effort]
    errors = np.full((2, len(sizes.examples), sizes.seeds), np.nan)
    for i, n in enumerate(sizes.examples):
        for j in range(sizes.seeds):
            runs, _ = train(replace(SMALL, n=n, p0=SMALL.dim / 5 / n), rng, ("large", "small"))
            if all(run.success for run in runs.values()):
                errors[:, i, j] = [runs[kind].observed["test_error_p"][-1] for kind in NAMES]
    return {"kappa": (SMALL.dim / np.array(sizes.examples))**0.5, "errors": errors}


def _ratios(errors):
    """(mean errors, their standard errors, ratio of means, its standard error), over the pairs that were reached."""
    mean, counts = np.nanmean(errors, axis=-1), np.isfinite(errors).sum(axis=-1)
    error = np.nanstd(errors, axis=-1, ddof=1) / np.sqrt(counts)
    ratio = mean[0] / mean[1]
    return mean, error, ratio, ratio * np.hypot(*(error / mean))


def judge(numbers):
    """Each ratio against 1, no effect; the power of κ where there are three."""
    errors, kappas = np.asarray(numbers["errors"]), np.asarray(numbers["kappa"])
    ratio, spread = _ratios(errors)[2:]
    missed, rows = int(np.isnan(errors[0]).sum()), []
    for value, found, error in zip(kappas, ratio, spread):
        away = (1 - found) / error
        rows.append(holds("LWM19.kappa", f"ratio of P-only errors at κ = {value:.2f}",
                          f"O(κ), κ = {value:.2f} if the constant is 1", f"{found:.3f} ± {error:.3f}",
                          f"{LIMIT:.1f} standard errors", True if away > LIMIT else False if away < -LIMIT else None,
                          null=f"no effect, 1: {away:.1f} standard errors away"))
    quantity = f"power of κ in the ratio; pairs left out, the loss not reached: {missed}"
    if len(kappas) < 3:
        return (*rows, not_judged("LWM19.kappa", quantity, "two values of κ only at this effort",
                                  predicted="at least 1"))
    logs = np.log(kappas) - np.log(kappas).mean()
    power, error = logs @ np.log(ratio) / (logs @ logs), np.sqrt(logs**2 @ (spread / ratio)**2) / (logs @ logs)
    limit = t_limit(2 * errors.shape[-1] - 2)
    verdict = None if power - limit * error < 0 else power + limit * error >= 1
    return (*rows, holds("LWM19.kappa", quantity, "at least 1 for O(κ)", f"{power:.2f} ± {error:.2f}",
                         f"{limit:.1f} standard errors", verdict, null=f"no effect, 0: {power / error:.1f} standard "
                                                                       f"errors away"))


def draw(numbers):
    """Every seed and the means; the ratio of means."""
    errors, kappas = np.asarray(numbers["errors"]), np.asarray(numbers["kappa"])
    mean, error, ratio, spread = _ratios(errors)
    picture, axes = panels(1, 2, width=4.2, height=3.4)
    for k, name in enumerate(NAMES.values()):
        shift = 1 + 0.012 * (2 * k - 1)
        for value, single in zip(kappas, np.maximum(errors[k], 2.5e-4)):
            axes[0].plot(np.full(len(single), value * shift**2), single, **simulation(k, markersize=3, alpha=0.45))
        axes[0].errorbar(kappas * shift, mean[k], error[k], capsize=3, label=f"{name}, mean of seeds", **simulation(k))
    axes[1].errorbar(kappas, ratio, spread, capsize=3, label="ratio of mean errors", **simulation(2))
    line = np.linspace(0.3, 0.75, 50)
    axes[1].plot(line, line, label="bound, O(κ) with constant 1", **bound(0))
    axes[1].axhline(1, label="null, no effect", **null())
    axes[0].set(ylabel=f"test error, P only, at training loss {SMALL.stop:g}", title="errors")
    axes[1].set(ylabel="error of L-S over that of S", title="ratio")
    for axis in axes:
        axis.set(xlabel="$\\kappa=\\sqrt{d/N}$", yscale="log", xlim=(0.3, 0.78))
    axes[0].set_ylim(bottom=5e-5)
    axes[0].legend(loc="lower right")
    axes[1].legend(loc="lower right")
    return picture


FIGURE = Figure(
    "learning-order-kappa", "Li, Wei and Ma: the smaller κ, the better L-S against S",
    "(a) P-only test error when both algorithms have the same training loss: small markers single seeds (0 drawn at "
    "2.5e-4), large ones means with standard errors over seeds. (b) Ratio of the means, error bars by propagation; the "
    "dotted line is the theorem's order with constant 1, a bound that the ratios lie below, not a prediction.",
    simulate, judge, draw, ("LWM19.kappa",), (7, 45, 100))
