"""A picture of a spectrum, with both ends marked; matplotlib is imported by whoever makes the axes."""

import numpy as np

from theory import _checks

INK, GREY = "#14213d", "#7a7a7a"


def plot_density(density, axes, *, width=None):
    r"""The smoothed spectral density on a logarithmic axis, its smallest and largest node marked.

    .. math:: \sum_j w_j\, \frac{e^{-(\lambda - \lambda_j)^2 / 2 s^2}}{s \sqrt{2\pi}}

    Parameters
    ----------
    density : Density
        Of `spectral_density`.
    axes : matplotlib.axes.Axes
        What is drawn into.
    width : float, optional
        Standard deviation s of the smoothing, a curvature; 1 % of the range by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If `width` is not positive and finite.
    """
    low, high = np.nanmin(density.nodes), np.nanmax(density.nodes)
    width = (high - low or abs(high) or 1.0) / 100 if width is None else _checks.scalar(width, "width")
    grid = np.linspace(low - 4 * width, high + 4 * width, 2000)
    values = density.smooth(grid, width)
    axes.semilogy(grid, values, color=INK, linewidth=1.2)
    for end in (low, high):
        axes.axvline(end, color=GREY, linewidth=0.9, linestyle=":")
        axes.annotate(f"{end:.3g}", (end, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
                      textcoords="offset points", ha="center", fontsize="small")
    axes.set(xlabel="curvature", ylabel=f"density, smoothed over {width:.2g}",
             ylim=(values.max() * 1e-6, values.max() * 3))
    return axes
