"""Fig. 1 without patches, the threshold of instability, and the controls."""

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from figures._legacy import Drawing, holds
from figures._style import INK, panels, simulation, theory
from figures.images._support import CHANCE, GREY, NAMES, annealing, at, curves, listed, problem, seeds, source
from refimpl import images
from theory import images as predicted

_MULTIPLES = {"quick": (0.2, 4.0), "standard": (0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 4.0),
              "full": (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.5, 1.75, 2.0, 2.5, 4.0)}
_SCALES = {"quick": (0.5, 1.6), "standard": (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.7),
           "full": (0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.7)}


def plain(effort, rng, data=None):
    """Fig. 1 on images without patches."""
    count, epochs, anneal = {"quick": (1, 8, 4), "standard": (1, 120, 40), "full": (3, 120, 40)}[effort]
    runs = {name: [] for name in images.ARMS}
    arms = images.ARMS if effort != "quick" else ("large", "small")
    for seed, training in seeds(rng, count):
        sets = problem(seed, data, patch_validation=10)
        for name in arms:
            runs[name].append(images.run_arm(sets, name, data=sets.plain, epochs=epochs, anneal=anneal, rng=training,
                                             record_every=2 if effort == "quick" else 4))
    if effort == "quick":  # the noise needs longer: it is lowered as soon as it can be
        runs["noise"] = [images.run_arm(sets, "noise", data=sets.plain, epochs=epochs, anneal=anneal, rng=training,
                                        record_every=2)]
    figure, axes = panels(1, 2, width=4.6, height=3.3)
    out = {"epochs": runs["small"][0].epochs}
    for k, name in enumerate(images.ARMS):
        for axis, kind in zip(axes, ("train", "clean")):
            out[f"{name}_{kind}"] = curves(axis, runs[name], lambda run: run.accuracy[kind], k, simulation(k),
                                           NAMES[name])
    for axis, title in zip(axes, (f"training, {source(data)} without patches", "validation, enlarged")):
        annealing(axis, anneal)
        axis.set(title=title, xlabel="epoch", ylabel="accuracy")
    late = out["epochs"] >= 4
    ends = [out[f"{name}_clean"][:, late] for name in ("small", "large")]
    axes[0].set_ylim(0, 1.02)
    axes[1].set_ylim(max(0.0, min(end.min() for end in ends) - 0.05), min(1.0, max(end.max() for end in ends) + 0.06))
    axes[0].legend(loc="lower right", title="grey line: annealed", title_fontsize=7.5)
    e, rows = out["epochs"], []
    before = int(e[(e > 0) & (e <= anneal)][1])
    lead = [out["large_clean"][:, e == k] - out["small_clean"][:, e == k] for k in (before, epochs)]
    rows.append(holds("LWM19.img-fig1", f"plain images, validation, large minus small at epoch {before}",
                      "< 0 in Figure 1; not so here", listed(lead[0].ravel()), "> 0", lead[0].min() > 0))
    if effort != "quick":
        rows.append(holds("LWM19.img-fig1", f"plain images, validation, large minus small at epoch {epochs}",
                          "> 0 in Figure 1; not so here", listed(lead[1].ravel()), "< 0.02", lead[1].max() < 0.02))
        gain = (out["noise_clean"] - out["small_clean"])[:, e > anneal + 4].mean(axis=1)
        rows.append(holds("LWM19.img-noise-plain",
                          f"plain images, validation, noise minus small, mean over epochs {anneal}–{epochs}",
                          "> 0 (paper: 0.0472)", listed(gain), "mean > 0", gain.mean() > 0))
    else:
        gain = (out["noise_clean"] - out["small_clean"])[:, -1]
        rows.append(holds("LWM19.img-noise-plain",
                          f"plain images, validation, noise minus small at epoch {epochs}, too short "
                          "to show the gain", "not far behind", listed(gain), "> −0.3", gain.min() > -0.3))
    return Drawing(figure, out, tuple(rows))


def _sizes(model):
    return {"inputs": model.inputs, "filters": model.filters, "blocks": model.block_count, "classes": model.classes,
            "share": sum(predicted.augmentation_shares()[1:])}


def threshold(effort, rng):
    """Patch-only accuracy after four epochs against the rate and against the scale of z, and full-batch descent."""
    count = {"quick": 1, "standard": 2, "full": 5}[effort]
    multiples, scales = np.array(_MULTIPLES[effort]), np.array(_SCALES[effort])
    pairs = seeds(rng, count)
    sizes = _sizes(problem(pairs[0][0], patch_validation=10).model)
    curvature = predicted.initial_patch_curvature(2.2, **sizes)
    critical = predicted.momentum_limit(curvature, 0.9, 2e-3)
    scale = predicted.critical_patch_scale(0.2, **sizes, weight_decay=2e-3)
    by_rate, by_scale, active = (np.empty((count, len(grid))) for grid in (multiples, scales, multiples))
    starts = np.empty((count, 2))
    for i, (seed, training) in enumerate(pairs):
        sets = problem(seed, patch_validation=10, validation=10)
        for j, multiple in enumerate(multiples):
            run = images.run_arm(sets, "small", small=multiple * critical, epochs=4, anneal=4, record_every=4,
                                 rng=training)
            by_rate[i, j], active[i, j] = run.accuracy["patch"][-1], run.observed["active"][-1]
        for j, multiple in enumerate(scales):
            faint = problem(seed, patch_validation=10, validation=10, patch_scale=multiple * scale)
            run = images.run_arm(faint, "large", epochs=4, anneal=4, record_every=4, rng=training)
            by_scale[i, j] = run.accuracy["patch"][-1]
        starts[i] = _curvature_at_start(sets, training)
    whole = _full_batch(sets, training, {"quick": 16, "standard": 62, "full": 124}[effort])

    figure, axes = panels(1, 3, width=3.7, height=3.3)
    for axis, grid, values, unit in ((axes[0], multiples * critical, by_rate, critical),
                                     (axes[1], scales * scale, by_scale, scale)):
        axis.axvspan(unit, grid.max() * 1.15, color="#ececec", zorder=0, linewidth=0)
        axis.axvline(unit, **theory(0))
        for row in values:
            axis.plot(grid, row, **simulation(1, markersize=4, alpha=0.45 if count > 1 else 1))
        axis.plot(grid, values.mean(axis=0), color=simulation(1)["color"], linewidth=0.9)
        axis.axhline(CHANCE, color=GREY, linewidth=0.8, linestyle=":")
        axis.set(ylabel="patch-only accuracy at epoch 4", ylim=(0, 1.05), xlim=(0, grid.max() * 1.15))
    axes[0].text(critical, 0.99, f"  $2(1+\\mu)/\\lambda={critical:.3f}$", fontsize=8, va="top")
    axes[1].text(scale, 0.99, f"  {scale:.2f}", fontsize=8, va="top")
    axes[0].set(xlabel="learning rate $\\eta$ ($s=2.2$)", title="rate")
    axes[1].set(xlabel="scale $s$ of $z$ ($\\eta=0.2$)", title="brightness of the patch")
    axes[1].text(0.02, CHANCE + 0.01, "chance", transform=axes[1].get_yaxis_transform(), va="bottom", fontsize=7)
    for axis in axes[:2]:
        axis.text(0.98, 0.55, "unstable", transform=axis.transAxes, ha="right", fontsize=8, color="#5a5a5a")
    for k, (lr, run) in enumerate(whole.items()):
        axes[2].plot(run.epochs, run.observed["active"], color=simulation(k)["color"], linewidth=0.6)
        axes[2].plot(run.epochs, run.observed["active"], label=f"$\\eta={lr}$", **simulation(k, markersize=4))
    axes[2].set(title="full batch", xlabel="step", ylabel="share of units active on the patch", ylim=(-0.02, 0.6))
    axes[2].axhline(0.5, **theory(0, linestyle=":", linewidth=0.9))
    axes[2].text(0.98, 0.54, "½ predicted at a random start", transform=axes[2].get_yaxis_transform(), ha="right",
                 fontsize=7)
    axes[2].legend(loc="center right", bbox_to_anchor=(1, 0.55))

    own = predicted.momentum_limit(starts[:, 1], 0.9, 2e-3)[:, None]     # each start has a threshold of its own
    low, high = by_rate[multiples * critical <= own / 2], by_rate[multiples * critical >= 2 * own]
    faint, bright = by_scale[:, scales <= 0.75], by_scale[:, scales >= 1.5]
    final = {lr: (run.accuracy["patch"][-1], run.observed["active"][-1]) for lr, run in whole.items()}
    rows = [holds("LWM19.img-cause", "largest eigenvalue of the loss's Hessian at the start, scores equal on z",
                  f"{listed(starts[:, 1], 1)} (mean over starts {curvature:.1f})", listed(starts[:, 0], 1),
                  "−2 % (a lower bound), +25 % (images and ζ add)",
                  bool(((starts[:, 0] > 0.98 * starts[:, 1]) & (starts[:, 0] < 1.25 * starts[:, 1])).all())),
            holds("LWM19.img-cause", "patch-only accuracy at epoch 4, η ≤ ½ of the start's threshold, lowest", "learned",
                  f"{low.min():.2f}",
                  "≥ 0.8", low.min() >= 0.8),
            holds("LWM19.img-cause", "patch-only accuracy at epoch 4, η ≥ twice the start's threshold, highest", "chance",
                  f"{high.max():.2f}", "≤ 0.5", high.max() <= 0.5),
            holds("LWM19.img-order", "patch-only accuracy at epoch 4 at η = 0.2, scale ≤ ¾ of the threshold: the null",
                  "learned",
                  f"{faint.min():.2f}", "≥ 0.8", faint.min() >= 0.8),
            holds("LWM19.img-cause", "the same, scale ≥ 1.5 times the threshold, highest", "chance",
                  f"{bright.max():.2f}",
                  "≤ 0.5", bright.max() <= 0.5),
            holds("LWM19.img-cause", "share of units active on the patch after full-batch steps, η = 0.2 and 0.02",
                  "nearly 0 at 0.2 without any noise of SGD", listed([final[0.2][1], final[0.02][1]]),
                  "< 0.1 at 0.2, more at 0.02",
                  final[0.2][1] < min(0.1, final[0.02][1]))]
    out = {"rates": multiples * critical, "by_rate": by_rate, "active": active, "scales": scales * scale,
           "by_scale": by_scale, "own_rate": own[:, 0], "critical_rate": critical, "critical_scale": scale, "curvature": starts,
           **{f"full_batch_{lr}": run.observed["active"] for lr, run in whole.items()}}
    return Drawing(figure, out, rows=tuple(rows))


def _curvature_at_start(sets, seed):
    """(largest eigenvalue of the Hessian, what is predicted along z) at a run's start, scores made equal on z."""
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
                               record_every=max(1, steps // 15), rng=seed) for lr in (0.2, 0.02)}


def controls(effort, rng):
    """What takes the effect away: each control beside the arms' own runs is one pair of curves."""
    epochs, anneal = {"quick": (8, 4), "standard": (60, 40), "full": (120, 40)}[effort]
    (seed, training), = seeds(rng, 1)
    sets = problem(seed, patch_validation=10)
    alike = problem(seed, patch_validation=10, separation=0.0)
    faint = problem(seed, patch_validation=10, patch_scale=0.3)
    options = {"epochs": epochs, "anneal": anneal, "rng": training, "record_every": 4 if effort == "quick" else 2}
    runs = {"noise independent for each unit": images.run_arm(sets, "noise", preactivation_form="independent", **options),
            "large rate, never annealed": images.run_arm(sets, "large", **{**options, "anneal": epochs}),
            "large rate, faint z (s = 0.3)": images.run_arm(faint, "large", **options),
            "ζ = 0, small rate": images.run_arm(alike, "small", **options),
            "ζ = 0, large rate": images.run_arm(alike, "large", **options)}
    figure, axes = panels(1, 3, width=3.9, height=3.3)
    order = (0, 1, 2, 3)
    for k, (name, run) in zip(order, runs.items()):
        for axis, kind in zip(axes, ("clean", "patch")):
            if "ζ" not in name:
                curves(axis, [run], lambda run: run.accuracy[kind], k, simulation(k), name)
    for k, name in enumerate(("ζ = 0, small rate", "ζ = 0, large rate")):
        curves(axes[2], [runs[name]], lambda run: run.accuracy["clean"], k, simulation(k), name + ": clean")
        curves(axes[2], [runs[name]], lambda run: run.accuracy["patch"], k, simulation(k + 2), name + ": patch only")
    for axis, title in zip(axes, ("clean images", "patch only", "no separation")):
        annealing(axis, anneal)
        axis.set(title=title, xlabel="epoch", ylabel="accuracy", ylim=(0, 1.04))
    for axis in axes[1:]:
        axis.axhline(CHANCE, color=INK, linewidth=0.9, linestyle=":")
    axes[0].legend(loc="lower right")
    axes[2].legend(loc="center right")
    independent, never, bright, *none = runs.values()
    gap = none[1].accuracy["clean"][-1] - none[0].accuracy["clean"][-1]
    e = never.epochs
    kept = never.accuracy["patch"][e >= 8].mean()
    rows = (holds("LWM19.img-noise-form", "patch-only accuracy at epoch 8, noise independent for each unit", "learned",
                  f"{at(independent, 8, independent.accuracy['patch']):.2f}", "≥ 0.9",
                  at(independent, 8, independent.accuracy["patch"]) >= 0.9),
            holds("LWM19.img-order", f"patch-only accuracy, mean over epochs 8–{epochs}, large rate never annealed",
                  f"{CHANCE:g}",
                  f"{kept:.2f}", "≤ 0.35", kept <= 0.35),
            holds("LWM19.img-order", "patch-only accuracy at epoch 4, large rate with z of scale 0.3: the null", "1",
                  f"{at(bright, 4, bright.accuracy['patch']):.2f}", "≥ 0.9",
                  at(bright, 4, bright.accuracy["patch"]) >= 0.9),
            holds("LWM19.img-order", "patch-only accuracy with ζ = 0, either rate", f"{CHANCE:g}",
                  listed([run.accuracy["patch"][-1] for run in none], 2), "equal: all patches are alike",
                  all(run.accuracy["patch"][-1] == CHANCE for run in none)),
            holds("LWM19.img-clean", "clean accuracy at the end with ζ = 0, large minus small: the null", "0",
                  f"{gap:.3f}",
                  "≤ 0.05", gap <= 0.05))
    out = {"epochs": e,
           **{f"{name} {kind}": run.accuracy[kind] for name, run in runs.items() for kind in ("clean", "patch")}}
    return Drawing(figure, out, rows)
