"""Hessians as arguments: how far from symmetric or positive semi-definite they may be by rounding."""

import numpy as np

from theory._checks._arguments import shaped

_RELATIVE = 1e-10  # rounding allowed in symmetry and positive semi-definiteness


def hessians(value, name="hessians"):
    """`value` as a stack (n, d, d) of symmetric positive semi-definite matrices."""
    stack = shaped(value, name, (None, None, None))
    relative = max(_RELATIVE, 100 * np.finfo(stack.dtype).eps)
    if stack.shape[1] != stack.shape[2]:
        raise ValueError(f"{name} must have shape (n, d, d), got {stack.shape}; "
                         "put the n examples first and make each matrix square")
    scale = np.abs(stack).max(axis=(1, 2))
    skew = 0.0 * scale
    if not np.array_equal(stack, stack.swapaxes(1, 2)):
        skew = np.abs(stack - stack.swapaxes(1, 2)).max(axis=(1, 2))
    if (skew > relative * scale).any():
        i = int(np.argmax(skew - relative * scale))
        raise ValueError(f"{name}[{i}] must be symmetric, got an asymmetry of {skew[i]:.3g}; "
                         "use (h + h.T) / 2 if that is only rounding")
    allowed = relative * len(stack[0]) * scale
    if _surely_positive(stack, allowed):
        return stack
    lowest = np.linalg.eigvalsh(stack)[:, 0]
    if (lowest < -allowed).any():
        i = int(np.argmin(lowest))
        raise ValueError(f"{name}[{i}] must be positive semi-definite, got the eigenvalue {lowest[i]:.3g}; "
                         "at a global minimum no example has negative curvature"
                         + ("" if stack.dtype == np.float64 else "; give float64, or the factors"))
    return stack


def _surely_positive(stack, allowed):
    """Whether factors show that no eigenvalue is below −`allowed`, (n,): half of it is far above their rounding."""
    if stack.dtype != np.float64:
        return False
    shifted = stack.copy()
    shifted.reshape(len(stack), -1)[:, ::stack.shape[1] + 1] += allowed[:, None] / 2
    try:
        np.linalg.cholesky(shifted)
    except np.linalg.LinAlgError:
        return False
    return True


def symmetric(value, name, size):
    """`value` as one symmetric positive semi-definite matrix (size, size)."""
    return hessians(shaped(value, name, (size, size))[None], name)[0]
