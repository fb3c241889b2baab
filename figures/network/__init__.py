"""Wu, Ma and E 2018, on real networks: figures 1, 3 and 4 and the measured half of Table 1."""

from figures.network import _escape, _minima, _momentum, _sharpening, _sharpness

FIGURES = (_sharpness.FIGURE, _sharpening.FIGURE, _escape.FIGURE, _minima.FIGURE, _momentum.FIGURE)
