r"""Kernels of the decoupled network and the law of D. The public names are those of `theory.learning_order`."""

import numpy as np

from theory import _checks
from theory.learning_order._weight_noise import _correlation, noise_autocorrelation


def arc_cosine_kernel(degree, cosine):
    r"""E[ReLU^{(1−degree)′}] products for Gaussian weights and unit inputs at angle θ.

    .. math:: k_0 = \tfrac12 - \tfrac{\theta}{2\pi}, \qquad
              k_1 = \frac{\sin\theta + (\pi - \theta)\cos\theta}{2\pi}

    k₀ is the probability that both inputs are active, the kernel of the
    gradient; k₁ = E[ReLU(a) ReLU(b)], the kernel of the network at its start.

    Parameters
    ----------
    degree : {0, 1}
    cosine : float or array_like
        cos θ in [−1, 1].

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [CS09] Cho and Saul 2009, there without the factor ½.

    Examples
    --------
    >>> float(arc_cosine_kernel(0, 1.0)), float(arc_cosine_kernel(1, 1.0))
    (0.5, 0.5)
    """
    _checks.one_of(degree, "degree", (0, 1))
    angle = np.arccos(_correlation(cosine))
    if degree == 0:
        return 0.5 - angle / (2 * np.pi)
    return (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)


def lag_kernel(rho, r):
    r"""Second difference, over z − ζ, z, z + ζ in both arguments, of the gradient's kernel at lag correlation ρ.

    .. math:: C(\rho) = \sum_{ij} c_i c_j \langle x_i, x_j\rangle
              \Bigl(\tfrac12 - \frac{\arccos(\rho\cos\theta_{ij})}{2\pi}\Bigr), \qquad c = (1, -2, 1)

    Parameters
    ----------
    rho : float or array_like
        Correlation of the weights that make the two patterns, in [−1, 1].
    r : float
        ‖ζ‖ > 0, for ‖z‖ = 1.

    Returns
    -------
    float or ndarray
        Shape of `rho`.

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    Stands behind [LWM19, Lemma 4.2].

    Examples
    --------
    >>> abs(round(float(lag_kernel(0.0, 0.1)), 12))
    0.0
    """
    rho, r = _correlation(rho), _checks.scalar(r, "r")
    near, far = 1 / np.sqrt(1 + r * r), (1 - r * r) / (1 + r * r)

    def both(cosine):
        # Without the ½, which the weights cancel to Σ c_i c_j ⟨x_i, x_j⟩ / 2 = 0.
        return -np.arccos(np.clip(rho * cosine, -1, 1)) / (2 * np.pi)

    return 2 * (1 + r * r) * both(1.0) + 4 * both(1.0) - 8 * both(near) + 2 * (1 - r * r) * both(far)


def curvature_prediction(v_scale, r, weight_decay, *, lr=None, steps=None, mean_alpha=0.5, fraction=1.0,
                         mean_square_alpha=None):
    r"""D = g(z+ζ) + g(z−ζ) − 2g(z) under a large rate, before Q is learned.

    .. math:: D = -\tfrac18 E[\alpha]\, q\, c_v^2 \sum_{k=1}^{t} \eta (1-\eta\lambda)^{k-1} C((1-\eta\lambda)^k)
              \;\to\; -\tfrac18 E[\alpha]\, q\, \frac{4}{3\pi} \frac{c_v^2 r^3}{\lambda}

    The factor ⅛E[α] is ¼E[ασ] with σ = ½, the slope of the loss at f = 0. The
    second form is the limit of small η, r and λ with t → ∞; it is r³/λ where
    Lemma 4.2 bounds by r²/λ. Gradients are taken at f ≈ 0 and patterns from
    the noise part: as g grows slopes fall below ½ and this is too large, by a
    share of about |D|/10.

    With E[α²] given, slopes answer to g to first order, σ(−yf) ≈ ½ − yf/4, and
    the stationary mean of g on x = (z − ζ, z, z + ζ), whose shares of the data
    are s = (¼, ½, ¼) and whose labels y = (−1, 1, −1), solves a linear system:

    .. math:: \bar g = -A (b + C \bar g), \qquad
              A_{ij} = c_v^2 \langle x_i, x_j\rangle \sum_{k \ge 1} \eta (1-\eta\lambda)^{k-1}
              k_0\bigl((1-\eta\lambda)^k \cos\theta_{ij}\bigr),

    .. math:: b_i = -\tfrac12 q\, s_i y_i E[\alpha], \qquad C = \tfrac14 q E[\alpha^2]\, \mathrm{diag}(s).

    C = 0 gives back the sum above. The domain is |g|√E[α²] ≤ ½: within 1 % of
    runs there, 5 % too small in |D| at 0.8, 11 % at 1.1.

    Parameters
    ----------
    v_scale : float
        c_v.
    r : float
        ‖ζ‖.
    weight_decay : float
        λ.
    lr : float, optional
        η for the sum over steps; None gives the limit.
    steps : int, optional
        t; None sums until the lags have no correlation left. Not with lr None.
    mean_alpha : float
        E[α], ½ for (2.5).
    fraction : float
        Fraction of the data whose x₂ is not 0 and whose slope is ½.
    mean_square_alpha : float, optional
        E[α²], ⅓ for (2.5), for slopes that answer to g; None leaves them at ½. Needs `lr`, not `steps`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Outside that domain, or if E[α²] < E[α]².

    References
    ----------
    Sharpens [LWM19, Lemma 4.2].

    Examples
    --------
    >>> round(float(curvature_prediction(5.0, 0.1, 3.3e-3, lr=0.25)), 3)
    -0.183
    >>> round(float(curvature_prediction(5.0, 0.1, 3.3e-3, lr=0.25, mean_square_alpha=1 / 3)), 3)
    -0.178
    """
    v_scale, r, weight_decay = _checks.scalar(v_scale, "v_scale"), _checks.scalar(r, "r"), \
        _checks.scalar(weight_decay, "weight_decay")
    _checks.scalar(mean_alpha, "mean_alpha"), _checks.scalar(fraction, "fraction")
    if mean_square_alpha is not None and (lr is None or steps is not None):
        raise ValueError(f"mean_square_alpha needs lr and no steps, got lr={lr!r} and steps={steps!r}; it is for the "
                         f"stationary mean at a rate")
    if mean_square_alpha is not None and _checks.scalar(mean_square_alpha, "mean_square_alpha") < mean_alpha**2:
        raise ValueError(f"mean_square_alpha must be at least mean_alpha², {mean_alpha**2:g}, got "
                         f"{mean_square_alpha:g}; it is E[α²]")
    scale = -mean_alpha / 8 * fraction * v_scale**2
    if lr is None:
        if steps is not None:
            raise ValueError(f"steps must be None without lr, got {steps!r}; the limit is that of infinitely many "
                             f"steps")
        return scale * 4 / (3 * np.pi) * r**3 / weight_decay
    product = _checks.scalar(lr, "lr") * weight_decay
    if product >= 1:
        raise ValueError(f"lr times weight_decay must be below 1, got {product:g}; lower one of them")
    steps = int(np.ceil(40 / product)) if steps is None else _checks.whole(steps, "steps")
    lags = np.arange(1, steps + 1)
    weights = lr * (1 - product) ** (lags - 1)
    rho = noise_autocorrelation(lr, weight_decay, lags)
    if mean_square_alpha is None:
        return scale * float(weights @ lag_kernel(rho, r))
    x = np.array([[1, -r], [1, 0], [1, r]])
    lengths = np.linalg.norm(x, axis=1)
    cosines = np.clip(x @ x.T / np.outer(lengths, lengths), -1, 1)
    kernel = v_scale**2 * (x @ x.T) * np.tensordot(weights, arc_cosine_kernel(0, np.multiply.outer(rho, cosines)), 1)
    shares, labels = np.array([0.25, 0.5, 0.25]) * fraction, np.array([-1, 1, -1])
    pull = kernel * (shares / 4 * mean_square_alpha)  # A C
    g = np.linalg.solve(np.eye(3) + pull, kernel @ (shares * labels * mean_alpha / 2))
    reach = np.abs(g).max() * np.sqrt(mean_square_alpha)
    if reach > 0.5:
        raise ValueError(f"|g| times the root of mean_square_alpha must be at most 0.5, got {reach:g}; slopes are not "
                         f"linear in g there, run refimpl.learning_order.train_small")
    return float(g[0] + g[2] - 2 * g[1])


def curvature_bound(v_scale, r, weight_decay):
    r"""The paper's bound on |D| without its logarithms and constant, c_v² r²/λ.

    Parameters
    ----------
    v_scale, r, weight_decay : float
        c_v, ‖ζ‖ and λ.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If one is not positive.

    References
    ----------
    [LWM19, Lemma 4.2], for c_v = 1 there.

    Examples
    --------
    >>> round(curvature_bound(1.0, 0.1, 0.01), 12)
    1.0
    """
    v_scale, r = _checks.scalar(v_scale, "v_scale"), _checks.scalar(r, "r")
    return v_scale**2 * r**2 / _checks.scalar(weight_decay, "weight_decay")
