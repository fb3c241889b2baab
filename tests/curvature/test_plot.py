"""The picture of a spectrum shows its density and both of its ends."""

import numpy as np
import pytest

from refimpl.curvature import Operator, plot_density, spectral_density

VALUES = np.concatenate([np.linspace(-1.0, 1.0, 200), [5.0]])


def test_the_curve_is_a_density_and_the_marks_are_the_ends():
    """It integrates to 1; a density that forgets the width would not, nor would one whose end is cut off."""
    figure = pytest.importorskip("matplotlib.figure").Figure()
    density = spectral_density(Operator(len(VALUES), lambda v: VALUES * v), probes=8, rng=0)
    axes = plot_density(density, figure.subplots())
    curve, low, high = axes.lines
    grid, values = curve.get_data()
    assert np.trapezoid(values, grid) == pytest.approx(1, abs=1e-3)
    assert [low.get_xdata()[0], high.get_xdata()[0]] == pytest.approx([-1, 5], abs=1e-3)
    with pytest.raises(ValueError, match="width must be positive"):
        plot_density(density, axes, width=0.0)
