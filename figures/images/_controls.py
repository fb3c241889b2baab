"""Controls: independent noise, no separation, faint z, never annealed."""

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import panels
from figures.images._panels import annealing, chance, curves
from figures.images._runs import ahead, at, binomial, problem, seeds, stacked
from refimpl import images

RUNS = ("noise independent for each unit", "large rate, never annealed", "large rate, faint z (s = 0.3)",
        "ζ = 0, small rate", "ζ = 0, large rate")
NAMED = {"noise per unit; arm: shared noise": (RUNS[0], "noise"), "never annealed; arm: annealed": (RUNS[1], "large"),
         "faint patch (s = 0.3); arm: scale 2.2": (RUNS[2], "large"), "ζ = 0: small rate; arm: large rate": RUNS[3:]}

# Seeds, epochs, the epoch of annealing, epochs between records.
Sizes = frozen("seeds epochs anneal every")
SIZES = {"quick": Sizes(1, 8, 4, 4), "standard": Sizes(2, 44, 24, 4), "full": Sizes(3, 120, 40, 2)}


def simulate(effort, rng):
    """Clean and patch-only accuracy (seeds, records) of each control, and of the two arms that they are set against."""
    sizes = SIZES[effort]
    found = [_runs(*pair, sizes) for pair in seeds(rng, sizes.seeds)]
    sets, runs = found[0]
    return {"epochs": runs["large"].epochs, "anneal": sizes.anneal, "validation": len(sets.clean.labels),
            "classes": sets.model.classes, "patches": len(sets.patch_only.labels),
            **{f"{name} {kind}": stacked([one for _, one in found], lambda run: run[name].accuracy[kind])  # noqa: B023
               for name in runs for kind in ("clean", "patch")}}


def _runs(seed, training, sizes):
    """The sets of one seed, and the runs of each control and of both arms by name."""
    sets = problem(seed, patch_validation=10)
    alike = problem(seed, patch_validation=10, separation=0.0)
    faint = problem(seed, patch_validation=10, patch_scale=0.3)
    options = {"epochs": sizes.epochs, "anneal": sizes.anneal, "rng": training, "record_every": sizes.every}
    runs = dict(zip(RUNS, (images.run_arm(sets, "noise", preactivation_form="independent", **options),
                           images.run_arm(sets, "large", **{**options, "anneal": sizes.epochs}),
                           images.run_arm(faint, "large", **options), images.run_arm(alike, "small", **options),
                           images.run_arm(alike, "large", **options))))
    runs["noise"], runs["large"] = (images.run_arm(sets, name, **options) for name in ("noise", "large"))
    return sets, runs


def judge(numbers):
    """Each control beside what it takes away, by the seed that is farthest from what is predicted."""
    epochs, guess = np.asarray(numbers["epochs"]), 1 / numbers["classes"]
    last = int(epochs[-1])
    independent, shared = at(numbers, f"{RUNS[0]} patch", 8).min(), at(numbers, "noise patch", 4).max()
    kept = numbers[f"{RUNS[1]} patch"][:, epochs >= 8].mean(axis=1)
    kept, bright = kept[np.argmax(np.abs(kept - guess))], at(numbers, f"{RUNS[2]} patch", 4).min()
    alike = [value for name in RUNS[3:] for value in numbers[f"{name} patch"][:, -1]]
    learned, kept_out = (binomial(value, int(numbers["patches"])) for value in (1.0, guess))
    note = f"(4.9 standard errors of {numbers['patches']} patches)"
    rows = (
        close("LWM19.img-noise-form", "patch-only accuracy at epoch 8, noise independent for each unit", 1.0,
              independent, learned, null=(shared, "kept out, as by shared noise at epoch 4"), note=note),
        close("LWM19.img-order", f"patch-only accuracy, mean over epochs 8–{last}, large rate never annealed", guess,
              kept, kept_out, null=(1.0, "learned in time all the same"), note=note),
        close("LWM19.img-order", "patch-only accuracy at epoch 4, large rate with z of scale 0.3", 1.0, bright, learned,
              null=(guess, "kept out by the rate alone: chance"), note=note),
        holds("LWM19.img-order", "patch-only accuracy with ζ = 0, either rate", f"{guess:g}",
              ", ".join(f"{value:.2f}" for value in alike), "equal: all patches are alike",
              all(value == guess for value in alike), null="something else in the patch tells the classes: above"),
        ahead("LWM19.img-clean", "clean accuracy at the end with ζ = 0, large minus small, beside the 0.08 with a "
                                 "patch",
              numbers[f"{RUNS[4]} clean"][:, -1], numbers[f"{RUNS[3]} clean"][:, -1], numbers["validation"], sign=-1,
              level=0.08,
              predicted_text="0", judged=last > 20, why="" if last > 20 else f"{last} epochs are too short"))
    return rows


def draw(numbers):
    """Both accuracies of each control beside its arm, and of both rates without separation."""
    picture, axes = panels(2, 2, width=4.2, height=2.9)
    epochs, anneal = np.asarray(numbers["epochs"]), int(numbers["anneal"])
    for axis, (title, (control, arm)) in zip(axes, NAMED.items()):
        for k, (name, words) in enumerate(((control, "control"), (arm, "the arm (null)"))):
            for kind, label in (("patch", "patch only"), ("clean", "clean")):
                curves(axis, epochs, numbers[f"{name} {kind}"], k + 2 * (kind == "clean"), f"{words}, {label}")
        annealing(axis, anneal)
        chance(axis, 1 / numbers["classes"])
        axis.set(title=title, xlabel="epoch (grey line: annealed)", ylabel="accuracy", ylim=(0, 1.04))
    picture.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return picture


FIGURE = Figure(
    "images-controls", "Li, Wei and Ma: what takes the patch's effect away",
    "Markers: means over seeds, thin lines single seeds; each panel sets a control beside the arm that it changes in "
    "one point. (a) Noise drawn for each unit by itself does not keep the patch out. (b) Without annealing the patch "
    "is never learned. (c) A faint patch is learned at the large rate. (d) Without ζ the patch says nothing, and both "
    "rates end alike on clean images.",
    simulate, judge, draw, ("LWM19.img-noise-form", "LWM19.img-order", "LWM19.img-clean"), (5, 52, 210))
