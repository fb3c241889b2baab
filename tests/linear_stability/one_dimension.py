"""The toy of Wu, Ma and E near its minimum at 1, and ensembles of one parameter."""

from math import sqrt

import numpy as np

TOY = np.array([0.2, 3.8])  # curvatures of the toy's examples at x = 1
LEFT, RIGHT = sqrt(1.9) / (sqrt(1.9) + 1), sqrt(1.9) / (sqrt(1.9) - 1)  # where f₂ leaves its branch around 1


def stack_1d(curvatures):
    return np.asarray(curvatures, float)[:, None, None]
