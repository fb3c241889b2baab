"""Arguments as double precision, whatever comes: results promise digits that float32 does not have."""

from theory import _checks


def real(value, name):
    """`value` as a float64 array of finite real numbers."""
    return _checks.real(value, name).astype(float)


def positive(value, name, *, zero=False):
    """`value` as a float, or float64 array, of positive (or, with `zero`, non-negative) finite numbers."""
    number = _checks.positive(value, name, zero=zero)
    return number if isinstance(number, float) else number.astype(float)


def below_one(kappa):
    """κ as a float in (0, 1)."""
    kappa = _checks.scalar(kappa, "kappa")
    if kappa >= 1:
        raise ValueError(f"kappa must be below 1, got {kappa:g}; the weak feature is the shorter one: swap them")
    return kappa
