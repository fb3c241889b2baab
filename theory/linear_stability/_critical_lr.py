r"""Learning rates up to which a minimum is stable: exact, sufficient, necessary.

The public names are those of `theory.linear_stability`.
"""

import numpy as np

from theory import _checks
from theory.linear_stability._arguments import set_up
from theory.linear_stability._bounds import Bounds, rounded
from theory.linear_stability._enclosure import Spectrum, judged

_PROMISED = 1e-9    # relative width of an enclosure that is called converged


def critical_lr(hessians, batch_size, criterion="mean-square", *, momentum=0.0, nesterov=False, dampening=0.0,
                weight_decay=0.0, preconditioner=None, replacement=False, full_output=False):
    r"""Largest learning rate at which the minimum is stable.

    The step is v ← μv + (1−τ)(H_B x + wd·x), x ← x − ηv (`nesterov`:
    x ← x − η(g + μv)). With A = H + wd·I of eigenvalues a_i, C(X) = ½(AX + XA),
    N(X) = mean(H_i X H_i) − HXH, Σ = N(I), all inverses taken on range(H), and

    .. math:: D_\mu(X) = A X A + \frac{1+\mu}{1-\mu}\, p\, N(X) - \frac{\mu}{(1-\mu)^2} [A, [A, X]],

    the limit without dampening (else divided by 1 − τ) is

    ================= =================================================== ==========================
    criterion         value (heavy ball)                                  meaning
    ================= =================================================== ==========================
    ``"mean-square"`` 2(1+μ) / λmax(C⁻¹ D_μ)                              exact: stable iff η < η*
    ``"sufficient"``  2(1+μ) / λmax(A^-½ [A² + (1+μ)/(1−μ) p Σ] A^-½)     at μ = 0: η that meets eq. 4
    ``"gd"``          2(1+μ) / λmax(A)                                    full batch
    ================= =================================================== ==========================

    sufficient ≤ mean-square ≤ gd, and mean-square ≤ `necessary_lr`, always,
    in the last digit too; mean-square is non-decreasing in B and equals gd at
    B = n without replacement. Without momentum and decay D is
    (1−p)HXH + p·mean(H_i X H_i).

    *Proved.* Only x feeds the noise, which enters along one fixed vector of
    (x, v). So E[zzᵀ] is bounded iff the noiseless step is stable and the
    spectral radius of X ↦ k ∘ pN(X) is below 1, k_ij the sum over time of the
    products of two modes' impulse responses. Both are self-adjoint, so that is
    pN < k⁻¹ as quadratic forms. For the heavy ball

    .. math:: \frac1{k_{ij}} = \frac{\mu (a_i-a_j)^2 + (1-\mu)^2 [(1+\mu)(a_i+a_j)/\eta - a_i a_j]}{1-\mu^2}

    is linear in 1/η, which gives the first row and one interval of stable
    rates for every |μ| < 1. The second row is where pΣ ≤ diag(1/k_ii): then
    X = I is a certificate.

    *For Nesterov's step* 1/k is not linear in 1/η. Instability at `upper` and
    stability at `lower` are proved as before; that every smaller rate is
    stable is found in every ensemble tried, not proved. The full batch limit is
    2(1+μ)/((1+2μ) λmax(A)) for μ ≥ −1/3 and (1 + 1/|μ|)/λmax(A) below.

    PyTorch's first step sets v to the undamped gradient, and at μ = 0 it
    ignores dampening. The first does not change a limit; the second is not
    copied here.

    Parameters
    ----------
    hessians, batch_size
        As for `stability_matrix`.
    criterion : {"mean-square", "sufficient", "gd"}
        Which limit.
    momentum : float
        μ, between −1 and 1.
    nesterov : bool
        Nesterov's step; needs ``dampening=0``.
    dampening : float
        τ < 1.
    weight_decay : float
        wd ≥ 0, the gradient of ½wd‖x‖² added to that of each batch.
    preconditioner : array_like (d,), optional
        Positive diagonal s by which the gradient, decay included, is divided,
        frozen (RMSprop; Adam with τ = μ = β₁). Decay then couples all
        directions and the work is on (d, d) matrices.
    replacement : bool
        As for `stability_matrix`.
    full_output : bool
        Return (lr, `Spectrum`) instead.

    Returns
    -------
    float
        In units of 1 / curvature, inside a proved enclosure at most 1e-6, and
        but for rounding at most 1e-9 wide: what is allowed for rounding grows
        as r^1.5, and beyond some 2500 dimensions r the width is 5e-9. Only ``"sufficient"`` of *dense*
        Hessians inherits their rounding, relative to the smallest eigenvalue
        of H: give factors where H is nearly singular. ``"gd"`` is good to a
        relative 1e-13.

    Raises
    ------
    ValueError
        As for `stability_matrix`, or if another argument is outside its range.
    RuntimeError
        If no enclosure of 1e-6 was found (never with ``full_output``, which says so).

    References
    ----------
    [WME18]_, eq. 4 ("sufficient"), Table 1 ("gd"), eq. 3 made exact ("mean-square").

    Examples
    --------
    >>> round(critical_lr([[[0.2]], [[3.8]]], 1), 6)   # 4 / 7.24
    0.552486
    >>> round(critical_lr([[[0.2]], [[3.8]]], 1, momentum=0.9), 6)   # 4(1 − μ²) / ((1−μ)2² + (1+μ)1.8²)
    0.115924
    """
    _checks.one_of(criterion, "criterion", ("mean-square", "sufficient", "gd"))
    _checks.flag(full_output, "full_output")
    problem = set_up(hessians, batch_size, momentum=momentum, nesterov=nesterov, dampening=dampening,
                     weight_decay=weight_decay, preconditioner=preconditioner, replacement=replacement)
    family = problem.limits()
    if criterion == "gd":
        edge = rounded(family.floor, len(family.modes.curvatures))
    else:
        bounds = Bounds.of(family)
        edge = bounds.sufficient_edge() if criterion == "sufficient" else bounds.enclose(family)
    lower, value, upper = (problem.lr(t) if t < np.inf else 0.0 for t in (edge.upper, edge.value, edge.lower))
    turned = 2 * (1 + problem.rule.momentum) / ((1 - problem.rule.dampening) * value)
    spectrum = Spectrum(turned, edge.residual * turned, bool(upper - lower <= _PROMISED * value),
                        len(family.modes.curvatures), min(lower, value), max(upper, value))
    return judged(value, spectrum, full_output)


def necessary_lr(hessians, batch_size, condition=None, *, momentum=0.0, nesterov=False, dampening=0.0,
                 weight_decay=0.0, preconditioner=None, replacement=False):
    r"""An upper bound on `critical_lr` in closed form.

    .. math:: \eta^* \le
              \frac{2 (1+\mu) \operatorname{tr} A}{\|A\|_F^2 + \frac{1+\mu}{1-\mu}\, p \operatorname{tr} \Sigma}
       \ \text{("trace")}, \qquad
       \eta^* \le \min_v \frac{2 (1+\mu) a_v}{a_v^2
                + \frac{1+\mu}{1-\mu}\, p\, \bigl(\overline{(v^T H_i v)^2} - (v^T H v)^2\bigr)}
       \ \text{("eigenvector")},

    v over the eigenvectors of A, a_v their eigenvalues (with dampening divided
    by 1 − τ): the Rayleigh quotients of C⁻¹D_μ at X = I and at X = vvᵀ, where
    the commutator vanishes. For Nesterov's step the same matrices in its form.
    "trace" is the closer one for isotropic ensembles, "eigenvector" where few
    examples have large gradients.

    Parameters
    ----------
    hessians, batch_size
        As for `stability_matrix`.
    condition : {"trace", "eigenvector"}, optional
        One of them; by default the smaller value of both.
    momentum, nesterov, dampening, weight_decay, preconditioner, replacement
        As for `critical_lr`.

    Returns
    -------
    float
        No larger rate is stable in mean square. To a relative 1e-12 of the formula.

    Raises
    ------
    ValueError
        As for `critical_lr`, or if `condition` is another.

    Examples
    --------
    >>> round(necessary_lr([[[0.2]], [[3.8]]], 1), 6)
    0.552486
    """
    if condition is not None:
        _checks.one_of(condition, "condition", ("trace", "eigenvector"))
    problem = set_up(hessians, batch_size, momentum=momentum, nesterov=nesterov, dampening=dampening,
                     weight_decay=weight_decay, preconditioner=preconditioner, replacement=replacement)
    bounds = Bounds.of(problem.limits())
    return problem.lr({"trace": bounds.trace, "eigenvector": bounds.eigenvector, None: bounds.necessary}[condition])
