"""The toy of Wu, Ma and E near its minimum at 1, and ensembles of one parameter."""

from decimal import Decimal
from math import sqrt

import numpy as np

from tests import support

TOY = np.array([0.2, 3.8])  # curvatures of the toy's examples at x = 1
LEFT, RIGHT = sqrt(1.9) / (sqrt(1.9) + 1), sqrt(1.9) / (sqrt(1.9) - 1)  # where f₂ leaves its branch around 1


def stack_1d(curvatures):
    return np.asarray(curvatures, float)[:, None, None]


def exact_multipliers(curvatures, lr, size, replacement=False):
    """|1 − ηh_B| of every equally likely batch, in the working precision of decimal."""
    values = [Decimal(float(value)) for value in curvatures]
    return [abs(1 - Decimal(float(lr)) * sum(values[i] for i in batch) / size)
            for batch in support.all_batches(len(values), size, replacement).tolist()]
