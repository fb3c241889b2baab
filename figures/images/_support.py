"""What the figures of the image study share: sets from a seed or from disk, runs, and bands of several seeds."""

import numpy as np

from figures._style import INK
from refimpl import datasets, images

GREY = "#8a8a8a"
NAMES = {"large": "large rate, then small", "small": "small rate", "noise": "small rate, noise, then none"}
CHANCE = 0.1


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
    """Name of the images, for titles and rows."""
    return "synthetic images" if data is None else datasets.load(data, split="test").name.split()[0]


def at(run, epoch, values):
    """A recorded value at an epoch."""
    return float(values[np.flatnonzero(run.epochs == epoch)[0]])


def curves(axis, runs, values, k, style, label=None):
    """One open marker a record for the mean over runs, and a thin line for each run."""
    epochs = runs[0].epochs
    stack = np.array([values(run) for run in runs])
    every = max(1, len(epochs) // 15)
    if len(runs) > 1:
        axis.plot(epochs, stack.T, color=style["color"], linewidth=0.5, alpha=0.45)
    axis.plot(epochs, stack.mean(axis=0), color=style["color"], linewidth=0.8)
    axis.plot(epochs[k::every], stack.mean(axis=0)[k::every], label=label, **style)
    return stack


def annealing(axis, epoch):
    """A grey line where rate or noise is lowered."""
    axis.axvline(epoch, color=GREY, linewidth=1.1, zorder=0.5)


def level(axis, value, text):
    """A horizontal predicted level, named at the right edge."""
    axis.axhline(value, color=INK, linewidth=0.9, linestyle=":")
    axis.text(0.995, value, text, transform=axis.get_yaxis_transform(), ha="right", va="bottom", fontsize=7, color=INK)


def listed(values, digits=3):
    """Numbers as text."""
    return ", ".join(f"{value:.{digits}f}" for value in values)
