r"""Algorithms 1 and 2 of Li, Wei and Ma 2019. The public names are those of `refimpl.learning_order`."""

from refimpl._renamed import renamed
from refimpl.learning_order._engines import PlainEngine, ReducedEngine
from refimpl.learning_order._loop import Loop, Options, Phase
from theory import _checks


@renamed(stop_loss="target", jitter_std="preactivation_std")
def train_large_then_small(model, data, *, large_lr, small_lr, anneal_loss, target, weight_decay, noise_std,
                           preactivation_std=0.0, lump=1, decoupled=False, engine="reduced", test=None,
                           max_steps=100_000, large_steps=None, record_every=100, start=None, noise=None, rng=None):
    r"""Algorithm 1 (L-S): a large rate until the training loss is low enough, then a small one.

    .. math:: U_{t+1} = (1 - \gamma_t\lambda) U_t - \gamma_t(\nabla \hat L(U_t) + \xi_t), \qquad
              \xi_t \sim N(0, \tau_\xi^2)

    The loss is read before each update: the rate changes at the first t with
    L̂(U_t) ≤ anneal_loss, and the run ends at the first later one with
    L̂(U_t) ≤ target. τ_ξ is the same at both rates.

    Parameters
    ----------
    model : TwoLayerReLU
        The network.
    data : Data
        The training set.
    large_lr, small_lr : float
        η₁ and η₂.
    anneal_loss, target : float
        ε₁ + q log 2 and ε₂.
    weight_decay : float
        λ > 0.
    noise_std : float
        τ_ξ.
    preactivation_std : float
        Std of noise before the activations of V, fresh in each large-rate
        update, for a unit input; `train_small` with it is the mitigation.
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
        Source of all that is drawn, by `numpy.random.default_rng`.

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
    ...                              anneal_loss=0.5, target=0.4, weight_decay=1e-3, noise_std=0.01, rng=0)
    >>> run.success, bool(run.observed["loss"][-1] <= 0.4)
    (True, True)
    """
    large = Phase(_rate(large_lr, "large_lr", weight_decay), _checks.scalar(anneal_loss, "anneal_loss"),
                  None if large_steps is None else _checks.whole(large_steps, "large_steps"),
                  preactivation_std=_checks.scalar(preactivation_std, "preactivation_std", zero=True))
    small = Phase(_rate(small_lr, "small_lr", weight_decay), _checks.scalar(target, "target"),
                  lump=_checks.whole(lump, "lump"))
    rng = _checks.generator(rng)
    state = _engine(model, data, engine, decoupled, start, rng)
    options = _options(model, (large, small), rng, noise, weight_decay=weight_decay, noise_std=noise_std,
                       max_steps=max_steps, record_every=record_every)
    return Loop(state, data, (large, small), options, test).run()


@renamed(stop_loss="target", jitter_std="preactivation_std", jitter_final="preactivation_final",
         jitter_steps="preactivation_steps")
def train_small(model, data, *, lr, target, weight_decay, noise_std, preactivation_std=0.0, preactivation_final=0.0,
                anneal_loss=None, preactivation_steps=None, lump=1, decoupled=False, engine="reduced", test=None,
                max_steps=100_000, record_every=100, start=None, noise=None, rng=None):
    """Algorithm 2 (S): one small rate throughout; with `preactivation_std` the mitigation.

    The mitigation puts noise before the activations of V until the training
    loss falls to `anneal_loss`, or for `preactivation_steps` updates, and then lowers
    it to `preactivation_final`.

    Parameters
    ----------
    model, data, target, weight_decay, noise_std, lump, decoupled, engine
        As in `train_large_then_small`.
    test, max_steps, record_every, start, noise, rng
        As in `train_large_then_small`.
    lr : float
        η₂.
    preactivation_std : float
        Std of the noise before V's activations for a unit input.
    preactivation_final : float
        What it is lowered to; 0 takes it away.
    anneal_loss : float, optional
        Loss at which that noise is lowered. The loss fluctuates under the noise; `preactivation_steps` is steadier.
    preactivation_steps : int, optional
        Updates after which it is lowered; one of the two is needed with `preactivation_std`.

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
    >>> train_small(TwoLayerReLU(10, 8, 40, v_scale=4.0, init_std=0.1), data, lr=0.05, target=0.4, weight_decay=1e-3,
    ...             noise_std=0.01, rng=0).success
    True
    """
    lr, lump = _rate(lr, "lr", weight_decay), _checks.whole(lump, "lump")
    target, first = _checks.scalar(target, "target"), _checks.scalar(preactivation_std, "preactivation_std", zero=True)
    final = _checks.scalar(preactivation_final, "preactivation_final", zero=True)
    anneal_loss = None if anneal_loss is None else _checks.scalar(anneal_loss, "anneal_loss")
    until = None if preactivation_steps is None else _checks.whole(preactivation_steps, "preactivation_steps")
    if final and not first:
        raise ValueError(f"preactivation_final needs preactivation_std, got {final:g} without it; give the noise "
                         "before too")
    if first and anneal_loss is None and until is None:
        raise ValueError("anneal_loss or preactivation_steps must be given with preactivation_std, got None; say when "
                         "the noise ends")
    noisy = (Phase(lr, anneal_loss, until, lump, first),) if first else ()
    phases = (*noisy, Phase(lr, target, lump=lump, preactivation_std=final))
    rng = _checks.generator(rng)
    state = _engine(model, data, engine, decoupled, start, rng)
    options = _options(model, phases, rng, noise, weight_decay=weight_decay, noise_std=noise_std, max_steps=max_steps,
                       record_every=record_every)
    return Loop(state, data, phases, options, test).run()


def _rate(lr, name, weight_decay):
    """η under the name that the caller wrote, with η λ < 1."""
    lr, weight_decay = _checks.scalar(lr, name), _checks.scalar(weight_decay, "weight_decay")
    if lr * weight_decay >= 1:
        raise ValueError(f"{name} times weight_decay must be below 1, got {lr * weight_decay:g}; lower one of them")
    return lr


def _engine(model, data, engine, decoupled, start, rng):
    """The engine at its start, which is drawn from `rng` where none is given."""
    _checks.one_of(engine, "engine", ("reduced", "plain"))
    _checks.flag(decoupled, "decoupled")
    _checks.having(model, "model", "dim", "block"), _checks.having(data, "data", "distribution")
    if model.dim != data.distribution.dim:
        raise ValueError(f"model.dim must be that of the data, {data.distribution.dim}, got {model.dim}; "
                         "rebuild one of them")
    if engine == "reduced" and not model.block:
        raise ValueError("engine must be 'plain' for a model that is not in block form, got 'reduced'; choose 'plain'")
    start = model.init(rng) if start is None else _checks.shaped(start, "start", model.parameter_shape)
    return (ReducedEngine if engine == "reduced" else PlainEngine)(model, data, start, decoupled)


def _options(model, phases, rng, noise, *, weight_decay, noise_std, max_steps, record_every):
    """`Options`, checked; ξ_t that are given end the run."""
    noise_std, max_steps = _checks.scalar(noise_std, "noise_std", zero=True), _checks.whole(max_steps, "max_steps")
    weight_decay = _checks.scalar(weight_decay, "weight_decay")
    if noise is not None:
        if any(phase.lump > 1 for phase in phases):
            raise ValueError("noise needs lump=1, since it is that of single steps; drop one of them")
        noise = _checks.shaped(noise, "noise", (None, *model.parameter_shape))
        max_steps = min(max_steps, len(noise))
    return Options(weight_decay, noise_std, max_steps, _checks.whole(record_every, "record_every"), noise, rng)
