r"""Algorithms 1 and 2 of Li, Wei and Ma 2019. The public names are those of `refimpl.learning_order`."""

from dataclasses import dataclass, field
from math import expm1, log1p, sqrt

import numpy as np

from refimpl.learning_order._data import BOTH, P_ONLY, Q_ONLY
from refimpl.learning_order._engines import PlainEngine, ReducedEngine, slopes
from refimpl.learning_order._two_layer_relu import logistic_loss
from theory import _checks

STOPPED, DIVERGED, EXHAUSTED = 0, 1, 2
_NEVER = 1e-300  # a training loss that no run reaches
_LIMIT = 1e12  # |f| beyond which a run has diverged
_SUBSETS = (("p", P_ONLY), ("q", Q_ONLY), ("both", BOTH))


@dataclass(frozen=True)
class Run:
    """A training run; K records.

    Attributes
    ----------
    success : bool
        Whether the stopping loss was reached.
    status : int
        0 stopped at the loss, 1 diverged, 2 out of steps.
    nit : int
        Updates made; a lumped update counts once.
    message : str
    anneal_step : int
        Update before which the rate (or the noise before activations) was
        lowered; −1 where it never was.
    anneal_time : float
        Σ of the learning rates up to there; NaN where it never was.
    time : ndarray (K,)
        Σ of the learning rates.
    observed : dict of str to ndarray (K,) or (K, 3)
        ``loss``, ``loss_p``, ``loss_q``, ``loss_both``: training losses, whole and by subset; ``accuracy_p``,
        ``accuracy_q`` beside them. ``loss_r``: training loss of r alone on M₁ (Lemma 4.4). ``test_error``,
        ``test_loss`` and both with ``_p``, ``_q``, ``_both``: weighted and by subset. ``g``: g on z − ζ, z, z + ζ.
        ``curvature``: D = g(z+ζ) + g(z−ζ) − 2g(z). ``turnover``: fraction of V's pattern on z that differs from the
        start. ``signal_norm``: ‖Ū‖_F². ``signal_m2``: ‖W̄⁽²⁾‖_F of (5.1), the signal of W from examples with x₂ ≠ 0.
        ``odd``: ‖½ Σ_j w_j W_j‖ of the signal from P-only examples, of W̄⁽²⁾ and of the noise (Lemma 5.3). A subset
        without examples gives NaN; so do ``signal_m2`` and ``odd`` for a model that is not in block form.
    signal, noise : ndarray (m, 2d)
        Ū and Ũ of (3.4) at the end; the reduced engine leaves V's coordinates
        outside span(z, ζ) at 0.
    """

    success: bool
    status: int
    nit: int
    message: str
    anneal_step: int
    anneal_time: float
    time: np.ndarray
    observed: dict = field(repr=False)
    signal: np.ndarray = field(repr=False)
    noise: np.ndarray = field(repr=False)


def train_large_then_small(model, data, *, large_lr, small_lr, anneal_loss, stop_loss, weight_decay, noise_std,
                           jitter_std=0.0, lump=1, decoupled=False, engine="reduced", test=None, max_steps=100_000,
                           large_steps=None, record_every=100, start=None, noise=None, rng=None):
    r"""Algorithm 1 (L-S): a large rate until the training loss is low enough, then a small one.

    .. math:: U_{t+1} = (1 - \gamma_t\lambda) U_t - \gamma_t(\nabla \hat L(U_t) + \xi_t), \qquad
              \xi_t \sim N(0, \tau_\xi^2)

    The loss is read before each update: the rate changes at the first t with
    L̂(U_t) ≤ anneal_loss, and the run ends at the first later one with
    L̂(U_t) ≤ stop_loss. τ_ξ is the same at both rates.

    Parameters
    ----------
    model : TwoLayerReLU
    data : Data
    large_lr, small_lr : float
        η₁ and η₂.
    anneal_loss, stop_loss : float
        ε₁ + q log 2 and ε₂.
    weight_decay : float
        λ > 0.
    noise_std : float
        τ_ξ.
    jitter_std : float
        Std of noise before the activations of V, fresh in each large-rate
        update, for a unit input; `train_small` with jitter is the mitigation.
        One draw for each neuron and direction of x₂, scaled by α.
    lump : int
        Small-rate steps made as one update: the gradient is frozen over them,
        decay and noise are summed exactly. **Approximate** beyond 1.
    decoupled : bool
        Whether V's activation pattern is that of its noise part, N_Ṽ(v, Ṽ + V̄),
        the object of the paper's proofs, instead of the network's own.
    engine : {"reduced", "plain"}
        The reduced engine needs block form and is exact.
    test : Data, optional
        From `full_sample`; without it test columns are NaN.
    max_steps : int
        Updates at most, of both phases together.
    large_steps : int, optional
        Anneal after so many updates, whatever the loss.
    record_every : int
        Updates between records; start, annealing and end are recorded too.
    start : array_like (m, 2d), optional
        U₀; by default ``model.init``.
    noise : array_like (T, m, 2d), optional
        ξ_t themselves; needs lump = 1. The run ends after T updates.
    rng : None, int, SeedSequence or Generator

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If an argument is out of range or the rates times λ reach 1.

    References
    ----------
    [LWM19, (3.1), (3.2), Algorithm 1]

    Examples
    --------
    >>> from refimpl.learning_order import Distribution, TwoLayerReLU, sample, train_large_then_small
    >>> data = sample(Distribution(10), 50, rng=0)
    >>> model = TwoLayerReLU(10, 8, 40, v_scale=4.0, init_std=0.1)
    >>> run = train_large_then_small(model, data, large_lr=0.2, small_lr=0.02,
    ...                              anneal_loss=0.5, stop_loss=0.4, weight_decay=1e-3, noise_std=0.01, rng=0)
    >>> run.success, bool(run.observed["loss"][-1] <= 0.4)
    (True, True)
    """
    large_lr = _rate(large_lr, "large_lr", weight_decay)
    _checks.scalar(anneal_loss, "anneal_loss")
    phases = [(large_lr, 1, jitter_std, anneal_loss, large_steps), (small_lr, lump, 0.0, stop_loss, None)]
    return _train(model, data, phases, weight_decay, noise_std, decoupled, engine, test, max_steps, record_every,
                  start, noise, rng)


def train_small(model, data, *, lr, stop_loss, weight_decay, noise_std, jitter_std=0.0, jitter_final=0.0,
                anneal_loss=None, jitter_steps=None, lump=1, decoupled=False, engine="reduced", test=None,
                max_steps=100_000, record_every=100, start=None, noise=None, rng=None):
    """Algorithm 2 (S): one small rate throughout; with `jitter_std` the mitigation.

    The mitigation puts noise before the activations of V until the training
    loss falls to `anneal_loss`, or for `jitter_steps` updates, and then lowers
    it to `jitter_final`.

    Parameters
    ----------
    model, data, stop_loss, weight_decay, noise_std, lump, decoupled, engine, test, max_steps, record_every, start,
    noise, rng
        As in `train_large_then_small`.
    lr : float
        η₂.
    jitter_std : float
        Std of the noise before V's activations for a unit input.
    jitter_final : float
        What it is lowered to; 0 takes it away.
    anneal_loss : float, optional
        Loss at which that noise is lowered. The loss fluctuates under the noise; `jitter_steps` is steadier.
    jitter_steps : int, optional
        Updates after which it is lowered; one of the two is needed with `jitter_std`.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        As `train_large_then_small`.

    References
    ----------
    [LWM19, Algorithm 2; section 6]

    Examples
    --------
    >>> from refimpl.learning_order import Distribution, TwoLayerReLU, sample, train_small
    >>> data = sample(Distribution(10), 50, rng=0)
    >>> train_small(TwoLayerReLU(10, 8, 40, v_scale=4.0, init_std=0.1), data, lr=0.05, stop_loss=0.4, weight_decay=1e-3,
    ...             noise_std=0.01, rng=0).success
    True
    """
    phases = [(lr, lump, jitter_final if jitter_std else 0.0, stop_loss, None)]
    if _checks.scalar(jitter_final, "jitter_final", zero=True) and not jitter_std:
        raise ValueError(f"jitter_final needs jitter_std, got {jitter_final!r} without it; give the noise before too")
    if jitter_std:
        if anneal_loss is None and jitter_steps is None:
            raise ValueError("anneal_loss or jitter_steps must be given with jitter_std, got None; say when the "
                             "noise ends")
        phases = [(lr, lump, jitter_std, _NEVER if anneal_loss is None else anneal_loss, jitter_steps), *phases]
    return _train(model, data, phases, weight_decay, noise_std, decoupled, engine, test, max_steps, record_every,
                  start, noise, rng)


def _rate(lr, name, weight_decay):
    lr, weight_decay = _checks.scalar(lr, name), _checks.scalar(weight_decay, "weight_decay")
    if lr * weight_decay >= 1:
        raise ValueError(f"{name} times weight_decay must be below 1, got {lr * weight_decay:g}; lower one of them")
    return lr


def _train(model, data, phases, weight_decay, noise_std, decoupled, engine, test, max_steps, record_every, start,
           noise, rng):
    for lr, lump, jitter_std, stop_loss, steps in phases:
        _rate(lr, "lr", weight_decay)
        _checks.whole(lump, "lump")
        _checks.scalar(jitter_std, "jitter_std", zero=True)
        _checks.scalar(stop_loss, "stop_loss")
        if steps is not None:
            _checks.whole(steps, "large_steps")
    _checks.scalar(noise_std, "noise_std", zero=True)
    _checks.one_of(engine, "engine", ("reduced", "plain"))
    max_steps, record_every = _checks.whole(max_steps, "max_steps"), _checks.whole(record_every, "record_every")
    if model.dim != data.distribution.dim:
        raise ValueError(f"model.dim must be that of the data, {data.distribution.dim}, got {model.dim}; "
                         f"rebuild one of them")
    if engine == "reduced" and not model.block:
        raise ValueError("engine must be 'plain' for a model that is not in block form, got 'reduced'; choose 'plain'")
    rng = np.random.default_rng(rng)
    start = model.init(rng) if start is None else _checks.shaped(start, "start", model.parameter_shape)
    if noise is not None:
        if any(lump > 1 for _, lump, *_ in phases):
            raise ValueError("noise needs lump=1, since it is that of single steps; drop one of them")
        noise = _checks.shaped(noise, "noise", (None, *model.parameter_shape))
        max_steps = min(max_steps, len(noise))
    state = (ReducedEngine if engine == "reduced" else PlainEngine)(model, data, start, decoupled)
    return _loop(state, data, phases, weight_decay, noise_std, test, max_steps, record_every, noise, rng)


def _loop(state, data, phases, weight_decay, noise_std, test, max_steps, record_every, noise, rng):
    first, records, times = state.pattern(), [], []
    groups = [(name, np.flatnonzero(data.kind == kind)) for name, kind in _SUBSETS]
    phase, time, anneal, status = 0, 0.0, (-1, np.nan), EXHAUSTED
    update = _update(*phases[0][:2], weight_decay, noise_std)
    begun = 0
    for step in range(max_steps + 1):
        lr, lump, jitter_std, target, limit = phases[phase]
        jitter = state.jitter(rng, jitter_std) if jitter_std else None
        output = state.outputs(jitter)
        losses = logistic_loss(data.y * output)
        loss = losses.mean()
        reached = loss <= target or (limit is not None and step - begun >= limit)
        diverged = not np.abs(output).max() < _LIMIT
        if diverged or reached or step % record_every == 0 or step == max_steps:
            records.append(_record(state, data, output, losses, groups, test, first))
            times.append(time)
        if diverged:
            status = DIVERGED
            break
        if reached:
            phase += 1
            if phase == len(phases):
                status = STOPPED
                break
            anneal, begun = (step, time), step
            lr, lump, jitter_std, *_ = phases[phase]
            update = _update(lr, lump, weight_decay, noise_std)
            if jitter is not None:
                output = state.outputs(state.jitter(rng, jitter_std) if jitter_std else None)
        if step == max_steps:
            break
        decay, rate, std = update
        increment, spread = (state.draw(rng), std) if noise is None else (state.increment(noise[step]), lr)
        state.step(slopes(output, data.y), decay, rate, increment, spread)
        time += lr * lump
    message = (f"reached a training loss of {loss:.4g} after {step} updates", f"diverged at update {step}",
               f"training loss {loss:.4g} after all {step} updates")[status]
    observed = {name: np.array([record[name] for record in records]) for name in records[0]}
    return Run(status == STOPPED, status, step, message, *anneal, np.array(times), observed, *state.weights())


def _update(lr, lump, weight_decay, noise_std):
    """(decay, rate, noise std) of `lump` steps with the gradient frozen; decay and noise are summed exactly."""
    if lump == 1:
        return 1 - lr * weight_decay, lr, lr * noise_std
    exponent = log1p(-lr * weight_decay)
    rate = -expm1(lump * exponent) / weight_decay
    spread = expm1(2 * lump * exponent) / expm1(2 * exponent)
    return 1 - weight_decay * rate, rate, lr * noise_std * sqrt(spread)


def _record(state, data, output, losses, groups, test, first):
    """Everything that `Run.observed` holds, at one moment."""
    correct = data.y * output > 0
    found = {"loss": losses.mean(), "accuracy": correct.mean()}
    for name, rows in groups:
        found[f"loss_{name}"] = losses[rows].mean() if len(rows) else np.nan
        found[f"accuracy_{name}"] = correct[rows].mean() if len(rows) else np.nan
    trained = state.predictions(data)
    of_m1 = logistic_loss(data.y * trained[0])[data.in_m1]
    found["loss_r"] = of_m1.mean() if len(of_m1) else np.nan
    *predicted, g = trained if test is None else state.predictions(test)
    found["g"], found["curvature"] = g, g[0] + g[2] - 2 * g[1]
    weights = (data.distribution.p0, data.distribution.q0, 1 - data.distribution.p0 - data.distribution.q0)
    error = loss = 0.0
    for (name, _), weight, f in zip(_SUBSETS, weights, predicted):
        wrong = cost = np.nan
        if test is not None:
            wrong, cost = np.mean(test.y * f <= 0), logistic_loss(test.y * f).mean()
        found[f"test_error_{name}"], found[f"test_loss_{name}"] = wrong, cost
        error, loss = error + weight * wrong, loss + weight * cost
    found["test_error"], found["test_loss"] = error, loss
    found["turnover"] = np.mean(state.pattern() != first)
    found["signal_norm"] = state.signal_norm()
    found["signal_m2"], found["odd"] = np.nan, np.full(3, np.nan)
    parts = state.parts()
    if parts is not None:
        found["signal_m2"] = np.sqrt((parts[1]**2).sum())
        odd = state.model.output_weights[:state.model.w_width] @ np.stack(parts) / 2
        found["odd"] = np.sqrt((odd**2).sum(axis=1))
    return found
