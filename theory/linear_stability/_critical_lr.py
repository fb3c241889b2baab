r"""Learning rates up to which a minimum is stable: exact, sufficient, necessary.

The public names are those of `theory.linear_stability`.
"""

import numpy as np

from theory import _checks
from theory.linear_stability._ensemble import as_ensemble, sampling_factor
from theory.linear_stability._lanczos import Eigenpair, largest_eigenvalue
from theory.linear_stability._mean_square import answer


def critical_lr(hessians, batch_size, criterion="mean-square", *, replacement=False, full_output=False):
    r"""Largest learning rate at which the minimum is stable.

    With C(X) = ½(HX + XH), D(X) = (1−p)HXH + p·mean(H_i X H_i) and all
    inverses taken on range(H):

    ================= =========================================== ==========================
    criterion         value                                       meaning
    ================= =========================================== ==========================
    ``"mean-square"`` 2 / λmax(C⁻¹ D)                             exact: stable iff η ≤ η*
    ``"sufficient"``  2 / λmax(H^-½ [(1−p)H² + p·mean H_i²] H^-½) largest η that meets eq. 4
    ``"gd"``          2 / λmax(H)                                 full batch
    ================= =========================================== ==========================

    sufficient ≤ mean-square ≤ gd always; mean-square is non-decreasing in B
    and equals gd at B = n without replacement.

    Derivation of the first row: Q = I − 2ηC + η²D is at most 1 on every
    symmetric X iff η⟨X, DX⟩ ≤ 2⟨X, CX⟩.

    Parameters
    ----------
    hessians, batch_size, replacement
        As for `stability_matrix`.
    criterion : {"mean-square", "sufficient", "gd"}
    full_output : bool
        Return (lr, `Spectrum`) instead.

    Returns
    -------
    float
        In units of 1 / curvature, to a relative 1e-9 or better. Only
        ``"sufficient"`` of *dense* Hessians inherits their rounding, relative
        to the smallest eigenvalue of H: give factors where H is nearly singular.

    Raises
    ------
    ValueError
        As for `stability_matrix`, or if `criterion` is another.
    RuntimeError
        If Lanczos did not converge (never with ``full_output``, which says so).

    References
    ----------
    [WME18]_, eq. 4 ("sufficient"), Table 1 ("gd"), eq. 3 made exact ("mean-square").

    Examples
    --------
    >>> round(critical_lr([[[0.2]], [[3.8]]], 1), 6)   # 4 / 7.24
    0.552486
    """
    _checks.one_of(criterion, "criterion", ("mean-square", "sufficient", "gd"))
    ensemble = as_ensemble(hessians)
    noise = sampling_factor(ensemble.n, batch_size, replacement=replacement)
    reduced = ensemble.reduced
    values = reduced.eigenvalues
    if criterion == "gd":
        return answer(ensemble.rate(2.0 / values[-1]), _dense_pair(np.diag(values)), reduced, full_output)
    if criterion == "sufficient":
        pair = _dense_pair(np.diag((1 - noise) * values) + noise * reduced.mean_square(np.sqrt(values)))
    else:
        shrink = 1 / np.sqrt((values[:, None] + values) / 2)  # C^-½, diagonal in this basis
        gradient = (1 - noise) * np.outer(values, values) * shrink**2
        example = noise * shrink

        def apply(matrix):
            return gradient * matrix + example * reduced.mean_product(shrink * matrix)

        pair = largest_eigenvalue(apply, np.diag(np.diag(shrink)))
    return answer(ensemble.rate(2.0 / pair.value), pair, reduced, full_output)


def necessary_lr(hessians, batch_size, condition="trace", *, replacement=False):
    r"""An upper bound on `critical_lr` in closed form.

    .. math:: \eta^* \le \frac{2 \operatorname{tr} H}{(1-p)\|H\|_F^2 + p\,\overline{\|H_i\|_F^2}}
       \ \text{("trace")}, \qquad
       \eta^* \le \min_v \frac{2 v^T H v}{(1-p)(v^T H v)^2 + p\,\overline{(v^T H_i v)^2}}
       \ \text{("eigenvector")},

    v over the eigenvectors of H: the Rayleigh quotients of C⁻¹D at X = I and
    at X = vvᵀ.

    Parameters
    ----------
    hessians, batch_size, replacement
        As for `stability_matrix`.
    condition : {"trace", "eigenvector"}

    Returns
    -------
    float
        No larger rate is stable in mean square.

    Raises
    ------
    ValueError
        As for `stability_matrix`, or if `condition` is another.
    """
    _checks.one_of(condition, "condition", ("trace", "eigenvector"))
    ensemble = as_ensemble(hessians)
    noise = sampling_factor(ensemble.n, batch_size, replacement=replacement)
    reduced = ensemble.reduced
    values = reduced.eigenvalues
    if condition == "trace":
        return ensemble.rate(2 * values.sum() / ((values**2).sum() + noise * np.trace(reduced.variance)))
    if reduced.is_factored:
        along = (reduced.factors**2).sum(axis=1)                   # v_jᵀ H_i v_j, (n, r)
    else:
        along = np.diagonal(reduced.factors, axis1=1, axis2=2)
    return ensemble.rate((2 * values / ((1 - noise) * values**2 + noise * (along**2).mean(axis=0))).min())


def _dense_pair(matrix):
    values, vectors = np.linalg.eigh(matrix)
    vector = vectors[:, -1]
    residual = float(np.linalg.norm(matrix @ vector - values[-1] * vector))
    return Eigenpair(float(values[-1]), np.outer(vector, vector), residual, True)
