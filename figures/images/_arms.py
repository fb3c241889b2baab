"""Accuracy against epoch for the three arms, and the units that are active on the patch."""

import numpy as np

from figures._effects import LIMIT
from figures._figure import Figure, close, frozen, holds, not_judged
from figures._fitted_powers import t_limit
from figures._style import guide, panels, theory
from figures.images._panels import annealing, chance, curves
from figures.images._runs import NAMES, OWN, TOLD, ahead, at, equal_loss, problem, seeds, source, spread_of, stacked
from refimpl import images
from theory import images as predicted

# Seeds, epochs, the epoch of annealing, the training loss of the comparison, and epochs between records.
Sizes = frozen("seeds epochs anneal target every")
SIZES = {"quick": Sizes(1, 20, 12, 0.4, 4), "standard": Sizes(2, 120, 40, 0.15, 2), "full": Sizes(5, 120, 40, 0.15, 2)}


def simulate(effort, rng, data=None):
    """Accuracies and training losses (seeds, records) of each arm, and of the small rate on the clean images alone."""
    sizes = SIZES[effort]
    runs, alone = {name: [] for name in images.ARMS}, []
    count = sizes.seeds if data is None or effort == "quick" else max(sizes.seeds, OWN)
    for seed, training in seeds(rng, count):
        sets = problem(seed, data)
        for name in images.ARMS:
            runs[name].append(images.run_arm(sets, name, epochs=sizes.epochs, anneal=sizes.anneal, rng=training,
                                             record_every=sizes.every))
        # Few images: as many steps per epoch as before would overfit them otherwise, so the epochs are the same.
        few = images.run_arm(sets, "small", data=sets.train.only(images.CLEAN), batch_size=16, epochs=sizes.epochs // 2,
                             record_every=10, rng=training)
        alone.append(few.accuracy["clean"][-1])
    numbers = {"data": source(data), "epochs": runs["small"][0].epochs, "anneal": sizes.anneal, "target": sizes.target,
               "alone": np.array(alone), "validation": len(sets.clean.labels), "classes": sets.model.classes,
               "patches": len(sets.patch_only.labels)}
    for name in images.ARMS:
        for kind in ("clean", "patch", "mixed"):
            numbers[f"{name}_{kind}"] = stacked(runs[name], lambda run: run.accuracy[kind])  # noqa: B023
        numbers[f"{name}_active"] = stacked(runs[name], lambda run: run.observed["active"])
        numbers[f"{name}_loss"] = stacked(runs[name], lambda run: run.loss["train"])
    clean = {name: numbers[f"{name}_clean"].mean(axis=0) for name in ("small", "large")}
    numbers["mixed_known"] = predicted.mixed_accuracy(clean["small"], 1.0, 1.0)
    numbers["mixed_ignored"] = predicted.mixed_accuracy(clean["large"], 1 / sets.model.classes, clean["large"])
    return numbers


def judge(numbers):
    """Clean and patch accuracies by standard errors, the mixed set by formula."""
    return (*_clean(numbers), *_patch(numbers), *mixed(numbers))


def _clean(numbers):
    epochs, count, target, anneal = (numbers[name] for name in ("epochs", "validation", "target", "anneal"))
    reached = max(np.asarray(numbers[f"{name}_loss"]).min(axis=1).max() for name in images.ARMS)
    target = max(float(target), float(reached)) if int(epochs[-1]) > 100 else float(target)   # that every run reaches
    equal = {name: equal_loss(epochs, numbers[f"{name}_loss"], numbers[f"{name}_clean"], target)
             for name in images.ARMS}
    small, few = np.asarray(numbers["small_clean"])[:, -1], np.asarray(numbers["alone"])
    shares, seen = predicted.picture_shares(), at(numbers, "large_clean", anneal)
    error, limit = np.hypot(spread_of(few, count), 0.03 / len(few)**0.5), LIMIT
    note = "; starts and sets scatter by 0.03"
    if len(few) >= OWN:
        error, limit, note = (small - few).std(ddof=1) / len(few)**0.5, t_limit(len(few) - 1, TOLD), ""
    where = f"train loss first ≤ {target:.3g}, each seed"
    return (
        ahead("LWM19.img-clean", f"clean accuracy, large then small minus small, {where}", equal["large"],
              equal["small"], count),
        ahead("LWM19.img-noise", f"clean accuracy, noise minus small, {where}", equal["noise"], equal["small"], count),
        close("LWM19.img-fraction", "clean accuracy at the end: small rate minus that of the clean "
              f"{shares[0]:.0%} alone", 0.0, (small - few).mean(), limit * error,
              null=((seen - few).mean(), f"what the large rate has of {shares[1]:.0%} of the pictures"),
              note=f"({limit:.1f} standard errors{note})"),
        ahead("LWM19.img-fraction", f"clean accuracy of the large rate at epoch {anneal}, which has {shares[1]:.0%} of "
              "the pictures, minus that of the small rate at the end", seen, small, count))


def _patch(numbers):
    epochs, anneal, count = np.asarray(numbers["epochs"]), int(numbers["anneal"]), int(numbers["patches"])
    early, last = at(numbers, "small_patch", 4), int(epochs[-1])
    before = (epochs >= 8) & (epochs <= anneal)
    rows = [ahead("LWM19.img-order", "patch-only accuracy at epoch 4, small rate, minus chance", early,
                  np.full(len(early), 1 / numbers["classes"]), count, predicted_text="> 0: learned at once")]
    for name in ("large", "noise"):
        accuracy = np.asarray(numbers[f"{name}_patch"])
        held, end = accuracy[:, before].mean(axis=1), accuracy[:, -1]
        rows += [ahead("LWM19.img-order", f"patch-only accuracy, mean over epochs 8–{anneal}, {NAMES[name]}, minus "
                       "that of the small rate at epoch 4", held, early, count, sign=-1, predicted_text="< 0: not yet"),
                 ahead("LWM19.img-order", f"patch-only accuracy at epoch {last}, {NAMES[name]}, minus that before "
                       f"epoch {anneal}", end, held, count, predicted_text="> 0: learned after annealing",
                       judged=last > 100, why="" if last > 100 else f"{last} epochs are too short")]
    return rows


def mixed(numbers):
    """Rows on augmented validation images: the loss before annealing, by formula, and what is gained back."""
    epochs, anneal, guess = np.asarray(numbers["epochs"]), int(numbers["anneal"]), 1 / numbers["classes"]
    gap = {epoch: at(numbers, "large_mixed", epoch) - at(numbers, "small_mixed", epoch)
           for epoch in (anneal, int(epochs[-1]))}
    clean = {name: at(numbers, f"{name}_clean", anneal) for name in ("large", "small")}
    expected = predicted.mixed_accuracy(clean["large"], guess,
                                        clean["large"]) - predicted.mixed_accuracy(clean["small"], 1.0, 1.0)
    count, error = len(gap[anneal]), spread_of(at(numbers, "large_mixed", anneal), numbers["validation"])
    levels = [at(numbers, f"{name}_patch", anneal).mean() for name in ("large", "small")]
    words = (f"mixed images, large minus small at epoch {anneal}, from the clean accuracies alone",
             f"mixed images, large minus small: gained back from epoch {anneal} to {epochs[-1]}")
    if not levels[0] < 0.5 < levels[1]:
        why = (f"the rates have {levels[0]:.2f} and {levels[1]:.2f} of the patches at epoch {anneal}: not known by one "
               "alone")
        return tuple(not_judged("LWM19.img-fig1", one, why) for one in words)
    off, regained, limit = gap[anneal] - expected, gap[int(epochs[-1])] - gap[anneal], LIMIT
    errors = [2**0.5 * error] * 2
    if count >= OWN:
        errors, limit = [one.std(ddof=1) / count**0.5 for one in (off, regained)], t_limit(count - 1, TOLD)
    half, away, sure = abs(expected.mean()) / 2, abs(off.mean()), limit * errors[0]
    least = limit * errors[1]
    return (holds("LWM19.img-fig1", words[0], f"{expected.mean():.4g}", f"{gap[anneal].mean():.4g}",
                  f"±{half:.2g}, half of it, beyond {limit:.1f} standard errors of {errors[0]:.2g}: what the patch "
                  "disturbs in the images has no law", True if away + sure <= half else False if away - sure > half
                  else None, null="no loss before annealing: 0; or twice the loss"),
            holds("LWM19.img-fig1", words[1], f"{-gap[anneal].mean():.3f}, all of it", f"{regained.mean():.3f}",
                  f"above {limit:.1f} standard errors of {errors[1]:.2g}",
                  regained.mean() > 0 if abs(regained.mean()) > least else None, null="nothing gained: 0"))


def draw(numbers):
    """Clean, patch-only and mixed accuracy, and active units."""
    picture, axes = panels(2, 2, width=4.4, height=3.0)
    epochs, anneal = np.asarray(numbers["epochs"]), int(numbers["anneal"])
    for k, name in enumerate(images.ARMS):
        for axis, kind in zip(axes, ("clean", "patch", "mixed", "active")):
            curves(axis, epochs, numbers[f"{name}_{kind}"], k, NAMES[name])
    few = float(np.mean(numbers["alone"]))
    axes[0].axhline(few, label="simulated: clean 20 % alone, at its end", **guide(linestyle="--", linewidth=1.1))
    chance(axes[1], 1 / numbers["classes"])
    late, early = epochs >= 4, (epochs >= 1) & (epochs <= anneal)
    lines = [*axes[2].plot(epochs[late], np.asarray(numbers["mixed_known"])[late],
                           label="theory, patch known: .20 clean + .80 (null)", **theory(1)),
             *axes[2].plot(epochs[early], np.asarray(numbers["mixed_ignored"])[early],
                           label="theory, patch ignored: .84 clean + .16/C", **theory(0))]
    axes[3].plot([0], [0.5], **theory(0, marker="_", markersize=11, markeredgewidth=2), zorder=5, clip_on=False)
    axes[3].annotate("theory: ½ at a random start", (0, 0.5), (0.09 * epochs[-1], 0.5), fontsize=7.5, va="center",
                     arrowprops={"arrowstyle": "-", "linewidth": 0.6})
    ends = np.concatenate([np.asarray(numbers[f"{name}_clean"])[:, 2:] for name in images.ARMS])
    axes[0].set_ylim(max(0, min(ends.min(), few) - 0.03), min(1, ends.max() + 0.03))
    titles = (f"clean images ({numbers['data']})", "patch only", "mixed images: Fig. 1 with a patch",
              "units active on the patch")
    for axis, title in zip(axes, titles):
        axis.set(title=title, xlabel="epoch (grey line: annealed)", ylabel="share of units" if axis is axes[3]
                 else "accuracy", xlim=(-2, epochs[-1] + 2))
        annealing(axis, anneal)
    axes[1].set_ylim(0, 1.04)
    axes[2].set_ylim(min(0.55, float(np.min(numbers["large_mixed"][:, 1:]))), 1.0)
    axes[3].set_ylim(0, None)
    axes[2].legend(handles=lines, loc="lower right")
    picture.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncol=4)
    return picture


FIGURE = Figure(
    "images-arms", "Li, Wei and Ma: three arms on patch-augmented images (Figure 3)",
    "Markers: means over seeds, thin lines single seeds. (a) On clean images the small rate ends at the level that the "
    "clean 20 % alone give (dashed). (b) It has the patch at once; the large rate, and noise, only after annealing. "
    "(c) Accuracy on the augmented validation set; lines are what clean accuracy alone predicts where the patch is "
    "known, and where it is ignored. (d) At the large rate nearly all units are off on the patch.",
    simulate, judge, draw, ("LWM19.img-clean", "LWM19.img-noise", "LWM19.img-fraction", "LWM19.img-order",
                            "LWM19.img-fig1"),
    (5, 58, 145), reads_data=True, data_seconds=(12, 235, 235))
