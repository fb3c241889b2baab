"""Rows of effects: a mean over seeds against no effect, in standard errors."""

import numpy as np
from scipy.special import ndtri

from figures._figure import holds

LIMIT = -float(ndtri(5e-7))  # standard errors, one in a million by chance


def effect(claim, quantity, values, scatter, *, predicted, null=(0.0, "no effect"), sign=1, form=".3f", note=""):
    """Agrees where the mean is beyond the null by `LIMIT` standard errors on the side of `sign`, differs on the other.

    `scatter` is the standard deviation of one seed, known from elsewhere (its
    origin in `note`): a few seeds do not tell it. In between nothing is told
    apart and the row is not judged.
    """
    values = np.atleast_1d(values)
    error = scatter / len(values)**0.5
    away = float(sign * (values.mean() - null[0]) / error)
    passed = True if away > LIMIT else False if away < -LIMIT else None
    shown = format(values.mean(), form)
    if 1 < len(values) <= 6:
        shown += f" (mean of {', '.join(format(value, form) for value in values)})"
    return holds(claim, quantity, predicted, shown, f"{LIMIT:.1f} standard errors of {error:.2g}{note}", passed,
                 null=f"{null[1]}, {null[0]:g}: {abs(away):.1f} standard errors away",
                 margins=(0.0, -sign * away / LIMIT))
