r"""D before annealing: its law and the paper's bound. The public names are those of `theory.learning_order`."""

import numpy as np

from theory import _checks
from theory.learning_order._arc_cosine import second_difference
from theory.learning_order._quadrature import panels

_EXPLICIT = 4096  # steps that are summed one by one; beyond, the summand is smooth on the scale of its index


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

    C = 0 gives back the sum above. It is solved for D and g(z+ζ) + g(z−ζ) +
    2g(z), in which nothing cancels. The domain is |g|√E[α²] ≤ ½. Beside exact
    slopes D is off there by at most |g|⁴E[α⁴]/(6 E[α]), |g| the largest of three
    (720 settings, to 1.000 of it): at |D| = 4|g| by 1.1 % for (2.5), by 10 % where
    one α in ten is 1 and the others 0.05. Runs come to that mean if an alternating
    change of g dies out,

    .. math:: \lambda_{\max}(C^{1/2} S C^{1/2}) < 1, \qquad S_{ij} = c_v^2 \langle x_i, x_j\rangle
              \sum_{k \ge 1} (-1)^{k-1} \eta (1-\eta\lambda)^{k-1} k_0\bigl((1-\eta\lambda)^k \cos\theta_{ij}\bigr),

    about η c_v² q E[α²] < 16: k₀ is a series in ρ of positive terms, so that the
    sums are mixtures of Σ m^k z^{−k} with 0 < m < 1, and all roots z are real.

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
        Fraction of the data, in (0, 1], whose x₂ is not 0 and whose slope is ½.
    mean_square_alpha : float, optional
        E[α²], ⅓ for (2.5), for slopes that answer to g; None leaves them at ½. Needs `lr`, not `steps`.

    Returns
    -------
    float
        The sum over steps to 1e-12 relative, with E[α²] to 1e-10; the limit is above the sum at small ηλ by at most
        1.1 r for r ≤ ½.

    Raises
    ------
    ValueError
        Outside that domain, if E[α²] < E[α]², or if g would not settle.

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
    v_scale, r, weight_decay, mean_alpha, fraction = (
        _checks.scalar(value, name) for value, name in (
            (v_scale, "v_scale"), (r, "r"), (weight_decay, "weight_decay"), (mean_alpha, "mean_alpha"),
            (fraction, "fraction")))
    if fraction > 1:
        raise ValueError(f"fraction must lie in (0, 1], got {fraction:g}; it is a share of the data")
    if mean_square_alpha is not None and (lr is None or steps is not None):
        raise ValueError(f"mean_square_alpha needs lr and no steps, got lr={lr!r} and steps={steps!r}; it is for the "
                         f"stationary mean at a rate")
    mean_square_alpha = None if mean_square_alpha is None else _checks.scalar(mean_square_alpha, "mean_square_alpha")
    if mean_square_alpha is not None and mean_square_alpha < mean_alpha * mean_alpha:
        raise ValueError(f"mean_square_alpha must be at least mean_alpha², {mean_alpha * mean_alpha:g}, got "
                         f"{mean_square_alpha:g}; it is E[α²]")
    scale = -mean_alpha / 8 * fraction * (v_scale * v_scale)
    if lr is None:
        if steps is not None:
            raise ValueError(f"steps must be None without lr, got {steps!r}; the limit is that of infinitely many "
                             f"steps")
        return _checks.within_floats(scale * 4 / (3 * np.pi) * (r * r * r) / weight_decay, "v_scale and r")
    lr = _checks.scalar(lr, "lr")
    product = lr * weight_decay
    if not 1e-300 < product < 1:
        raise ValueError(f"lr times weight_decay must lie in (0, 1), got {product:g}; change one of them")
    if r > 1e100:
        raise ValueError(f"r must be at most 1e100, got {r:g}; it is the length of ζ beside ‖z‖ = 1")
    steps = None if steps is None else _checks.whole(steps, "steps")
    if mean_square_alpha is None:
        return float(_checks.within_floats(lambda: scale * lr * _sum_over_lags(
            lambda rho, gap: second_difference(rho, gap, r)[0], product, steps), "v_scale and r"))
    gain = _checks.within_floats(v_scale * v_scale * lr * (1 + r * r), "v_scale, r and lr") / (1 + r * r)
    sums = gain * _sum_over_lags(lambda rho, gap: _kernels(rho, gap, r), product)
    difference = _answering_slopes(sums, fraction, mean_alpha, mean_square_alpha)
    _settling(gain * fraction * mean_square_alpha / 4, r, product)
    return difference


def _settling(gain, r, product):
    """Refuse what lets an alternation of g grow; `gain` times S of c_v² η = 1 stands for C^½ S C^½ without shares."""
    x, k = np.array([[1, -r], [1, 0], [1, r]]), np.arange(40.0)
    inner, size = x @ x.T, np.hypot(1, x[:, 1])
    cosines = np.minimum(inner / size / size[:, None], 1)[..., None] * np.exp((k + 1) * np.log1p(-product))
    sums = np.cumsum((-1)**k * np.exp(k * np.log1p(-product)) * (0.25 + np.arcsin(cosines) / (2 * np.pi)), axis=-1)
    while sums.shape[-1] > 1:               # Euler's means, of totally monotone terms: to 1e-12
        sums = (sums[..., 1:] + sums[..., :-1]) / 2
    shares = np.sqrt([0.25, 0.5, 0.25])
    largest = gain * np.linalg.eigvalsh(shares[:, None] * inner * sums[..., 0] * shares)[-1]
    if largest >= 1:
        raise ValueError(f"lr must let g settle, got one where alternating changes of g are answered by {largest:g} "
                         "of them, and 1 keeps them up; take a smaller lr")


def _answering_slopes(kernels, fraction, mean_alpha, mean_square_alpha):
    """D from c·A·c, c·A·w and w·A·w, with c = (1, −2, 1) and w = (1, 2, 1): a system for D = c·g and W = w·g."""
    of_c, mixed, of_w = kernels
    pull, answer = fraction * mean_alpha / 8, fraction * mean_square_alpha / 64  # b = pull c, C g = answer (D c + W w)
    ratio = answer * mixed / (1 + answer * of_w)
    left = of_c - ratio * mixed
    difference = -pull * left / (1 + answer * left)
    total = -mixed * (pull + answer * difference) / (1 + answer * of_w)
    reach = max(abs(total + difference), abs(total - difference)) / 4 * mean_square_alpha**0.5
    if reach > 0.5:
        raise ValueError(f"|g| times the root of mean_square_alpha must be at most 0.5, got {reach:g}; slopes are not "
                         f"linear in g there, run refimpl.learning_order.train_small")
    return float(difference)


def _kernels(rho, gap, r):
    """c·K·c, c·K·w and w·K·w of the kernel ⟨x_i, x_j⟩ k₀(ρ cos θ_ij), (3, …)."""
    of_c, double = second_difference(rho, gap, r)
    sines = [np.arcsin(rho * cos) for cos in (1.0, 1 / np.hypot(1, r), (1 - r) * (1 + r) / (1 + r * r))]
    of_w = 4 + ((3 + r * r) * sines[0] + 4 * sines[1] + (1 - r * r) * sines[2]) / np.pi
    return np.stack([of_c, (r - 1) * (r + 1) / np.pi * double, of_w])


def _sum_over_lags(summand, product, steps=None):
    """Σ_k (1 − ηλ)^{k−1} summand(ρ, 1 − ρ) with ρ = (1 − ηλ)^k, k = 1 … steps; None sums until ρ is e^{−45}.

    After the first steps an integral over k stands for the sum, by the
    midpoint rule of Euler and Maclaurin with its first correction; what is
    left is of relative order (steps summed one by one)^{−4}.
    """
    log_factor = np.log1p(-product)
    most = max(1, int(np.ceil(-45 / log_factor)))
    steps = most if steps is None else min(steps, most)

    def values(k):
        exponent = k * log_factor
        return np.exp(exponent - log_factor) * summand(np.exp(exponent), -np.expm1(exponent))

    total = values(np.arange(1.0, min(steps, _EXPLICIT) + 1)).sum(axis=-1)
    if steps <= _EXPLICIT:
        return total
    first, last = _EXPLICIT + 0.5, steps + 0.5
    count = int(np.ceil(np.log2(last / first)))
    nodes, weights = panels(first * (last / first)**(np.arange(count + 1) / count))
    ends = values(np.array([first - 0.5, first + 0.5, last - 0.5, last + 0.5]))
    slopes = ends[..., 3] - ends[..., 2] - (ends[..., 1] - ends[..., 0])
    return total + values(nodes) @ weights - slopes / 24


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
    reach = v_scale * r
    return _checks.within_floats(reach / _checks.scalar(weight_decay, "weight_decay") * reach, "v_scale and r")
