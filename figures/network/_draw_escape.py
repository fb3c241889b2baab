"""The picture of Fig. 1: six panels."""

import numpy as np
from matplotlib.lines import Line2D

from figures._style import GREY, INK, bound, guide, null, panels, simulation, theory
from figures.network._panels import empty
from theory import linear_stability as predicted


def draw(numbers):
    """Loss, test accuracy, sharpness, non-uniformity, minima before and after, growth against the linearisation."""
    if "why" in numbers:
        return empty(numbers)
    figure, axes = panels(2, 3, width=3.6, height=3.2)
    sizes, lr = [int(size) for size in numbers["batch_sizes"]], float(numbers["lr"])
    past = numbers["gd_loss"]
    every = int(numbers["steps"][1] - numbers["steps"][0])
    axes[0].semilogy(every * np.arange(1 - len(past), 1), past, color=GREY, linewidth=1.4)
    axes[1].axhline(100 * numbers["gd_accuracy"].mean(), **guide(linewidth=1.4))
    axes[2].axhline(predicted.sharpness_limit(lr), label="theory: $2/\\eta$", **theory(0))
    for k, size in enumerate(sizes, 1):
        _draw_runs(axes, numbers, size, k)
        _draw_growth(axes[5], numbers, size, k)
    _draw_minima(axes[4], numbers, sizes)
    last = int(numbers["steps"][-1])
    axes[0].set(ylabel="loss on the whole set", ylim=(1e-13, 1e2), xlim=(-last, 1.05 * last))
    axes[0].locator_params(axis="x", nbins=5)
    axes[1].set(ylabel="test accuracy (%)")
    axes[2].set(ylabel="sharpness $a$", ylim=(0, 1.2 * axes[2].get_ylim()[1]))
    axes[2].legend(loc="upper right")
    axes[3].set(ylabel="non-uniformity $s$", ylim=(0, 1.2 * axes[3].get_ylim()[1]))
    axes[5].set(xlabel="step, from a loss of $10^{-20}$", ylabel="loss", yscale="log", ylim=(1e-28, 1e18))
    axes[5].legend(loc="upper right", title="lines, theory: linearised there")
    for axis, title in zip(axes, ("escape, and return", f"{numbers['data']}, $\\eta={lr:g}$", "sharpness after it",
                                  "non-uniformity after it", "minima before and after", "growth from the minimum")):
        axis.set_title(title)
    for axis in axes[:4]:
        axis.set_xlabel("step after the switch to SGD")
    lines = [Line2D([], [], label="bound $1/(\\eta\\sqrt{p})$ of its $B$", **bound(0)),
             Line2D([], [], label="gradient descent (null)", **guide(linewidth=1.4))]
    figure.legend(handles=axes[3].get_legend_handles_labels()[0] + lines, loc="outside lower center", ncols=5)
    return figure


def _draw_runs(axes, numbers, size, k):
    steps, times = numbers["steps"], numbers["times"]
    look = {"label": f"SGD, $B={size}$", **simulation(k, markersize=3.5)}
    early = np.unique(np.r_[0:10, np.arange(10, len(steps), 8)])     # escapes are fast: more markers at first
    axes[0].plot(steps[early], numbers[f"loss_{size}"][early, 0], **look)
    axes[1].plot(steps[::8], 100 * numbers[f"accuracy_{size}"].mean(axis=1)[::8], **look)
    axes[2].plot(times, numbers[f"sharpness_{size}"], **look | {"label": None})
    axes[3].plot(times, numbers[f"non_uniformity_{size}"], **look)
    top = predicted.non_uniformity_limit(float(numbers["lr"]), int(numbers["examples"]), size)
    if np.isfinite(top) and top < 2 * numbers[f"non_uniformity_{size}"].max():
        axes[3].axhline(top, **bound(k))


def _draw_growth(axis, numbers, size, k):
    linear, net = numbers[f"linear_{size}"][:, 0], numbers[f"net_{size}"][:, 0]
    every = max(1, len(net) // 20)
    ratio = float(numbers["lr"] / numbers[f"critical_lr_{size}"])
    axis.plot(np.exp(linear), **theory(k, linewidth=1.1))
    if (square := numbers.get(f"square_growth_{size}")) is not None:
        grown = linear[0] + square * np.arange(len(linear))
        axis.plot(np.exp(grown[grown < 0]), label="null: mean square" if k == 1 else None, **null())
    axis.plot(np.arange(0, len(net), every), np.exp(net[::every]), label=f"$B={size}$, $\\eta/\\eta^*={ratio:.2f}$",
              **simulation(k, markersize=4))


def _draw_minima(axis, numbers, sizes):
    """Sharpness and non-uniformity of GD's minima and of those that SGD went on to."""
    edge = predicted.sharpness_limit(float(numbers["lr"]))
    axis.axvline(edge, **theory(0))
    axis.text(edge, 0.02, " $2/\\eta$", transform=axis.get_xaxis_transform(), color=INK)
    for k, size in enumerate(sizes, 1):
        was, new = numbers.get(f"before_{size}"), numbers.get(f"after_{size}")
        if new is None or not len(new):
            continue
        if not axis.get_legend_handles_labels()[0]:
            axis.plot(was[:, 0], was[:, 1], label="gradient descent (null)", **simulation(0))
        top = predicted.non_uniformity_limit(float(numbers["lr"]), int(numbers["examples"]), size)
        axis.plot(new[:, 0], new[:, 1], **simulation(k))
        axis.plot([0, edge], [top, top], **bound(k))
    axis.set(xlabel="sharpness $a$", ylabel="non-uniformity $s$", xlim=(0, 1.12 * edge),
             ylim=(0, 1.35 * axis.get_ylim()[1]))
    axis.legend(loc="upper left")
