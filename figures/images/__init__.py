"""Li, Wei and Ma 2019, section 6 and figures 1 and 3, and the slides' figure 4."""

import numpy as np

from figures._legacy import Drawing, Figure, close, holds
from figures._style import panels, simulation, theory
from figures.images._controls import controls, plain, threshold
from figures.images._support import CHANCE, NAMES, annealing, at, curves, level, listed, problem, seeds, source
from refimpl import images
from theory import images as predicted


def examples(effort, rng, data=None):
    """Images without, with only, and with both image and patch, as on the slides."""
    (seed, _), columns = seeds(rng, 1)[0], 6
    sets = problem(seed, data, patch_validation=20)
    figure, axes = panels(1, 3, width=3.6, height=3.0)
    bright = float(np.abs(sets.patches.base).std())
    dim = float(sets.plain.images.std())
    titles = ("no patch", "only patch", "image with patch")
    shown, counts = [], np.bincount(sets.train.kind, minlength=3) / len(sets.train.kind)
    for kind, axis, title in zip((images.CLEAN, images.PATCH_ONLY, images.BOTH), axes, titles):
        some = sets.train.only(kind)
        order = np.argsort(some.labels, kind="stable")
        picked = order[np.linspace(0, len(order) - 1, columns).astype(int)]
        tiles = some.images[picked]
        shown.append(tiles)
        axis.imshow(_mosaic(tiles, 3.5 * dim), interpolation="nearest")
        axis.set_title(f"{title}: {counts[kind]:.0%}")
        axis.set_xlabel("classes " + ", ".join(map(str, some.labels[picked])), fontsize=7.5)
        axis.grid(False)
        axis.set(xticks=[], yticks=[])
    base = float(sets.patches.base.std())
    figure.suptitle(f"{source(data)}; the patch is {base / dim:.0f} times brighter (standard deviation {base:.2g} "
                    f"against {dim:.2g}) and is clipped at the ends of the scale, ±{3.5 * dim:.2g}", fontsize=8.5)
    rows = _example_rows(sets, counts)
    return Drawing(figure, {"clean": shown[0], "patch_only": shown[1], "both": shown[2], "brightness": [bright, dim]},
                   rows)


def _mosaic(tiles, limit):
    """Six images in two rows, grey between them, clipped to ±limit and mapped to 0…1."""
    tiles = np.clip(tiles / (2 * limit) + 0.5, 0, 1)
    if tiles.shape[1] != 3:
        tiles = np.repeat(tiles[:, :1], 3, axis=1)
    framed = np.pad(tiles, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=1.0).transpose(0, 2, 3, 1)
    half = len(framed) // 2
    return np.concatenate([np.concatenate(list(row), axis=1) for row in (framed[:half], framed[half:])])


def _example_rows(sets, counts):
    shares = predicted.augmentation_shares()
    rows = [close("LWM19.img-shares", f"share of training images, {name}", share, counts[kind],
                  0.5 / len(sets.train.kind) * 2,
                  "(rounding to whole images)") for kind,
            (name, share) in enumerate(zip(("clean", "patch only", "both"), shares))]
    rows.append(holds("LWM19.img-slides-shares", "share of images with picture and patch",
                      f"{shares[2]:.2f} (slides: 0.60)",
                      f"{counts[2]:.4f}", "the printed shares add to 0.96", abs(counts[2] - shares[2]) < 0.002))
    flat = sets.patches.variants().reshape(len(sets.patches.patterns), 2, -1)
    limit = predicted.linear_patch_limit(len(flat))
    best = _linear_accuracy(flat)
    rows.append(holds("LWM19.img-separable", "share of patches right: the best linear classifier, by construction",
                      f"{float(limit):g} = (C + 1)/2C", f"{best:g}", "equal", best == float(limit)))
    return tuple(rows)


def _linear_accuracy(flat):
    """Accuracy of the affine classifier that meets the bound."""
    middle = flat.mean(axis=1)
    coordinates = np.linalg.pinv((flat[:, 0] - flat[:, 1]) / 2)       # (d, C): 1 along its own ζ, 0 along the others
    scores = (flat - middle[0]) @ coordinates
    scores[..., 0] = 0.1 * scores[..., 0] + 0.5
    return float((scores.argmax(axis=-1) == np.arange(len(flat))[:, None]).mean())


def arms(effort, rng, data=None):
    """Accuracy against epoch for the three arms: clean, patch only, mixed; and the units active on the patch."""
    count, epochs, anneal, target = {"quick": (1, 40, 16, 0.3), "standard": (2, 120, 40, 0.15),
                                     "full": (5, 120, 40, 0.15)}[effort]
    runs, alone, every = {name: [] for name in images.ARMS}, [], []
    for seed, training in seeds(rng, count):
        sets = problem(seed, data)
        for name in images.ARMS:
            runs[name].append(images.run_arm(sets, name, epochs=epochs, anneal=anneal, rng=training,
                                             record_every=4 if effort == "quick" else 2))
        # Few images: as many steps an epoch as before would overfit them otherwise, so the epochs are the same.
        few = images.run_arm(sets, "small", data=sets.train.only(images.CLEAN), batch_size=16, epochs=epochs // 2,
                             record_every=10, rng=training)
        alone.append(few.accuracy["clean"])
        every.append(sets)
    figure, axes = panels(2, 2, width=4.6, height=3.1)
    titles = ("clean images", "patch only", "mixed images: Fig. 1 with a patch", "units active on the patch")
    kinds = ("clean", "patch", "mixed")
    data_out = {"epochs": runs["small"][0].epochs}
    for k, name in enumerate(images.ARMS):
        for axis, kind in zip(axes, kinds):
            stack = curves(axis, runs[name], lambda run: run.accuracy[kind], k, simulation(k), NAMES[name])
            data_out[f"{name}_{kind}"] = stack
        data_out[f"{name}_active"] = curves(axes[3], runs[name], lambda run: run.observed["active"], k, simulation(k))
        data_out[f"{name}_loss"] = np.array([run.loss["train"] for run in runs[name]])
    lines = _predicted_mixed(axes[2], runs, anneal, data_out)
    few = float(np.mean([accuracy[-1] for accuracy in alone]))
    axes[0].axhline(few, color="#5a5a5a", linewidth=0.9, linestyle="--")
    axes[0].text(epochs, few - 0.008, "the clean 20 % alone (simulated)", ha="right", va="top", fontsize=7,
                 color="#5a5a5a")
    level(axes[1], CHANCE, "")
    axes[1].text(epochs, CHANCE - 0.015, "chance", fontsize=7, ha="right", va="top")
    axes[3].plot([0], [0.5], **theory(0, marker="_", markersize=11, markeredgewidth=2), zorder=5, clip_on=False)
    axes[3].annotate("½ at a random start", (0, 0.5), (0.09 * epochs, 0.5), fontsize=7.5, va="center",
                     arrowprops={"arrowstyle": "-", "linewidth": 0.6})
    low = min(data_out[f"{name}_clean"][:, 3:].min() for name in ("large", "small"))
    axes[0].set_ylim(max(0, low - 0.12), min(1, max(data_out[f"{name}_clean"].max() for name in images.ARMS) + 0.03))
    for axis, title in zip(axes, titles):
        axis.set(title=title, xlabel="epoch", ylabel="share of units" if axis is axes[3] else "accuracy",
                 xlim=(-2, epochs + 2))
        annealing(axis, anneal)
    axes[1].set_ylim(0, 1.04)
    axes[2].set_ylim(0.55, 1.0)
    axes[3].set_ylim(0, None)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[3].legend(handles, labels, loc="upper right", title=f"{source(data)}, {count} seed{'s' * (count > 1)}\n"
                   "grey line: annealed", title_fontsize=7.5)
    axes[2].legend(handles=lines, loc="lower right")
    rows = _arm_rows(runs, every, alone, epochs, anneal, target, effort)
    return Drawing(figure, data_out, rows)


def _predicted_mixed(axis, runs, anneal, data_out):
    """Mixed accuracy where the patch is known and where it is ignored, from the clean accuracy alone."""
    epochs = runs["small"][0].epochs
    mean = {name: np.mean([run.accuracy["clean"] for run in runs[name]], axis=0) for name in ("small", "large")}
    known = predicted.mixed_accuracy(mean["small"], 1.0, 1.0)
    ignored = predicted.mixed_accuracy(mean["large"], CHANCE, mean["large"])
    late, early = epochs >= 4, (epochs >= 1) & (epochs <= anneal)
    data_out["mixed_known"], data_out["mixed_ignored"] = known, ignored
    return [*axis.plot(epochs[late], known[late], label="patch known: .20 clean + .80", **theory(1)),
            *axis.plot(epochs[early], ignored[early], label="patch ignored: .84 clean + .16/C", **theory(0))]


def _arm_rows(runs, problems, alone, epochs, anneal, target, effort):
    bound = {"quick": (0.01, 0.01, 0.0), "standard": (0.02, 0.04, 0.03), "full": (0.03, 0.05, 0.04)}[effort]
    equal = {name: np.array([images.at_equal_loss(run, target=target) for run in runs[name]]) for name in runs}
    lead, noisy = equal["large"] - equal["small"], equal["noise"] - equal["small"]
    rows = [holds("LWM19.img-clean",
                  f"clean accuracy, large then small minus small, train loss first ≤ {target:g}, each seed",
                  "> 0", listed(lead), f"≥ {bound[0]:g} each, mean ≥ {bound[1]:g}",
                  lead.min() >= bound[0] and lead.mean() >= bound[1]),
            holds("LWM19.img-noise", f"clean accuracy, noise minus small, train loss first ≤ {target:g}, each seed",
                  "> 0",
                  listed(noisy), f"≥ {bound[2]:g} each", noisy.min() >= bound[2])]
    shares = predicted.picture_shares()
    small = np.array([run.accuracy["clean"][-1] for run in runs["small"]])
    few = np.array([accuracy[-1] for accuracy in alone])
    ahead = np.array([at(run, anneal, run.accuracy["clean"]) for run in runs["large"]]) - small
    rows += [holds("LWM19.img-fraction",
                   f"clean accuracy at the end: small rate minus that of the clean {shares[0]:.0%} alone",
                   "0", listed(small - few), "±0.08", np.abs(small - few).max() <= 0.08),
             holds("LWM19.img-fraction",
                   f"clean accuracy of the large rate at epoch {anneal}, which has {shares[1]:.0%} of the "
                   "pictures, minus that of the small rate at the end", "> 0", listed(ahead), "≥ 0.05",
                   ahead.min() >= 0.05)]
    patch = {name: np.array([run.accuracy["patch"] for run in runs[name]]) for name in runs}
    e = runs["small"][0].epochs
    early = patch["small"][:, e == 4]
    rows.append(holds("LWM19.img-order", "patch-only accuracy at epoch 4, small rate", "1", listed(early.ravel(), 2),
                      "≥ 0.9",
                      early.min() >= 0.9))
    before = (e >= 8) & (e <= anneal)
    for name in ("large", "noise"):
        held = patch[name][:, before].mean(axis=1)
        rows.append(holds("LWM19.img-order", f"patch-only accuracy, mean over epochs 8–{anneal}, {NAMES[name]}",
                          f"{CHANCE:g} (chance)", listed(held, 2), "≤ 0.4 each, mean ≤ 0.3",
                          held.max() <= 0.4 and held.mean() <= 0.3))
        last, floor = patch[name][:, -1], 0.4 if effort == "quick" else 0.9
        rows.append(holds("LWM19.img-order", f"patch-only accuracy at epoch {epochs}, {NAMES[name]}", "1",
                          listed(last, 2),
                          f"≥ {floor:g}", last.min() >= floor))
    mixed = {name: np.array([run.accuracy["mixed"] for run in runs[name]]) for name in runs}
    gap = [(mixed["large"] - mixed["small"])[:, e == k].mean() for k in (anneal, epochs)]
    clean = {name: np.array([run.accuracy["clean"] for run in runs[name]])[:, e == anneal].mean() for name in runs}
    expected = (predicted.mixed_accuracy(clean["large"], CHANCE, clean["large"])
                - predicted.mixed_accuracy(clean["small"], 1.0, 1.0))
    rows += [holds("LWM19.img-fig1",
                   f"mixed images, large minus small at epoch {anneal}, from the clean accuracies alone",
                   f"{expected:.3f}", f"{gap[0]:.3f}", "±0.06", abs(gap[0] - expected) <= 0.06),
             holds("LWM19.img-fig1", f"mixed images, large minus small at epoch {epochs}", "the loss is gained back",
                   f"{gap[1]:.3f}",
                   "≥ −0.15" if effort == "quick" else "≥ −0.01", gap[1] >= (-0.15 if effort == "quick" else -0.01))]
    return tuple(rows)


FIGURES = (
    Figure("images-examples", "Clean, patch-only and patched images, as on the slides", examples,
           ("LWM19.img-shares", "LWM19.img-slides-shares", "LWM19.img-separable"), (1.5, 1.5, 1.5), reads_data=True),
    Figure("images-arms", "Three arms against epoch: clean, patch-only and mixed accuracy, active units (Fig. 3)", arms,
           ("LWM19.img-clean", "LWM19.img-noise", "LWM19.img-fraction", "LWM19.img-order", "LWM19.img-fig1"),
           (8.5, 58, 145),
           reads_data=True),
    Figure("images-plain", "Fig. 1 on images without patches: small, large, and noise", plain,
           ("LWM19.img-fig1", "LWM19.img-noise-plain"), (2.5, 23, 70), reads_data=True),
    Figure("images-threshold", "Rate and patch scale at which the patch becomes unstable, against 2(1 + μ)/λ",
           threshold,
           ("LWM19.img-cause", "LWM19.img-order"), (4, 21, 75)),
    Figure("images-controls", "Controls: independent noise, no separation, faint z, never annealed", controls,
           ("LWM19.img-noise-form", "LWM19.img-order", "LWM19.img-clean"), (3.5, 25, 50)),
)
