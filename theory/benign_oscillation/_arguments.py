"""κ as an argument."""

from theory import _checks


def below_one(kappa):
    """κ as a float in (0, 1)."""
    kappa = _checks.scalar(kappa, "kappa")
    if kappa >= 1:
        raise ValueError(f"kappa must be below 1, got {kappa:g}; the weak feature is the shorter one: swap them")
    return kappa
