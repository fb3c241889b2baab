"""What the pictures of the image study share: curves of several seeds, and the epoch of annealing."""

import numpy as np

from figures._style import guide, simulation


def curves(axis, epochs, stack, k, label=None):
    """Thin lines for each seed, and open markers on their mean."""
    stack = np.asarray(stack)
    every = max(1, len(epochs) // 12)
    if len(stack) > 1:
        axis.plot(epochs, stack.T, color=simulation(k)["color"], linewidth=0.5, alpha=0.45)
    axis.plot(epochs, stack.mean(axis=0), color=simulation(k)["color"], linewidth=0.8)
    axis.plot(epochs[k::every], stack.mean(axis=0)[k::every], label=label, **simulation(k))


def annealing(axis, epoch):
    """A grey line where rate or noise is lowered."""
    axis.axvline(epoch, **guide(linewidth=1.1))


def chance(axis, level):
    """A grey dashed line at the accuracy of a guess."""
    axis.axhline(level, **guide(linestyle="--"))
    axis.annotate("chance", (1, level), xycoords=("axes fraction", "data"), xytext=(-2, 3), textcoords="offset points",
                  ha="right",
                  fontsize=7)
