r"""Shuffled epochs in one dimension: an average over all orders in exact arithmetic.

A batch of B multiplies x² by (1 − (1/B) Σ z_i)² with z_i = ηh_i. The mean over
all orders depends on the mean of each monomial over distinct examples only, so
that a batch counts as 1 − 2y + (x + (B − 1) y²)/B, where y stands for one z_i
and x for one z_i², and a product of them for the mean over distinct examples.
Floats cancel between its terms; integers do not.
"""

from fractions import Fraction
from math import comb

import numpy as np

from theory.linear_stability._multiplier import log_multiplier

_MOST_TERMS = 5e5  # n² ⌈n/B⌉: a few seconds


def polynomial_rate(curvatures, lr, size):
    """Growth of E x² per step of shuffled epochs of batches of `size`, from the h_i (n,)."""
    count = len(curvatures)
    full, short = divmod(count, size)
    steps = full + (short > 0)
    if size == 1:
        return float(np.exp(2 * log_multiplier(lr, curvatures).mean()))
    if count**2 * steps > _MOST_TERMS:
        raise ValueError(f"hessians of rank one must have n²·⌈n/B⌉ <= {_MOST_TERMS:.0e} for exact arithmetic, got n = "
                         f"{count} "
                         f"and batch_size {size}: {count**2 * steps:.1e}; average over sampled orders instead: "
                         "refimpl.linear_stability.epoch_mean_square_interval")
    whole, denominator = _common(curvatures, lr)
    polynomial = {(0, 0): 1}
    for taken in [size] * full + [short] * (short > 0):
        polynomial = _times_batch(polynomial, taken)
    sums = _distinct_sums(whole, steps, 2 * steps)
    mean = Fraction(0)
    for (squares, singles), coefficient in polynomial.items():
        if squares + singles <= count:
            ways = comb(count, squares) * comb(count - squares, singles)
            total = coefficient * sums[squares][singles]
            mean += Fraction(total, ways * denominator ** (2 * squares + singles))
    return _root(mean / (Fraction(size) ** full * max(short, 1)), steps)


def _common(curvatures, lr):
    """z_i = ηh_i, exactly, as integers over one denominator."""
    exact = [Fraction(float(value)) * Fraction(lr) for value in curvatures]
    denominator = max(value.denominator for value in exact)  # all are powers of two
    return [value.numerator * (denominator // value.denominator) for value in exact], denominator


def _times_batch(polynomial, size):
    """The polynomial {(power of x, power of y): coefficient} times that of a batch, times its B."""
    result = {}
    for (squares, singles), value in polynomial.items():
        for more_squares, more_singles, factor in ((0, 0, size), (0, 1, -2 * size), (1, 0, 1), (0, 2, size - 1)):
            key = (squares + more_squares, singles + more_singles)
            result[key] = result.get(key, 0) + factor * value
    return result


def _distinct_sums(values, most_squares, most_singles):
    """Σ over disjoint sets of examples of Π z_j² (v of them) Π z_i (s of them), [v][s]."""
    sums = [[0] * (most_singles + 1) for _ in range(most_squares + 1)]
    sums[0][0] = 1
    for seen, value in enumerate(values, start=1):
        square = value * value
        for v in range(min(seen, most_squares), -1, -1):
            row, below = sums[v], sums[v - 1] if v else None
            for s in range(min(seen - v, most_singles), -1, -1):
                row[s] += (value * row[s - 1] if s else 0) + (square * below[s] if v else 0)
    return sums


def _root(value, power):
    """The root of a non-negative fraction of any size, without leaving the range of floats."""
    if value <= 0:
        return 0.0
    shift = value.numerator.bit_length() - value.denominator.bit_length()
    return float(value / Fraction(2) ** shift) ** (1 / power) * 2.0 ** (shift / power)
