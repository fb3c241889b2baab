r"""How far a candidate may be off: the deviation allowed at every expected value, and why.

.. math:: \text{tolerance} = r\,(\max|\text{expected}| + K)

where the maximum is over the whole array (for trajectories: over one iterate)
and K is the measured condition: the largest change of the value, over three
fixed patterns of signs, when every number of the input is changed by a relative
2⁻²⁰, divided by 2⁻²⁰. A backward stable program errs by about K times the unit
roundoff, 1.1e-16, or 6e-8 in single precision. r is

- 1e-9 for float64: some 10⁷ units of roundoff, room for sums in another order
  and for other formulas of the same value, and 10³ times below the smallest
  mistake that anybody makes on purpose;
- 1e-4 for float32: some 10³ units of roundoff, room for sums of 10³ terms;
- 1e-8 for derived scalars: eigenvalues of operators come from iterations that
  stop at a residual, not at rounding.

Cases whose point is a tie are exact in binary arithmetic in any order; their K
is 0. Where large terms cancel in every result, as in the cross-entropy of huge
margins, their size is added in the bracket. What is an approximation by its own
docstring is judged at the error that it promises.
"""

import functools

import numpy as np

from refimpl.testing._portable_numbers import Numbers

RELATIVE = {"float64": 1e-9, "float32": 1e-4, "scalar": 1e-8}
_STEP = 2.0**-20          # of the disturbance: K is a slope to some digits, and no threshold lies that close
_PATTERNS = 3             # of signs; the third is the first with every other sign turned
FLOAT32_RANGE = 2.0**100  # beyond it products of two numbers leave the range of float32 (3.4e38)


def tolerance(compute, inputs, *, relative, exact=False, scale=0.0, per_step=False, plain=None):
    """(value, tolerance) of ``compute(*inputs)``; of the inputs, arrays or None, only real arrays are disturbed.

    `plain` computes the same faster, to rounding, for the condition alone.
    """
    value = np.asarray(compute(*inputs), dtype=float)
    undisturbed = value if plain is None or exact else np.asarray(plain(*inputs), dtype=float)
    axes = tuple(range(1, value.ndim)) if per_step else None
    size = np.abs(value).max(axis=axes, keepdims=True)
    condition = np.zeros_like(size)
    if not exact:
        for pattern in range(_PATTERNS):
            moved = (plain or compute)(*(_disturbed(part, pattern, place) for place, part in enumerate(inputs)))
            change = np.abs(np.asarray(moved, dtype=float) - undisturbed).max(axis=axes, keepdims=True) / _STEP
            condition = np.maximum(condition, change)
    allowed = relative * (size + condition + scale)
    return value, allowed if per_step else float(allowed.reshape(()))


def allowed_for(expected, dtype, *, rtol=None, single=False):
    """The tolerance of an `Expected` value, in the shape of the value, under the options of `check_model`.

    With `single` a float64 case is judged as a float32 case would be: K is the
    same, r is larger. With `rtol` everything within that share of the largest
    entry passes as well.
    """
    allowed = np.broadcast_to(np.asarray(expected.tolerance, float), expected.value.shape)
    if single and dtype == "float64":
        allowed = allowed * (RELATIVE["float32"] / expected.relative)
    if rtol is not None:
        allowed = np.maximum(allowed, rtol * np.abs(expected.value).max(initial=0.0))
    return allowed


def fits_float32(*values):
    """Whether all numbers, and products of two of them, are within the range of float32."""
    return not any(isinstance(value, np.ndarray) and np.abs(value).max(initial=0.0) > FLOAT32_RANGE for value in values)


def _disturbed(part, pattern, place):
    if part is None or part.dtype.kind != "f":
        return part
    return part * (1 + _STEP * _signs(pattern, place, part.size)).reshape(part.shape)


@functools.lru_cache(maxsize=256)
def _signs(pattern, place, count):
    """Signs of a pattern; the last turns every other sign of the first, so that no two neighbours always agree."""
    if pattern == _PATTERNS - 1:
        return _signs(0, place, count) * (-1.0) ** np.arange(count)
    return Numbers(f"condition {pattern} {place}").sign(count)
