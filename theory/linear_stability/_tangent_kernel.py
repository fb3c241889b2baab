"""An ensemble from its empirical tangent kernel K = J Jᵀ: checked, and reduced by one eigendecomposition."""

import numpy as np

from theory import _checks
from theory.linear_stability._range_of_hessian import Reduced


def reduce_kernel(kernel, outputs):
    """(e, reduced): the kernel times 2**−e, e even, on range(H).

    The factors J = V √Λ have orthogonal columns, so H = Λ/n needs no other decomposition.
    """
    kernel, outputs = _checked(kernel, outputs)
    epsilon = np.finfo(kernel.dtype).eps
    exponent = 2 * (int(np.frexp(np.abs(kernel).max())[1]) // 2)
    values, vectors = np.linalg.eigh(np.ldexp(np.array(kernel, float), -exponent))
    lowest, allowed = values[0], 8 * len(kernel) * epsilon * values[-1]
    if lowest < -allowed:
        raise ValueError(f"kernel must be positive semi-definite, got the eigenvalue {lowest:.3g} beside "
                         f"{values[-1]:.3g}; K is J Jᵀ, row i·k + j of J the gradient of output j of example i; "
                         "compute it in float64, or hand over the float32 array as it is")
    kept = values > allowed
    count = len(kernel) // outputs
    factors = np.ascontiguousarray(vectors[:, kept] * np.sqrt(values[kept])).reshape(count, outputs, -1)
    return exponent, Reduced(values[kept] / count, factors, True, np.eye(factors.shape[-1]))


def _checked(kernel, outputs):
    outputs = _checks.whole(outputs, "outputs")
    kernel = _checks.shaped(kernel, "kernel", (None, None))
    if kernel.shape[0] != kernel.shape[1] or len(kernel) % outputs:
        raise ValueError(f"kernel must have shape (n k, n k) with k = outputs = {outputs}, got {kernel.shape}; "
                         "give J Jᵀ")
    largest = np.abs(kernel).max()
    if largest == 0:
        raise ValueError("kernel must not be all zero: without curvature no critical rate exists; check the Jacobian")
    skew = np.abs(kernel - kernel.T).max()
    if skew > 64 * np.finfo(kernel.dtype).eps * largest:
        raise ValueError(f"kernel must be symmetric, got an asymmetry of {skew:.3g}; "
                         "use (K + K.T) / 2 if that is only rounding")
    return kernel, outputs
