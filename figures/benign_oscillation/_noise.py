"""Powers with which noise is memorised, and where oscillation turns from benign to harmful; full batches."""

import numpy as np

from figures._figure import Figure, frozen, holds
from figures._style import below, guide, null, panels, simulation, theory
from figures.benign_oscillation._runs import KAPPA, N, epochs_to, orthogonal, sets, strong_and_weak
from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as predicted

POWER_RATE, TURNING = 1.2, (1.2, 1.4)
BATCHES = ((1, "SGD, one example"), (None, "full batch"))

# `seeds` per mark, `count` test points, `ratios` |ξ|²/(n_c|v|²); seeds and rates of the last panel.
Sizes = frozen("seeds count ratios batch_seeds batch_rates")
_RATES = (0.5, 0.8, 0.95, 1.03, 1.08, 1.13, 1.18, 1.22)
SIZES = {"quick": Sizes(8, 500, (0.25, 0.5, 1.0, 1.6), 4, (0.5, 0.9, 1.1, 1.2)),
         "standard": Sizes(20, 2000, (0.1, 0.25, 0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.6, 2.0), 10, _RATES),
         "full": Sizes(40, 5000, (0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.6, 2.0, 2.5), 20,
                       _RATES)}


def simulate(effort, rng):
    """Powers of orthogonal and random noise, accuracy against its length, and residuals of both samplings."""
    sizes = SIZES[effort]
    numbers = _powers(sizes, rng)
    numbers |= _transition(sizes, rng)
    return numbers | _full_batch(sizes, rng)


def _law(ratios):
    return predicted.memorisation_exponent(8 * KAPPA * np.asarray(ratios), KAPPA, 8, 1.0)


def _powers(sizes, rng):
    tested = [ratio for ratio in sizes.ratios if 0.2 <= ratio <= 1.3]
    numbers = {"powers": np.array(tested)}
    steps = N * int(0.9 * predicted.data_half_time(POWER_RATE, KAPPA, 5e-5, 5e-7, 8))
    for kind in ("orthogonal", "random"):
        numbers[f"power_{kind}"] = np.array([_power(kind, ratio, steps, sizes.seeds, rng) for ratio in tested])
    return numbers


def _power(kind, ratio, steps, seeds, rng):
    """Mean slope of log ν over log β in simulated runs."""
    model, examples, w0 = sets(8 * ratio if kind == "random" else 0, 0, seeds, 16, rng)
    if kind == "orthogonal":
        examples = orthogonal(examples, 8 * KAPPA * ratio, rng)
    run = simulated.train(model, examples, w0, lr=4 * POWER_RATE, steps=steps, record_every=steps // 5,
                          record_patches=True, rng=rng)
    half = (1 - examples.y.astype(int)) // 2                        # F₊ for y = 1
    own = np.take_along_axis(run.patches[:, :, :, 2], half[None, :, :, None, None], axis=3)[..., 0, :]
    size = (np.maximum(own, 0) ** 2).mean(axis=-1)
    beta = np.take_along_axis(simulated.strengths(run.weak)[0], half[None], axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.log(size[4] / size[1]) / np.log(beta[4] / beta[1])
    return np.nanmean(np.where(np.isfinite(slope), slope, np.nan))


def _transition(sizes, rng):
    numbers = {"transition_powers": np.array(sizes.ratios), "seeds": sizes.seeds}
    for c in TURNING:
        mean, spread, middle, lost = [], [], [], 0
        for ratio in sizes.ratios:
            model, examples, w0 = sets(8 * ratio, 0, sizes.seeds, 16, rng)
            epochs = epochs_to(c) // 2
            run = simulated.train(model, examples, w0, lr=4 * c, steps=N * epochs, record_every=N * epochs, rng=rng)
            scores = simulated.accuracy(model, run.w[run.success], strong_and_weak(8 * ratio, sizes.count, rng)[1])
            lost += int((~run.success).sum())
            mean.append(scores.mean())
            spread.append(scores.std())
            middle.append(np.median(scores))
        numbers |= {f"transition_{c:g}": np.array(mean), f"transition_spread_{c:g}": np.array(spread),
                    f"transition_median_{c:g}": np.array(middle), f"transition_diverged_{c:g}": lost}
    return numbers


def _full_batch(sizes, rng):
    onset, rates = predicted.full_batch_onset(N, 8), np.array(sizes.batch_rates)
    numbers = {"batch_rates": rates, "batch_onset": onset}
    for size, label in BATCHES:
        means = []
        for c in rates:
            model, examples, w0 = sets(0.5, 0, sizes.batch_seeds, 16, rng)
            steps = 800 if size is None else 200 * N
            run = simulated.train(model, examples, w0, lr=4 * c * (onset if size is None else 1.0), steps=steps,
                                  batch_size=size, record_every=steps, rng=rng)
            means.append(np.median(run.residuals[-steps // 4:].mean(axis=(0, 2))))
        numbers[f"batch_{label}"] = np.array(means)
    return numbers


def judge(numbers):
    """The power of orthogonal noise and the excess of random noise; both sides of the transition; full batches."""
    off = {kind: numbers[f"power_{kind}"] / _law(numbers["powers"]) - 1 for kind in ("orthogonal", "random")}
    plain = np.abs(numbers["power_orthogonal"] / predicted.memorisation_exponent(8 * KAPPA * numbers["powers"], KAPPA,
                                                                                 8) - 1).max()
    rows = [holds("LWYZ24.benign", f"power of ν ∝ β^power at c = {POWER_RATE:g}, orthogonal noise: largest relative "
                                   f"difference", "0",
                  f"{np.abs(off['orthogonal']).max():.3f}", "≤ 0.03", np.abs(off["orthogonal"]).max() <= 0.03,
                  null=f"without the correction in |ξ|²/|u|²: {plain:.3f}"),
            holds("LWYZ24.benign", "the same, random noise in d = 64: mean excess", "> 0",
                  f"{off['random'].mean():.2f}", "0…0.35",
                  0 < off["random"].mean() < 0.35, null="as orthogonal noise: 0")]
    ratios = numbers["transition_powers"]
    low, high = ratios <= 0.55, ratios >= 1.55
    for c in TURNING:
        middle = numbers[f"transition_median_{c:g}"]
        rows.append(holds("LWYZ24.benign", f"weak-only accuracy at c = {c:g} ({numbers[f'transition_diverged_{c:g}']} "
                                           "runs diverged), |ξ|²/(n_c|v|²) ≤ 0.55 and ≥ 1.55", "1 and chance",
                          f"≥ {middle[low].min():.3f} and ≤ {middle[high].max():.3f}",
                          "medians ≥ 0.98 and ≤ 0.68", middle[low].min() >= 0.98 and middle[high].max() <= 0.68,
                          null="benign for all noise: 1 and 1"))
    rates = numbers["batch_rates"]
    law = predicted.mean_residual(rates)
    for size, label in BATCHES:
        scale = numbers["batch_onset"] if size is None else 1.0
        error = np.abs(numbers[f"batch_{label}"] - law).max()
        rows.append(holds("LWYZ24.sgd", f"mean residual of {label} at {len(rates)} rates from {scale * rates[0]:g} to "
                          f"{scale * rates[-1]:g}: largest difference from the reduced map at c/{scale:g}", "0",
                          f"{error:.1e}", "≤ 2e-3", error <= 2e-3, null=f"no oscillation: {law.max():.3f}"))
    return tuple(rows)


def draw(numbers):
    """(a) Power of memorised noise, (b) benign to harmful, (c) full batches."""
    picture, axes = panels(1, 3, width=3.7, height=3.9)
    fine = np.linspace(0.05, 1.6, 100)
    axes[0].plot(fine, _law(fine), label="theory, orthogonal noise", **theory(0))
    for k, kind in enumerate(("orthogonal", "random")):
        axes[0].plot(numbers["powers"], numbers[f"power_{kind}"], label=f"simulation, {kind} noise", **simulation(k))
    axes[0].plot(fine, predicted.memorisation_exponent(8 * KAPPA * fine, KAPPA, 8),
                 label="null: uncorrected in $|\\xi|^2/|u|^2$", **null())
    axes[0].set(xlabel="$|\\xi|^2/(n_c|v|^2)$", ylabel="power of $\\beta$ with which noise grows",
                title=f"noise memorised, $c={POWER_RATE:g}$")
    below(axes[0], 1)
    for k, c in enumerate(TURNING):
        error = numbers[f"transition_spread_{c:g}"] / np.sqrt(numbers["seeds"])
        axes[1].errorbar(numbers["transition_powers"] + 0.03 * k - 0.015, numbers[f"transition_{c:g}"], error,
                         label=f"simulation, $c={c:g}$", **simulation(k, elinewidth=0.8, markersize=4.5))
    axes[1].plot([0, 1, 1, 2.1], [1, 1, 0.5, 0.5], label="theory: which grows faster", **theory(2))
    axes[1].axhline(0.5, **guide())
    axes[1].axhline(1, label="null: benign for all noise", **null())
    axes[1].set(xlabel="$|\\xi|^2/(n_c|v|^2)$", ylabel="accuracy on weak data", ylim=(0.4, 1.05),
                title="benign to harmful")
    below(axes[1], 1)
    fine = np.linspace(0.4, 1.236, 200)
    for k, (size, label) in enumerate(BATCHES):
        scale = numbers["batch_onset"] if size is None else 1.0
        axes[2].plot(scale * fine, predicted.mean_residual(fine), label=f"theory, onset $c={scale:g}$", **theory(k))
        axes[2].plot(scale * numbers["batch_rates"], numbers[f"batch_{label}"], label=f"simulation, {label}",
                     **simulation(k))
    axes[2].axhline(0, label="null: no oscillation", **null())
    axes[2].set(xlabel="$c=4\\eta|u|^2/m$", ylabel="mean of $1-yf$", title="the rate, not the sampling")
    below(axes[2], 1)
    return picture


FIGURE = Figure(
    "oscillation-noise", "Benign to harmful: memorised noise; and full batches",
    "(a) Oscillation makes memorised noise grow as a power of the weak feature: line for orthogonal noise patches; "
    "random ones in 64 dimensions grow faster. (b) Where the noise outgrows the weak feature, right of 1, nothing is "
    "learned of it: markers are means over seeds, bars standard errors. (c) Mean residual of single-example SGD and of "
    "full-batch descent: the same curve at its own onset, so the large rate is the cause and not the sampling.",
    simulate, judge, draw, ("LWYZ24.benign", "LWYZ24.sgd"), (3, 12, 45))
