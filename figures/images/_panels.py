"""What the pictures of the image study share: curves of several seeds, and the epoch of annealing."""

import numpy as np

from figures._style import guide, joined, null, simulation


def curves(axis, epochs, stack, k, label=None):
    """Thin lines for each seed, and open markers on their mean."""
    stack = np.asarray(stack)
    every = max(1, len(epochs) // 12)
    if len(stack) > 1:
        axis.plot(epochs, stack.T, color=simulation(k)["color"], linewidth=0.5, alpha=0.45)
    joined(axis, epochs, stack.mean(axis=0), k, every, k, label)


def annealing(axis, epoch):
    """A grey line where rate or noise is lowered."""
    axis.axvline(epoch, **guide(linewidth=1.1))


def chance(axis, level):
    """The null at the accuracy of a guess."""
    axis.axhline(level, **null())
    axis.text(1.01, level, "null:\nchance", transform=axis.get_yaxis_transform(), va="center", fontsize=8)
