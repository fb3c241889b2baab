"""Patch-only accuracy after four epochs against the rate and against the scale of z, and full-batch descent."""

import numpy as np

from figures._effects import LIMIT
from figures._figure import Figure, close, frozen, holds
from figures._fitted_powers import t_limit
from figures._style import joined, null, panels, simulation, theory
from figures.images._panels import chance
from figures.images._runs import OWN, TOLD, binomial, listed, problem, seeds, sizes_of
from refimpl import images
from theory import images as predicted

RATES, MOMENTUM, DECAY, SCALE = (0.2, 0.02), 0.9, 2e-3, 2.2
CURVATURE_NULLS = (0.8, 2.0)     # over the prediction: without the filters' part, or twice

# Seeds, starts whose curvature is measured, multiples of the predicted rate and scale, full-batch steps.
Sizes = frozen("seeds starts multiples scales steps")
SIZES = {"quick": Sizes(1, 1, (0.2, 4.0), (0.5, 1.6), 8),
         "standard": Sizes(2, 8, (0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 4.0), (0.25, 0.5, 0.75, 0.9, 1.0, 1.1,
                                                                                   1.25, 1.5, 1.7), 62),
         "full": Sizes(5, 8, (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.5, 1.75, 2.0, 2.5, 4.0),
                       (0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.7), 124)}


def simulate(effort, rng):
    """Accuracies (seeds, grid), curvatures at the starts, the predicted thresholds, and active units by full-batch
    step."""
    size = SIZES[effort]
    multiples, scales = np.array(size.multiples), np.array(size.scales)
    pairs = seeds(rng, size.seeds)
    drawn = [problem(seed, patch_validation=10, validation=10) for seed, _ in pairs]
    sizes = sizes_of(drawn[0].model)
    critical = predicted.momentum_limit(predicted.initial_patch_curvature(SCALE, **sizes), MOMENTUM, DECAY)
    scale = predicted.critical_patch_scale(RATES[0], **sizes, weight_decay=DECAY)
    by_rate, by_scale, active = (np.empty((size.seeds, len(grid))) for grid in (multiples, scales, multiples))
    starts = []
    short = dict(epochs=4, anneal=4, record_every=4)
    for i, (sets, (seed, training)) in enumerate(zip(drawn, pairs)):
        for j, multiple in enumerate(multiples):
            run = images.run_arm(sets, "small", small=multiple * critical, rng=training, **short)
            by_rate[i, j], active[i, j] = run.accuracy["patch"][-1], run.observed["active"][-1]
        for j, multiple in enumerate(scales):
            faint = problem(seed, patch_validation=10, validation=10, patch_scale=multiple * scale)
            by_scale[i, j] = images.run_arm(faint, "large", rng=training, **short).accuracy["patch"][-1]
        starts.append(curvature_at_start(sets, training))
    whole = _full_batch(sets, training, size.steps)
    starts += [curvature_at_start(problem(seed, patch_validation=10, validation=10), training)
               for seed, training in seeds(rng.spawn(1)[0], max(size.starts - size.seeds, 0))]
    starts = np.array(starts)
    own = predicted.momentum_limit(starts[:, 1], MOMENTUM, DECAY)
    return {"rates": multiples * critical, "by_rate": by_rate, "active": active, "scales": scales * scale,
            "by_scale": by_scale,
            "own_rate": own, "critical_rate": critical, "critical_scale": scale, "curvature": starts,
            "classes": sizes["classes"], "units": sizes["filters"], "patches": len(sets.patch_only.labels),
            "full_batch_steps": next(iter(whole.values())).epochs,
            **{f"full_batch_{lr}": run.observed["active"] for lr, run in whole.items()}}


def curvature_at_start(sets, seed):
    """(largest eigenvalue of the Hessian, what is predicted along z) at a run's start, scores made equal on z."""
    from scipy.sparse.linalg import LinearOperator, eigsh  # here: it is slow to load

    model = sets.model
    w = model.init(np.random.default_rng(seed).spawn(2)[0])
    filters, head, _ = model.split(w)
    centre = head.reshape(model.block_count, model.filters, -1)[model.block_count // 2]
    hidden = np.maximum(sets.patches.base.ravel() @ filters, 0)
    centre -= np.outer(hidden, hidden @ centre) / (hidden @ hidden)
    x, y = sets.train.images[:400].astype(np.float64), sets.train.labels[:400]
    share = float((sets.train.kind[:400] != images.CLEAN).mean())
    hessian = LinearOperator((len(w), len(w)), matvec=lambda v: model.hvp(w, x, y, v.ravel()), dtype=np.float64)
    start = np.zeros_like(w)
    model.split(start)[1].reshape(model.block_count, model.filters, -1)[model.block_count // 2, :, 0] = hidden
    largest = eigsh(hessian, k=1, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)[0]
    return float(largest), predicted.patch_curvature(sets.patches.base.ravel(), filters, centre, share)


def _full_batch(sets, seed, steps):
    return {lr: images.run_arm(sets, "small", small=lr, epochs=steps, anneal=steps, batch_size=len(sets.train.labels),
                               record_every=max(1, steps // 15), rng=seed) for lr in RATES}


def bracket(grid, values, unit):
    """(largest point up to which the patch is learned, least from which it is not) over `unit`, all seeds; ½
    divides."""
    learned = np.asarray(values) >= 0.5
    below = [i for i in range(len(grid)) if learned[:, :i + 1].all()]
    above = [i for i in range(len(grid)) if not learned[:, i:].any()]
    return (grid[below[-1]] / unit if below else 0.0), (grid[above[0]] / unit if above else np.inf)


def judge(numbers):
    """Where the accuracy falls, beside the prediction; curvatures; full-batch descent."""
    starts, rows = np.asarray(numbers["curvature"]), []
    for name, values, unit, what, wrong, words in (
            ("rates", "by_rate", "critical_rate", "η over 2(1 + μ)/λ", 1 / (1 + MOMENTUM), "2/λ, momentum left out"),
            ("scales", "by_scale", "critical_scale", "s over its threshold at η = 0.2", 0.5**0.5,
             "curvature without the ½")):
        low, high = bracket(np.asarray(numbers[name]), numbers[values], float(numbers[unit]))
        passed = True if low > wrong and high <= 2 else False if low > 2 or high <= wrong else None
        rows.append(holds("LWM19.img-cause", f"{what}: patch learned by epoch 4 up to, and not from", "1 in between",
                          f"{low:.2g}, {high:.2g}", f"learned beyond the null's {wrong:.2g}, not from twice the "
                          "threshold; set by hand", passed, null=f"{words}: {wrong:.2g}"))
    faint = np.asarray(numbers["by_scale"])[:, np.asarray(numbers["scales"]) <= 0.75 * numbers["critical_scale"]]
    patches = int(numbers["patches"])
    rows.append(close("LWM19.img-order", "patch-only accuracy at epoch 4 at η = 0.2, scale ≤ ¾ of the threshold, "
                      "lowest", 1.0, faint.min(), binomial(1.0, patches),
                      null=(1 / numbers["classes"], "kept out by the rate alone: chance"),
                      note=f"(4.9 standard errors of {patches} patches)"))
    rows.append(_curvature_row(starts[:, 0] / starts[:, 1]))
    final = [float(np.asarray(numbers[f"full_batch_{lr}"])[-1]) for lr in RATES]
    units = int(numbers["units"])
    least = LIMIT * (0.5 / units)**0.5                  # of two shares near ½
    rows.append(holds("LWM19.img-cause", "share of units active on the patch after full-batch steps, η = 0.2 and 0.02",
                      "nearly 0 at 0.2 without any noise of SGD", listed(final), "below a start's ½, and that at 0.02, "
                      f"by {least:.2f}: {LIMIT:.1f} binomial errors of {units} units",
                      final[0] < min(0.5, final[1]) - least, null="noise of SGD needed: both near ½"))
    return tuple(rows)


def _curvature_row(ratio):
    """What images and ζ add to the curvature along z has no law: nearer to 1 than to a null, by standard errors."""
    off, words, logs = np.inf, f"which takes {OWN} starts to tell", np.log(ratio)
    if len(ratio) >= OWN:
        limit = t_limit(len(ratio) - 1, TOLD)
        off, words = limit * logs.std(ddof=1) / len(ratio)**0.5, f"beyond {limit:.1f} standard errors"
    low, high = (np.log(wrong) / 2 for wrong in CURVATURE_NULLS)
    inside = low + off < logs.mean() < high - off
    outside = logs.mean() + off < low or logs.mean() - off > high
    return holds("LWM19.img-cause", "largest eigenvalue of the loss's Hessian at the start over that predicted along z",
                 "1, a lower bound", f"{np.exp(logs.mean()):.3f} (mean of {listed(ratio)})",
                 f"half-way to the nulls, {np.exp(low):.2f}…{np.exp(high):.2f}, {words}",
                 True if inside else False if outside else None,
                 null="without the filters' part, or twice: {:g}, {:g}".format(*CURVATURE_NULLS))


def draw(numbers):
    """Accuracy over rate and over scale, and active units under full-batch descent."""
    picture, axes = panels(1, 3, width=3.6, height=3.4)
    for axis, name, values, unit in ((axes[0], "rates", "by_rate", "critical_rate"), (axes[1], "scales", "by_scale",
                                                                                      "critical_scale")):
        grid, found, unit = np.asarray(numbers[name]), np.asarray(numbers[values]), float(numbers[unit])
        axis.axvspan(unit, grid.max() * 1.15, color="#ececec", zorder=0, linewidth=0)
        axis.axvline(unit, label="theory: limit of the mean start", **theory(0))
        axis.axvline(unit * (0.5**0.5 if values == "by_scale" else 1 / (1 + MOMENTUM)), **null(),
                     label="null: no ½" if values == "by_scale" else "null: $2/\\lambda$")
        for row in found:
            axis.plot(grid, row, **simulation(1, markersize=4, alpha=0.5 if len(found) > 1 else 1))
        axis.plot(grid, found.mean(axis=0), color=simulation(1)["color"], linewidth=0.9,
                  label="runs: seeds, and their mean")
        chance(axis, 1 / numbers["classes"])
        axis.set(ylabel="patch-only accuracy at epoch 4", ylim=(0, 1.05), xlim=(0, grid.max() * 1.15))
        axis.text(0.98, 0.5, "unstable", transform=axis.transAxes, ha="right", fontsize=8, color="#5a5a5a")
    axes[0].set(xlabel="learning rate $\\eta$ ($s=2.2$)",
                title=f"rate; $2(1+\\mu)/\\lambda={numbers['critical_rate']:.3f}$")
    axes[1].set(xlabel="scale $s$ of $z$ ($\\eta=0.2$)", title=f"brightness; threshold {numbers['critical_scale']:.2f}")
    axes[0].legend(loc="upper right", bbox_to_anchor=(1.02, 0.95))
    axes[1].legend(handles=axes[1].get_legend_handles_labels()[0][1:2], loc="center left")
    for k, lr in enumerate(RATES):
        active = numbers[f"full_batch_{lr}"]
        joined(axes[2], numbers["full_batch_steps"], active, k, label=f"run, $\\eta={lr}$", markersize=4)
    axes[2].set(title="full batch, no noise of SGD", xlabel="step", ylabel="share of units active on the patch",
                ylim=(-0.02, 0.6))
    axes[2].axhline(0.5, label="theory: ½ at a random start (null)", **theory(0, linewidth=0.9))
    axes[2].legend(loc="center right", bbox_to_anchor=(1, 0.55))
    return picture


FIGURE = Figure(
    "images-threshold", "Li, Wei and Ma: rate and brightness at which the patch becomes unstable",
    "Patch-only accuracy after four epochs against the rate (a) and the scale of the patch (b): markers are single "
    "seeds, the thin line their mean; the solid line is the full-batch stability limit 2(1 + μ)/λ of the mean start, "
    "grey the side on which the patch is unstable, dotted the nulls: 2/λ, curvature without its ½. (c) Full-batch "
    "descent turns the units off on the patch at the large rate as SGD does.",
    simulate, judge, draw, ("LWM19.img-cause", "LWM19.img-order"), (4, 28, 80))
