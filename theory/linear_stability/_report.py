r"""All that is known of one minimum at one learning rate and batch size, in one call and in one sentence."""

from dataclasses import dataclass

import numpy as np

from theory import _checks
from theory.linear_stability._almost_sure import almost_sure_lr
from theory.linear_stability._bracket import Bracket, Products, lr_bracket
from theory.linear_stability._certificate import certify
from theory.linear_stability._covariance import AT_MINIMUM, loss_floor
from theory.linear_stability._critical_lr import critical_lr
from theory.linear_stability._ensemble import as_ensemble
from theory.linear_stability._eq4 import non_uniformity, sharpness
from theory.linear_stability._mean_square import mean_square_rate
from theory.linear_stability._momentum import step_rule, weight_decay_of
from theory.linear_stability._sampling_factor import sampling_factor

_INTERPOLATES = 1e-12  # loss at the minimum
_RANGE = 1e100         # of the critical rate, above and below, in which a rate is judged


@dataclass(frozen=True)
class StabilityReport:
    """What `stability_report` found; None where a number cannot be had.

    Attributes
    ----------
    verdict : {"stable", "unstable", "undecided"}
        Of SGD in mean square at `lr` and `batch_size`: proved, for a bracket but for the chance that it names.
    n, outputs, parameters : int
        Examples, outputs per example, parameters (for dense Hessians `outputs` is None).
    lr, batch_size, momentum, weight_decay, replacement
        As asked.
    sharpness, sharpness_limit : float
        λmax(H), and 2(1 + μ)/η − λ, at which full-batch descent would leave.
    non_uniformity, non_uniformity_limit : float or None
        √λmax(Σ), and the poster's bound 1/(η√p) on it, which is neither necessary nor sufficient (None with momentum
        or decay).
    sufficient_lr, critical_lr, gd_lr : float or None
        Below the first eq. 4 proves stability; the second is exact; the third is the full-batch limit.
    bracket : Bracket or None
        What stands for them where only products are known.
    almost_sure_lr : float or None
        Limit of almost every path, for one direction of curvature without momentum and decay; elsewhere it is
        simulated, by `refimpl.linear_stability.almost_sure_lr_interval`.
    growth : float or None
        Factor of E|x|² per step at `lr`; None also where no enclosure of it was found.
    batch_sizes, critical_lrs, sufficient_lrs : tuple
        What the rate may be at batch sizes 1, 2, 4, … and n: exactly, and by eq. 4.
    smallest_batch_size : int or None
        The smallest B at which `lr` is stable; None if none is.
    loss, floor : float or None
        ½ mean |f − y|² at the minimum, and the mean loss above it that SGD keeps, where residuals were given;
        no floor where SGD is not stable, or where the mean gradient says that this is not the minimum.
    message : str
        The same in a sentence or two.
    """

    verdict: str
    n: int
    outputs: int | None
    parameters: int
    lr: float
    batch_size: int
    momentum: float
    weight_decay: float
    replacement: bool
    sharpness: float
    sharpness_limit: float
    non_uniformity: float | None
    non_uniformity_limit: float | None
    sufficient_lr: float | None
    critical_lr: float | None
    gd_lr: float
    bracket: Bracket | None
    almost_sure_lr: float | None
    growth: float | None
    batch_sizes: tuple
    critical_lrs: tuple
    sufficient_lrs: tuple
    smallest_batch_size: int | None
    loss: float | None
    floor: float | None
    message: str

    def __str__(self):
        return "\n".join([self.message, "", *_lines(self)])


def stability_report(hessians, lr, batch_size, *, momentum=0.0, weight_decay=0.0, replacement=False, residuals=None,
                     rng=None):
    r"""Is this minimum stable for SGD at this rate and batch size, and what else could they be?

    For the loss (1/2n) Σ |f_i − y_i|²; with a constant c in front of Σ instead
    of 1/(2n), multiply the factors by √(2nc). Momentum is PyTorch's heavy ball.

    Parameters
    ----------
    hessians : array_like (n, d, d), GaussNewton, Ensemble or Products
        The minimum: per-example Hessians, factors, a kernel (`GaussNewton.from_kernel`), or products with the
        Jacobian, which give a bracket of the critical rate instead of the rate.
    lr : float
        Learning rate η > 0.
    batch_size : int
        Batch size B in 1…n.
    momentum : float
        μ in (−1, 1).
    weight_decay : float
        λ ≥ 0, in the gradient (coupled); not with Products.
    replacement : bool
        Whether batches are drawn with replacement.
    residuals : array_like (n,) or (n, k), optional
        f_i − y_i at the minimum, with factors that are ∂f/∂w themselves, or their kernel: does it interpolate, and
        if not, how much loss does SGD keep above it? With weight decay the mean gradient is that of the decay.
    rng : None, int, SeedSequence or Generator
        For `Products`, as in `lr_bracket`.

    Returns
    -------
    StabilityReport
        ``print`` it for all of it; `message` is the sentence.

    Raises
    ------
    ValueError
        As for `critical_lr` and `lr_bracket`; if `residuals` do not fit; or if `lr` lies more than a factor 1e100
        from the critical rate.

    References
    ----------
    [WME18]_, eq. 4 and Fig. 2; for the exact rate `critical_lr`.

    Examples
    --------
    >>> J = np.random.default_rng(0).standard_normal((50, 200))
    >>> print(stability_report(GaussNewton(J), 0.02, 4).message)
    Stable at learning rate 0.02 and batch size 4: SGD would leave above 0.03659; at batch size 2 it would leave now.
    """
    lr, momentum = _checks.scalar(lr, "lr"), step_rule(momentum, False, 0.0).momentum
    _checks.generator(rng)
    if isinstance(hessians, Products):
        if np.any(weight_decay) or residuals is not None:
            raise ValueError("weight_decay and residuals must not be given with Products, which know the bracket of "
                             "plain steps only; give factors or a kernel")
        return _of_products(hessians, lr, batch_size, momentum, replacement, rng)
    ensemble, weight_decay = as_ensemble(hessians), weight_decay_of(weight_decay)
    options = {"momentum": momentum, "weight_decay": weight_decay, "replacement": replacement}
    exact = critical_lr(ensemble, batch_size, **options)
    if not exact / _RANGE < lr < exact * _RANGE:
        raise ValueError(f"lr must lie within a factor {_RANGE:g} of the critical rate, {exact:.3g}, got {lr:g}; "
                         "check its units, or those of the factors")
    sizes = tuple(dict.fromkeys([*(2**k for k in range(ensemble.n.bit_length()) if 2**k < ensemble.n), ensemble.n]))
    rates = tuple(critical_lr(ensemble, size, **options) for size in sizes)
    noise, plain = sampling_factor(ensemble.n, batch_size, replacement=replacement), momentum == weight_decay == 0
    loss, floor = _residual_loss(ensemble, residuals, lr, batch_size, lr < exact, options)
    found = {
        "verdict": certify(ensemble, lr, batch_size, **options).verdict,
        "n": ensemble.n, "outputs": ensemble.hessians.jacobians.shape[1] if ensemble.is_factored else None,
        "parameters": ensemble.dim, "lr": lr, "batch_size": batch_size, **options,
        "sharpness": sharpness(ensemble), "sharpness_limit": 2 * (1 + momentum) / lr - weight_decay,
        "non_uniformity": non_uniformity(ensemble),
        "non_uniformity_limit": 1 / (lr * np.sqrt(noise)) if plain and noise > 0 else None,
        "sufficient_lr": critical_lr(ensemble, batch_size, "sufficient", **options), "critical_lr": exact,
        "gd_lr": critical_lr(ensemble, batch_size, "gd", **options), "bracket": None,
        "almost_sure_lr": _almost_sure(ensemble, batch_size, replacement) if plain else None,
        "growth": _growth(ensemble, lr, batch_size, options), "batch_sizes": sizes, "critical_lrs": rates,
        "sufficient_lrs": tuple(critical_lr(ensemble, size, "sufficient", **options) for size in sizes),
        "smallest_batch_size": _smallest(lambda size: critical_lr(ensemble, size, **options), lr, sizes, rates),
        "loss": loss, "floor": floor}
    return StabilityReport(**found, message=_sentence(found))


def _of_products(products, lr, batch_size, momentum, replacement, rng):
    found = lr_bracket(products, batch_size, momentum=momentum, replacement=replacement, rng=rng)
    verdict = "unstable" if lr > found.unstable else "stable" if lr < found.safe else "undecided"
    fields = {
        "verdict": verdict, "n": products.n, "outputs": products.outputs, "parameters": products.size, "lr": lr,
        "batch_size": batch_size, "momentum": momentum, "weight_decay": 0.0, "replacement": replacement,
        "sharpness": 2 * (1 + momentum) / found.gd, "sharpness_limit": 2 * (1 + momentum) / lr, "non_uniformity": None,
        "non_uniformity_limit": None, "sufficient_lr": None, "critical_lr": None, "gd_lr": found.gd, "bracket": found,
        "almost_sure_lr": None, "growth": None, "batch_sizes": (), "critical_lrs": (), "sufficient_lrs": (),
        "smallest_batch_size": None, "loss": None, "floor": None}
    return StabilityReport(**fields, message=_sentence(fields))


def _growth(ensemble, lr, batch_size, options):
    try:
        return mean_square_rate(ensemble, lr, batch_size, **options)
    except RuntimeError:  # no enclosure
        return None


def _smallest(rate_of, lr, sizes, rates):
    """The smallest batch size whose critical rate, which does not fall with B, is at least lr."""
    enough = [k for k, rate in enumerate(rates) if rate >= lr]
    if not enough:
        return None
    above = sizes[enough[0]]
    below = sizes[enough[0] - 1] if enough[0] else 0
    while above - below > 1:
        middle = (above + below) // 2
        above, below = (middle, below) if rate_of(middle) >= lr else (above, middle)
    return above


def _almost_sure(ensemble, batch_size, replacement):
    """For one direction of curvature and few enough batches; else None."""
    reduced = ensemble.reduced
    if len(reduced.eigenvalues) > 1:
        return None
    curvatures = np.square(reduced.factors).sum(axis=1)[:, 0] if reduced.is_factored else reduced.factors[:, 0, 0]
    try:
        return ensemble.rate(almost_sure_lr(curvatures, batch_size, replacement=replacement))
    except ValueError:  # too many batches to enumerate
        return None


def _residual_loss(ensemble, residuals, lr, batch_size, stable, options):
    if residuals is None:
        return None, None
    if not ensemble.is_factored:
        raise ValueError("residuals must come with factors, GaussNewton(jacobians), got dense Hessians; give ∂f/∂w")
    jacobians = ensemble.hessians.jacobians
    values, wanted = _checks.real(residuals, "residuals").astype(float), jacobians.shape[:2]
    if values.shape != (wanted if values.ndim != 1 or wanted[1] > 1 else wanted[:1]):
        raise ValueError(f"residuals must have shape {wanted}, got {values.shape}; give f_i − y_i of each output")
    values = values.reshape(wanted)
    loss = float(np.square(values).sum(axis=1).mean() / 2)
    if loss <= _INTERPOLATES or not stable:
        return loss, 0.0 if loss <= _INTERPOLATES else None
    gradients = np.einsum("nk,nkd->nd", values, jacobians)
    mean = gradients.mean(axis=0)
    if options["weight_decay"]:  # whose gradient is −mean at a minimum
        gradients -= mean
    elif np.abs(mean).max() > AT_MINIMUM * np.abs(gradients).max():
        return loss, None
    return loss, loss_floor(ensemble, gradients, lr, batch_size, **options)


def _sentence(found):
    """The verdict and what follows from it, in plain words."""
    at = f"at learning rate {found['lr']:.4g} and batch size {found['batch_size']}"
    with_momentum = f" with momentum {found['momentum']:g}" if found["momentum"] else ""
    leave = "SGD" + with_momentum
    if found["bracket"] is not None:
        low, high = found["bracket"].safe, found["bracket"].unstable
        rest = f"stable below {low:.4g}, unstable above {high:.4g}"
        rest += "" if found["bracket"].converged else " (the former would rise with more steps of its iteration)"
        return f"{found['verdict'].capitalize()} {at}: {leave} is {rest}."
    edge = found["critical_lr"]
    if found["verdict"] == "stable":
        words = f"Stable {at}: {leave} would leave above {edge:.4g}"
        smallest = found["smallest_batch_size"]
        words += (f"; at batch size {smallest - 1} it would leave now." if smallest > 1
                  else "; this rate is stable at every batch size.")
    elif found["verdict"] == "unstable":
        words = f"Unstable {at}: {leave} leaves this minimum, since it may not exceed {edge:.4g}"
        smallest = found["smallest_batch_size"]
        words += (f"; at this rate it would stay from batch size {smallest} on." if smallest
                  else f"; no batch size helps, since full-batch descent leaves above {found['gd_lr']:.4g}.")
        if found["almost_sure_lr"] is not None and found["lr"] < found["almost_sure_lr"]:
            words += (f" That is in mean square: while the loss is quadratic almost every path still converges below "
                      f"{found['almost_sure_lr']:.4g}.")
    else:
        words = f"Undecided {at}: the rate lies on the edge of stability, {edge:.6g}, to rounding."
    return words + _on_loss(found)


def _on_loss(found):
    if found["loss"] is None:
        return ""
    if found["loss"] <= _INTERPOLATES:
        return " The examples are interpolated."
    if found["floor"] is None:
        why = ", since its mean gradient is not zero" if found["verdict"] == "stable" else ""
        return (f" The loss here is {found['loss']:.3g}; no floor is given{why}. Below about 1e-4 of the loss at the "
                "start that hardly changes the rates.")
    return (f" The minimum does not interpolate (loss {found['loss']:.3g}): SGD keeps {found['floor']:.3g} above it; "
            "the second derivatives of f times the residuals, which H then also holds, are not in these numbers.")


def _lines(report):
    """A line per number that is known."""
    def number(value):
        return "–" if value is None else f"{value:.6g}"

    size = "" if report.outputs is None else f", {report.outputs} output{'s' if report.outputs > 1 else ''}"
    rows = [("examples", f"{report.n}{size}, {report.parameters} parameters"),
            ("sharpness", f"{number(report.sharpness)} (full-batch limit {number(report.sharpness_limit)})"),
            ("non-uniformity",
             f"{number(report.non_uniformity)} (bound of eq. 4 {number(report.non_uniformity_limit)})"),
            ("rate, full batch", number(report.gd_lr)), ("rate, exact", number(report.critical_lr)),
            ("rate, sufficient", number(report.sufficient_lr)), ("rate, almost surely", number(report.almost_sure_lr)),
            ("growth per step", number(report.growth)), ("loss", number(report.loss)),
            ("loss kept above", number(report.floor))]
    if report.bracket is not None:
        rows += [("rate, safe", number(report.bracket.safe)), ("rate, unstable", number(report.bracket.unstable))]
    rows += [(f"rate at batch {size}", number(rate)) for size, rate in zip(report.batch_sizes, report.critical_lrs)]
    return [f"{name:<20}{value}" for name, value in rows if not value.startswith("–")]
