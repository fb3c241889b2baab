"""On data sets: the oscillation itself, the weak feature against its prediction, accuracy on the way and against c."""

from dataclasses import replace

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import INK, SHADES, bound, key, null, panels, simulation, theory
from figures.benign_oscillation._runs import DOUBLING, KAPPA, N, sets, strong_and_weak
from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as predicted

RATES = (("large", 1.3), ("small", 0.5))
STOPS = np.array([0, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 600])
SHOWN, EVERY = 300, 7    # epochs of single visits that are shown, and every so-many-th of these visits
KINDS = ((0, 2, "no weak examples"), (2, 2, "two weak examples of 16"))   # weak examples, |ξ|²/|v|²

# `seeds` per mark, `count` test points of each kind, `rates` of the last panel, `timed` ones.
Sizes = frozen("seeds count rates timed")
SIZES = {"quick": Sizes(5, 500, (0.5, 0.9, 1.1, 1.3), (1.4, 1.2)),
         "standard": Sizes(20, 2000, (0.3, 0.5, 0.7, 0.9, 0.97, 1.03, 1.07, 1.12, 1.2, 1.3, 1.4, 1.5), (1.4, 1.2, 1.1)),
         "full": Sizes(40, 5000, (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96, 0.99, 1.01, 1.03, 1.05, 1.08, 1.12, 1.16,
                                  1.2, 1.25, 1.3, 1.35, 1.4, 1.45, 1.5, 1.55), (1.4, 1.2, 1.1))}


def simulate(effort, rng):
    """Training at both rates with single visits of all seeds, half-times on data, and accuracy at all rates."""
    sizes = SIZES[effort]
    tests, numbers = strong_and_weak(2, sizes.count, rng), {"stops": STOPS}
    for name, c in RATES:
        numbers |= _training(name, c, sizes.seeds, tests, rng)
    for c in sizes.timed:
        numbers |= _timing(c, sizes.seeds // 2, rng)
    numbers["timed"] = np.array(sizes.timed)
    return numbers | _against_rate(sizes, tests, rng)


def _training(name, c, seeds, tests, rng):
    """Residuals and accuracy of independent seeds; one that diverges leaves the stack."""
    model, examples, w = sets(2, 2, seeds, 16, rng)
    alive, pieces = np.arange(seeds), []
    seen = [[simulated.accuracy(model, w, test) for test in tests]]
    for first, last in zip(STOPS[:-1], STOPS[1:]):
        own = replace(examples, x=examples.x[alive], y=examples.y[alive], weak=examples.weak[alive])
        run = simulated.train(model, own, w[alive], lr=4 * c, steps=N * int(last - first), rng=rng)
        w[alive] = run.w
        residuals = np.full((N * (last - first), seeds), np.nan)
        residuals[:, alive] = run.residuals[..., 0]
        pieces.append(residuals)
        alive = alive[run.success]
        seen.append([simulated.accuracy(model, w, test) for test in tests])
    residuals = np.concatenate(pieces)
    return {f"loss_{name}": np.nanmean((residuals**2).reshape(STOPS[-1], N, seeds), axis=(1, 2)),
            f"accuracy_{name}": np.array(seen), f"visits_{name}": 1 - residuals[:N * SHOWN:EVERY, alive],
            f"alive_{name}": alive}


def _timing(c, seeds, rng):
    model, examples, w0 = sets(1, 0, seeds, 16, rng)
    right = simulated.strengths(w0 @ examples.strong_vector)[0], simulated.strengths(w0 @ examples.weak_vector)[0]
    born = (right[0].min(axis=1) > 0) & (right[1].min(axis=1) > 0)   # a class may have no filter: once in 2^m
    half = np.array([predicted.data_half_time(c, KAPPA, a, b, 8) for a,
                     b in zip(*(part[born].ravel() for part in right))])
    run = simulated.train(model, examples, w0, lr=4 * c, steps=N * int(1.35 * half.max()), record_every=8, rng=rng)
    beta = simulated.strengths(run.weak)[0][:, born].reshape(len(run.recorded_steps), -1)
    plateau, time = predicted.stable_weak_strength(c, KAPPA), run.recorded_steps / N
    hit = time[np.argmax(beta >= plateau / 2, axis=0)]
    sizes = np.geomspace(1e-4, 0.98, 800) * plateau
    slowness = 1 / predicted.weak_drift(c, KAPPA, sizes)
    moments = np.append(0, np.cumsum((slowness[1:] + slowness[:-1]) / 2 * np.diff(np.log(sizes)))) / 8
    moments += half[0] - np.interp(plateau / 2, sizes, moments)
    return {f"timing_{c:g}": beta[:, 0], f"timing_epochs_{c:g}": time, f"timing_ratio_{c:g}": hit / half,
            f"timing_line_{c:g}": np.stack([moments, sizes]), f"timing_half_{c:g}": np.array([half[0], plateau / 2])}


def _against_rate(sizes, tests, rng):
    numbers = {"accuracy_rates": np.array(sizes.rates), "seeds": sizes.seeds}
    for n_weak, ratio, _ in KINDS:
        mean, spread, lost = [], [], 0
        for c in sizes.rates:
            model, examples, w0 = sets(ratio, n_weak, sizes.seeds, 16, rng)
            run = simulated.train(model, examples, w0, lr=4 * c, steps=N * 800, record_every=N * 800, rng=rng)
            scores = simulated.accuracy(model, run.w[run.success], tests[1])
            lost += int((~run.success).sum())
            mean.append(scores.mean())
            spread.append(scores.std())
        numbers |= {f"accuracy_{n_weak}": np.array(mean), f"accuracy_spread_{n_weak}": np.array(spread),
                    f"diverged_{n_weak}": lost}
    return numbers


def judge(numbers):
    """The division by the rate, the speed at first, and half-times on data."""
    rows = []
    for name, c in RATES:
        scores, alive = numbers[f"accuracy_{name}"][-1, 1], numbers[f"alive_{name}"]
        kept, lost = scores[alive], len(scores) - len(alive)
        good = (kept > 0.99).mean() if name == "large" else (kept < 0.75).mean()
        passed = np.median(kept) > 0.99 if name == "large" else kept.mean() < 0.60
        rows.append(holds("LWYZ24.division", f"weak-only accuracy at c = {c:g}, m = 16, {len(scores)} seeds ({lost} "
                                             f"diverged)",
                          "> 0.99" if name == "large" else "< 0.60", f"{kept.mean():.4f}",
                          "mean; 90 % of the seeds > 0.99" if name == "large" else "mean; 90 % of the seeds < 0.75",
                          passed and good >= 0.9, null="chance: 0.5" if name == "large" else "weak feature learned: 1"))
    early = [numbers[f"loss_{name}"][4:40].mean() for name, _ in RATES]
    rows.append(holds("LWYZ24.small-smooth", "mean train loss over epochs 5…40, large and small rate (two weak "
                                             "examples)", "small < large",
                      f"{early[0]:.3f} and {early[1]:.3f}", "order", early[1] < early[0],
                      null="the large rate ahead: the other order"))
    for c in numbers["timed"]:
        ratio = numbers[f"timing_ratio_{c:g}"]
        rows.append(close("LWYZ24.division", f"measured over predicted half-time on data, c = {c:g}, {len(ratio)} "
                                             f"classes", 1.0, ratio.mean(),
                          0.005 if c < DOUBLING else 0.03, null=(2.0, "all visits counted")))
    rates = numbers["accuracy_rates"]
    below, above = rates < 1, rates > 1.25
    for n_weak, _, label in KINDS:
        mean = numbers[f"accuracy_{n_weak}"]
        rows.append(holds("LWYZ24.division", f"weak-only accuracy after 800 epochs, {label} "
                          f"({numbers[f'diverged_{n_weak}']} runs diverged), c < 1 and c > 1.25", "chance and 1",
                          f"≤ {mean[below].max():.3f} and ≥ {mean[above].min():.3f}", "≤ 0.80 and ≥ 0.98",
                          mean[below].max() <= 0.80 and mean[above].min() >= 0.98, null="no division: equal"))
    return tuple(rows)


def draw(numbers):
    """(a) Single visits of all seeds, (b) the weak feature, (c) accuracy on the way, (d) accuracy against c."""
    picture, axes = panels(2, 2, width=4.3, height=3.2)
    for (name, c), shade in zip(RATES, (SHADES[2], INK)):
        visits = numbers[f"visits_{name}"]
        axes[0].plot(np.tile(EVERY / N * np.arange(len(visits)), visits.shape[1]), visits.T.ravel(), ".", color=shade,
                     rasterized=True, markersize=1, markeredgewidth=0.3, label=f"simulation, $c={c:g}$, single visits")
    for edge, label in zip(predicted.attractor_bounds(RATES[0][1]), ("bounds of the oscillation", None)):
        axes[0].axhline(edge, label=label, **bound(1))
    axes[0].set(xlabel="epoch", ylabel="$yf$ of the example visited", ylim=(-0.3, 2.2),
                title=f"the oscillation, {visits.shape[1]} seeds")
    axes[0].legend(loc="upper right", markerscale=6)
    for k, c in enumerate(numbers["timed"]):
        marks = np.linspace(0, len(numbers[f"timing_epochs_{c:g}"]) - 1, 18).astype(int)
        axes[1].plot(*numbers[f"timing_line_{c:g}"], label=f"$c={c:g}$", **theory(k))
        axes[1].plot(numbers[f"timing_epochs_{c:g}"][marks], numbers[f"timing_{c:g}"][marks],
                     **simulation(k, markersize=4))
        axes[1].plot(*numbers[f"timing_half_{c:g}"] * np.array([0.5, 1]), **null("x", zorder=5),
                     label=None if k else "null: all visits count")
        axes[1].plot(*numbers[f"timing_half_{c:g}"], marker="+", color=INK, markersize=7, linestyle="none", zorder=5,
                     label="half-time" if k == len(numbers["timed"]) - 1 else None)
    axes[1].set(xlabel="epoch ($n_c=8$ strong examples per class)", ylabel="weak feature $\\beta$",
                title="weak feature on data")
    key(axes[1], loc="upper left", ncols=2)
    axes[1].set_ylim(top=1.5 * axes[1].get_ylim()[1])
    for k, (name, c) in enumerate(RATES):
        for kind, label in enumerate(("strong", "weak")):
            axes[2].plot(STOPS, np.nanmean(numbers[f"accuracy_{name}"][:, kind], axis=-1),
                         label=f"$c={c:g}$, {label} data",
                         **simulation(2 * kind + k, markersize=4.5, linestyle="-", linewidth=0.7))
    axes[2].axhline(0.5, label="null: chance", **null())
    axes[2].set(xlabel="epoch", ylabel="test accuracy, mean of seeds", ylim=(0.25, 1.03),
                title="on the way (simulation)")
    axes[2].legend(loc="lower right", ncols=2)
    rates = numbers["accuracy_rates"]
    for k, (n_weak, _, label) in enumerate(KINDS):
        error = numbers[f"accuracy_spread_{n_weak}"] / np.sqrt(numbers["seeds"])
        axes[3].errorbar(rates, numbers[f"accuracy_{n_weak}"], error, label=label,
                         **simulation(k, elinewidth=0.8, markersize=4.5))
    axes[3].plot([min(rates), 1, 1, max(rates)], [0.5, 0.5, 1, 1], label="theory, long training", **theory(2))
    axes[3].axhline(0.5, label="null: no division", **null())
    axes[3].set(xlabel="$c$", ylabel="accuracy on weak data", ylim=(0.2, 1.05), title="jump at the onset")
    axes[3].legend(loc="lower right")
    return picture


FIGURE = Figure(
    "oscillation-division", "The oscillation on data, and accuracy on strong and weak data at large and small rates",
    "(a) Output times label at single visits of an example, all seeds, not averaged: at the large rate it oscillates "
    "between the dotted bounds of one example until the weak feature is learned; at the small rate it settles at once "
    "on the strong examples, and slowly on the two weak ones. (b) Weak feature of one class: line from the closed "
    "form, markers one seed. (c) Mean accuracy of seeds, joined. (d) After 800 epochs; bars are standard errors over "
    "seeds.",
    simulate, judge, draw, ("LWYZ24.division", "LWYZ24.small-smooth"), (3, 12, 45))
