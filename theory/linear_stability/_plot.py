"""Pictures of a stability report: the minimum among its regions, and the rate against batch size.

Each function draws into the axes that it is given; matplotlib is imported by whoever makes them.
"""

import numpy as np

from theory import _checks
from theory.linear_stability._sampling_factor import sampling_factor

INK, GREY, FILL = "#14213d", "#7a7a7a", "#dfe7f2"


def plot_diagram(report, axes):
    r"""The minimum in the sharpness–non-uniformity plane, with the region that is stable in one dimension.

    .. math:: (1-\mu) A^2 + (1+\mu) p s^2 \le 2 (1-\mu^2) A / \eta, \qquad A = a + \lambda

    For plain SGD that is eq. 4 on the axes, a half-ellipse inside the poster's
    rectangle a ≤ 2/η, s ≤ 1/(η√p), which is drawn too. In more dimensions the
    region decides nothing by itself: the title says the verdict.

    Parameters
    ----------
    report : StabilityReport
        Not one of `Products`, which do not give the non-uniformity.
    axes : matplotlib.axes.Axes
        What is drawn into.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the report has no non-uniformity.
    """
    if _checks.having(report, "report", "non_uniformity").non_uniformity is None:
        raise ValueError("report must have a non-uniformity, got one of Products; give factors or a kernel")
    noise = sampling_factor(report.n, report.batch_size, replacement=report.replacement)
    mu, decay, edge = report.momentum, report.weight_decay, report.sharpness_limit
    if edge > 0 and noise > 0:
        a = np.linspace(0, edge, 400)
        curved = a + decay
        square = (2 * (1 - mu**2) * curved / report.lr - (1 - mu) * curved**2) / ((1 + mu) * noise)
        s = np.sqrt(np.maximum(square, 0))
        axes.fill_between(a, s, color=FILL, linewidth=0)
        axes.plot(a, s, color=INK, linewidth=1.5, label="exact for $d = 1$" + (", eq. 4" if mu == decay == 0 else ""))
    if report.non_uniformity_limit:
        top = report.non_uniformity_limit
        axes.plot([0, edge, edge], [top, top, 0], color=GREY, linewidth=1, linestyle=":",
                  label="the poster's rectangle")
    else:
        axes.axvline(edge, color=GREY, linewidth=1, linestyle=":", label="full-batch limit")
    axes.plot([report.sharpness], [report.non_uniformity], linestyle="none", marker="o", markersize=7, color=INK,
              markerfacecolor=INK if report.verdict == "stable" else "white", label=f"this minimum: {report.verdict}")
    axes.set(xlabel="sharpness $a$", ylabel="non-uniformity $s$", xlim=(0, None), ylim=(0, None),
             title=f"$\\eta = {report.lr:.3g}$, $B = {report.batch_size}$" + (f", $\\mu = {mu:g}$" if mu else ""))
    axes.legend(frameon=False, fontsize="small")
    return axes


def plot_rates(report, axes):
    """The largest stable rate against batch size: exact, by eq. 4, full batch, and the rate that was asked about.

    Parameters
    ----------
    report : StabilityReport
        Not one of `Products`.
    axes : matplotlib.axes.Axes
        What is drawn into.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the report has no rates per batch size.
    """
    if not _checks.having(report, "report", "batch_sizes").batch_sizes:
        raise ValueError("report must have rates per batch size, got one of Products; give factors or a kernel")
    axes.loglog(report.batch_sizes, report.critical_lrs, color=INK, marker="o", markersize=4,
                label="exact, in mean square")
    axes.loglog(report.batch_sizes, report.sufficient_lrs, color=INK, linestyle="--", label="sufficient (eq. 4)")
    axes.axhline(report.gd_lr, color=GREY, linestyle=":", label="full batch")
    axes.plot([report.batch_size], [report.lr], linestyle="none", marker="s", markersize=7, color=INK,
              markerfacecolor=INK if report.verdict == "stable" else "white", label=f"asked: {report.verdict}")
    axes.set(xlabel="batch size $B$", ylabel="largest stable learning rate",
             title="What the rate may be" + (f", $\\mu = {report.momentum:g}$" if report.momentum else ""))
    axes.legend(frameon=False, fontsize="small")
    return axes
