"""Sets and runs of the image study, and their numbers: what its figures and tests share. No matplotlib."""

import numpy as np

from figures._effects import LIMIT
from figures._figure import holds
from figures._fitted_powers import t_limit
from refimpl import datasets, images
from theory import images as predicted

NAMES = {"large": "large rate, then small", "small": "small rate", "noise": "small rate, noise, then none"}
SYNTHETIC = "synthetic images"
OWN = 5          # seeds from which their scatter is known by itself
TOLD = 1e-3      # chance, for so many seeds, that a difference is told where there is none


def seeds(rng, count):
    """`count` pairs of seeds, of the sets and of the training."""
    return [tuple(int(value) for value in pair) for pair in rng.integers(2**62, size=(count, 2))]


def problem(seed, data=None, **options):
    """The sets of the study, from the files in `data` where given."""
    if data is None:
        return images.draw_problem(rng=seed, **options)
    parts = [datasets.load(data, split=split) for split in ("train", "test")]
    rng = np.random.default_rng(seed)
    chosen = []
    for part in parts:
        order = rng.permutation(len(part.labels))[:2000]
        chosen.append((part.images[order].astype(np.float32), part.labels[order]))
    count, validation = (len(labels) for _, labels in chosen)
    return images.draw_problem(min(2000, count), validation=validation, images=chosen, rng=seed, **options)


def source(data):
    """Name of the images."""
    return SYNTHETIC if data is None else datasets.load(data, split="test").name.split()[0]


def sizes_of(model):
    """Sizes of a net as `theory.images` takes them."""
    return {"inputs": model.inputs, "filters": model.filters, "blocks": model.block_count, "classes": model.classes,
            "share": sum(predicted.augmentation_shares()[1:])}


def stacked(runs, value):
    """(runs, records) of something read from each run."""
    return np.array([value(run) for run in runs])


def equal_loss(epochs, losses, accuracy, target):
    """Accuracy (runs,) at the first record at which the training loss is at most `target`; NaN where none is."""
    found = np.full(len(losses), np.nan)
    for i, loss in enumerate(losses):
        below = np.flatnonzero(loss <= target)
        if len(below):
            found[i] = accuracy[i][below[0]]
    return found


def at(numbers, name, epoch):
    """What was recorded at an epoch, (runs,)."""
    return np.asarray(numbers[name])[:, np.flatnonzero(numbers["epochs"] == epoch)[0]]


def spread_of(accuracies, examples):
    """Standard error of a mean difference of two accuracies on the same images: binomial, as if they were other
    images."""
    accuracies = np.atleast_1d(accuracies)
    known = accuracies[np.isfinite(accuracies)]
    if not known.size:
        return float("nan")
    mean = known.mean()
    # At accuracies of 0 or 1 one wrong image stands for the variance.
    return float(np.sqrt(2 * max(mean * (1 - mean), 1 / examples) / (examples * len(accuracies))))


def binomial(accuracy, examples):
    """What an accuracy measured on so many images may be off by chance, `LIMIT` standard errors."""
    return LIMIT * spread_of(accuracy, examples) / 2**0.5


def ahead(claim, quantity, first, second, examples, *, sign=1, level=0.0, predicted_text="> 0", judged=True, why=""):
    """Row of a mean difference of accuracies, beyond `level` by standard errors.

    From `OWN` seeds on the errors are those of the differences between seeds;
    fewer do not tell, and the binomial one of the validation images stands for
    it. Where an accuracy is NaN (the loss was not reached) or the effect is
    within the errors, nothing is told apart and the row is not judged.
    """
    difference = np.asarray(first) - np.asarray(second)
    count, error, limit = len(difference), spread_of(second, examples), LIMIT
    if count >= OWN:
        error, limit = max(difference.std(ddof=1) / count**0.5, 1 / (examples * count)), t_limit(count - 1, TOLD)
    if not np.isfinite(difference).all():
        judged, why = False, "a run did not reach the loss"
    away = float(sign * (difference.mean() - level) / error) if error else np.nan
    passed = None if not judged or not abs(away) > limit else away > 0
    words = f"{level:g}, no difference: {away:.1f} standard errors away"
    shown = f"{difference.mean():.3f} (mean of {listed(difference)})" if count > 1 else listed(difference)
    return holds(claim, quantity, predicted_text, shown, f"{limit:.1f} standard errors of {error:.2g}", passed,
                 null=f"{words}; not judged: {why}" if why else words)


def listed(values, digits=3):
    """Numbers as text."""
    return ", ".join(f"{value:.{digits}f}" for value in np.atleast_1d(values))
