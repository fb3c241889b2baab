r"""Learning rates up to which a minimum is stable: exact, sufficient, necessary.

The public names are those of `theory.linear_stability`.
"""

from dataclasses import dataclass

import numpy as np

from theory import _checks
from theory.linear_stability._certificate import Edge, enclose, margin
from theory.linear_stability._preconditioner import set_up

_WIDEST = 1e-6      # relative width of an enclosure that is returned
_PROMISED = 1e-9    # and the one that `converged` means


@dataclass(frozen=True)
class Spectrum:
    """How a value was found and between which bounds it is proved to lie, returned with ``full_output=True``.

    Attributes
    ----------
    eigenvalue : float
        The eigenvalue that the result was computed from: the rate itself, or
        2(1+μ)/((1−τ)η), which without momentum is λmax(C⁻¹D).
    residual : float
        Of that eigenvalue, at a unit vector; it bounds the distance to some
        eigenvalue and proves nothing about the largest.
    converged : bool
        Whether the enclosure is at most 1e-9 wide relative to the value
        (rates below 1e-4: 1e-13 wide).
    rank : int
        Dimension of range(H), on which the eigenproblem was solved (d where a
        preconditioner and decay couple all directions).
    lower, upper : float
        lower ≤ value ≤ upper, and the exact answer lies between them too: on
        one side a positive definite matrix proves stability (Collatz and
        Wielandt), on the other a quotient proves instability (Rayleigh). The
        bounds allow for rounding: for 16 r ε of the terms of each product,
        and hold for the reduced ensemble, which is that of H_i changed by
        rounding of the largest (of J_i, where factors were given).
    """

    eigenvalue: float
    residual: float
    converged: bool
    rank: int
    lower: float
    upper: float


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
        but for rounding at most 1e-9 wide. Only ``"sufficient"`` of *dense*
        Hessians inherits their rounding, relative to the smallest eigenvalue
        of H: give factors where H is nearly singular.

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
    >>> round(critical_lr([[[0.2]], [[3.8]]], 1, momentum=0.9), 6)   # 2·2(1−μ²) / ((1−μ)2² + (1+μ)1.8²)
    0.115924
    """
    _checks.one_of(criterion, "criterion", ("mean-square", "sufficient", "gd"))
    problem = set_up(hessians, batch_size, momentum=momentum, nesterov=nesterov, dampening=dampening,
                     weight_decay=weight_decay, preconditioner=preconditioner, replacement=replacement)
    family = problem.limits()
    if criterion == "gd":
        edge = _rounded(family.floor, len(family.modes.curvatures))
    else:
        bounds = Bounds.of(family)
        edge = bounds.sufficient_edge() if criterion == "sufficient" else bounds.enclose(family)
    lower, value, upper = (problem.lr(t) if t < np.inf else 0.0 for t in (edge.upper, edge.value, edge.lower))
    turned = 2 * (1 + momentum) / ((1 - dampening) * value)
    spectrum = Spectrum(turned, edge.residual * turned, bool(upper - lower <= _PROMISED * value),
                        len(family.modes.curvatures), min(lower, value), max(upper, value))
    return judged(value, spectrum, full_output)


def necessary_lr(hessians, batch_size, condition=None, *, momentum=0.0, nesterov=False, dampening=0.0,
                 weight_decay=0.0, preconditioner=None, replacement=False):
    r"""An upper bound on `critical_lr` in closed form.

    .. math:: \eta^* \le \frac{2 (1+\mu) \operatorname{tr} A}{\|A\|_F^2 + \frac{1+\mu}{1-\mu}\, p \operatorname{tr} \Sigma}
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
        No larger rate is stable in mean square.

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


@dataclass(frozen=True, eq=False)
class Bounds:
    """Bounds on the edge in t = 1/η that cost no search: necessary ≤ edge ≤ sufficient."""

    trace: float
    eigenvector: float
    sufficient: float
    mode: int               # the eigenvector

    @classmethod
    def of(cls, family):
        modes, size = family.modes, len(family.modes.curvatures)
        trace = family.edge_of(np.eye(size), family.noise_factor * modes.variance)
        each = _edges_of_modes(family)
        mode = int(np.argmax(each))
        return cls(trace, float(each[mode]), max(_sufficient(family), trace, float(each[mode])), mode)

    @property
    def necessary(self):
        return max(self.trace, self.eigenvector)

    def sufficient_edge(self):
        return _rounded(self.sufficient, 1 if self.sufficient == self.necessary else 4)

    def enclose(self, family):
        """The exact edge, between the bounds."""
        size = len(family.modes.curvatures)
        if self.sufficient - self.necessary <= margin(size) * self.sufficient:
            return _rounded(self.necessary, 2 * size)
        edge = enclose(family, start_pairs(family, self.mode))
        value = min(max(edge.value, self.necessary), self.sufficient)
        return Edge(value, min(max(edge.lower, self.necessary * (1 - margin(size))), value), edge.upper, edge.matrix,
                    edge.inside, edge.residual)


def start_pairs(family, mode):
    """(X, pN(X)) for X = I, which overlaps every eigenvector of the cone, and for one mode."""
    size = len(family.modes.curvatures)
    single = np.zeros((size, size))
    single[mode, mode] = 1.0
    return [(np.eye(size), family.noise_factor * family.modes.variance),
            (single, family.noise_factor * family.modes.noise_of_mode(mode))]


def judged(value, spectrum, full_output):
    """The value, with its spectrum if that was asked for; else refused where no enclosure is narrow enough."""
    if full_output:
        return value, spectrum
    if spectrum.upper - spectrum.lower > _WIDEST * max(value, 1e-7):
        raise RuntimeError(f"no enclosure narrower than 1e-6 of {value:.6g} was found, only [{spectrum.lower:.9g}, "
                           f"{spectrum.upper:.9g}]; this usually means many eigenvalues crowd at the top or curvatures "
                           "that span more than float64 resolves; call with full_output=True and judge")
    return value


def _rounded(value, size):
    """An edge known but for rounding."""
    allowed = margin(size)
    return Edge(value, value * (1 - allowed), value * (1 + allowed), None, None, 0.0)


def _edges_of_modes(family):
    """The t at which the form of vvᵀ changes sign, for each eigenvector v of A, shape (r,)."""
    curvatures, along, mu = family.modes.curvatures, family.noise_factor * family.modes.along, family.rule.momentum
    if not family.rule.nesterov:
        return np.maximum((curvatures / (1 + mu) + along / ((1 - mu) * curvatures)) / 2, family.floor)
    weight = np.ones((1, 1))
    return np.array([family.rule.inverse_lr_where(curvatures[i:i + 1], weight, along[i], family.floor)
                     for i in range(len(curvatures))])


def _sufficient(family):
    """The smallest t with pΣ ≤ diag(1/k_ii)."""
    curvatures, rule = family.modes.curvatures, family.rule
    relative = family.noise_factor * family.modes.relative_variance
    if not rule.nesterov:
        mu = rule.momentum
        return float(np.linalg.eigvalsh(np.diag(curvatures) + (1 + mu) / (1 - mu) * relative)[-1]) / (2 * (1 + mu))
    if not relative.any():
        return family.floor
    t = family.floor * (1 + 1e-13)
    for _ in range(50):
        turn = np.sqrt(curvatures / rule.inverse_diagonal(curvatures, t))
        values, vectors = np.linalg.eigh(turn[:, None] * relative * turn)
        if values[-1] <= 1 + 1e-14:
            break
        vector = vectors[:, -1] * turn                   # A^½ u, u the vector that breaks the condition most
        new = rule.inverse_lr_where(curvatures, np.diag(vector**2 / curvatures), float(vector @ relative @ vector), t)
        if new <= t * (1 + 1e-15):
            break
        t = new
    return t
