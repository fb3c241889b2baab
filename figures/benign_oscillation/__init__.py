"""Lu, Wu, Yang and Zou 2024: the poster's figures, and what lies beyond them."""

from figures.benign_oscillation import _division, _end, _map, _mechanism, _noise, _published, _two_patches

FIGURES = (_map.FIGURE, _two_patches.FIGURE, _mechanism.FIGURE, _end.FIGURE, _division.FIGURE, _published.FIGURE,
           _noise.FIGURE)
