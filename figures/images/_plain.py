"""Fig. 1 on images without patches: small, large, and noise."""

from dataclasses import replace

import numpy as np

from figures._figure import Figure, frozen
from figures._style import null, panels
from figures.images._panels import annealing, curves
from figures.images._runs import NAMES, OWN, SYNTHETIC, ahead, at, problem, seeds, source, stacked
from refimpl import images

# Seeds, epochs, the epoch of annealing, epochs between records; filters of the narrower nets at equal loss.
Sizes = frozen("seeds epochs anneal every narrow")
SIZES = {"quick": Sizes(1, 8, 4, 2, (16,)), "standard": Sizes(OWN, 120, 40, 4, (16, 64)),
         "full": Sizes(7, 120, 40, 4, (16, 64))}


def simulate(effort, rng, data=None):
    """Accuracies on training and validation images, (seeds, records) for each arm; and of large and small rate at the
    least training loss that both reach, (widths, seeds), for narrower nets and this one."""
    sizes, runs, pairs = SIZES[effort], {name: [] for name in images.ARMS}, []
    for seed, training in seeds(rng, sizes.seeds):
        sets = problem(seed, data, patch_validation=10)
        options = {"data": sets.plain, "epochs": sizes.epochs, "anneal": sizes.anneal, "rng": training,
                   "record_every": sizes.every}
        own = {name: images.run_arm(sets, name, **options) for name in images.ARMS}
        for name, run in own.items():
            runs[name].append(run)
        others = [{name: images.run_arm(sets, name, model=replace(sets.model, filters=width), **options)
                   for name in ("large", "small")} for width in sizes.narrow]
        pairs.append([_at_equal_loss(of["large"], of["small"]) for of in (*others, own)])
    numbers = {"data": source(data), "epochs": runs["small"][0].epochs, "anneal": sizes.anneal,
               "validation": len(sets.clean.labels), "filters": np.array((*sizes.narrow, sets.model.filters)),
               **dict(zip(("equal_loss", "equal_large", "equal_small"), np.array(pairs).transpose(2, 1, 0)))}
    for name in images.ARMS:
        for kind in ("train", "clean"):
            numbers[f"{name}_{kind}"] = stacked(runs[name], lambda run: run.accuracy[kind])  # noqa: B023
    return numbers


def _at_equal_loss(large, small):
    """The least training loss that both runs reach, and the accuracies there."""
    level = max(run.loss["train"].min() for run in (large, small))
    return level, *(images.at_equal_loss(run, target=level) for run in (large, small))


def judge(numbers):
    """Who is ahead on validation before annealing and at the end, and what the noise gains."""
    epochs, count = np.asarray(numbers["epochs"]), int(numbers["validation"])
    anneal, last = int(numbers["anneal"]), int(epochs[-1])
    before = int(epochs[(epochs > 0) & (epochs <= anneal)][1])
    own, long = numbers["data"] == SYNTHETIC, last > 20
    short = "" if long else f"{last} epochs are too short"
    rows = [ahead("LWM19.img-fig1", f"plain images, validation, at equal training loss, {width} filters: large then "
                  "small minus small", numbers["equal_large"][i], numbers["equal_small"][i], count,
                  predicted_text="> 0", judged=long, why=short) for i, width in enumerate(numbers["filters"])]
    # on the synthetic images the large rate is ahead before, and level at the end; on others Figure 1 is tested
    sign, words = (1, "< 0 in Figure 1; > 0 here") if own else (-1, "< 0 in Figure 1")
    rows.append(ahead("LWM19.img-fig1", f"plain images, validation, large minus small at epoch {before}",
                      at(numbers, "large_clean", before), at(numbers, "small_clean", before), count, sign=sign,
                      predicted_text=words))
    sign, level, words = ((-1, 0.07, "> 0 in Figure 1; below 0.07, what it is with patches") if own else
                          (1, 0.0, "> 0 in Figure 1"))
    rows.append(ahead("LWM19.img-fig1", f"plain images, validation, large minus small at epoch {last}",
                      at(numbers, "large_clean", last), at(numbers, "small_clean", last), count, sign=sign, level=level,
                      judged=long, why=short, predicted_text=words))
    late = epochs > anneal + 4 if long else epochs == last
    gain = [np.asarray(numbers[f"{name}_clean"])[:, late].mean(axis=1) for name in ("noise", "small")]
    rows.append(ahead("LWM19.img-noise-plain", f"plain images, validation, noise minus small, mean of records after "
                                               f"epoch {anneal}",
                      *gain, count, predicted_text="> 0 (0.0472 on CIFAR-10)", judged=long, why=short))
    return tuple(rows)


def draw(numbers):
    """Training, validation, and validation with the small rate taken away."""
    picture, axes = panels(1, 3, width=3.6, height=3.5)
    epochs, anneal = np.asarray(numbers["epochs"]), int(numbers["anneal"])
    for k, name in enumerate(images.ARMS):
        for axis, kind in zip(axes, ("train", "clean")):
            curves(axis, epochs, numbers[f"{name}_{kind}"], k, NAMES[name])
        curves(axes[2], epochs[1:], (np.asarray(numbers[f"{name}_clean"]) - np.asarray(numbers["small_clean"]))[:, 1:],
               k)
    late = epochs >= max(4, epochs[-1] / 5)     # the first epochs differ by far more than what is claimed
    ends = np.concatenate([np.asarray(numbers[f"{name}_clean"])[:, late] for name in images.ARMS])
    axes[1].set_ylim(max(0.0, ends.min() - 0.1), min(1.0, ends.max() + 0.03))
    error = np.sqrt(2 * 0.85 * 0.15 / int(numbers["validation"]))
    axes[2].fill_between(epochs, -error, error, color="#e4e4e4", linewidth=0, label="one standard error")
    gaps = np.concatenate([np.asarray(numbers[f"{name}_clean"]) - np.asarray(numbers["small_clean"])
                           for name in images.ARMS])[:, late]
    axes[2].set_ylim(min(gaps.min(), -error) - 0.02, max(gaps.max(), error) + 0.02)
    for axis, title, label in zip(axes, (f"training, {numbers['data']}", "validation", "validation, minus small rate"),
                                  ("accuracy", "accuracy", "difference of accuracies")):
        annealing(axis, anneal)
        axis.set(title=title, xlabel="epoch (grey line: annealed)", ylabel=label)
    axes[2].axhline(0, label="null: no difference", **null())
    axes[2].legend(loc="upper right")
    picture.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncol=3)
    return picture


FIGURE = Figure(
    "images-plain", "Li, Wei and Ma: Figure 1 on images without patches",
    "Accuracy against epoch for the three arms on images without patches: markers are means over seeds, thin lines "
    "seeds (where there are several). (b) leaves the first epochs below its edge. (c) Validation accuracy minus that "
    "of the small rate, zoomed; the grey band is one standard error. In the paper's Figure 1 the large rate is behind "
    "until it is annealed; here it is ahead in the first epochs, and not at the end. On the synthetic images the "
    "noise, once gone, leaves a gain of a few per cent.",
    simulate, judge, draw, ("LWM19.img-fig1", "LWM19.img-noise-plain"), (3, 190, 500), reads_data=True,
    data_seconds=(4, 265, 380))
