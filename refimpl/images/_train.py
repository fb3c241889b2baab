"""SGD with momentum on the convolutional network: arguments, epochs and result."""

from dataclasses import dataclass

import numpy as np

from refimpl._renamed import renamed
from refimpl._streams import streams
from refimpl.images._scores import Scorer, record, stacked
from refimpl.images._step import Step
from refimpl.sgd import _arguments
from refimpl.sgd._arguments import Default
from refimpl.sgd._status import DIVERGED, SUCCESS, diverged
from theory import _checks


@dataclass(frozen=True)
class Training:
    """Outcome of `train`, with K records.

    Attributes
    ----------
    w : ndarray (P,)
        Last parameters.
    success : bool
        Whether all steps were made.
    status : int
        0 success, 1 diverged.
    nit : int
        Steps made; of a diverged run, the step at which the batch loss first was not finite or beyond the limit.
    message : str
        What happened, in one sentence.
    epochs : ndarray (K,) of int
        Epochs after which records were made: 0, k, 2k, … and the last.
    loss, accuracy : dict of str to ndarray (K,)
        Of every evaluated set, without noise; "train" is the training set. NaN after a divergence.
    observed : dict of str to ndarray (K, …)
        What `observe` returned.
    """

    w: np.ndarray
    success: bool
    status: int
    nit: int
    message: str
    epochs: np.ndarray
    loss: dict
    accuracy: dict
    observed: dict


@renamed(noise_std="preactivation_std", noise_form="preactivation_form", noise="preactivation_noise",
         evaluate_every="record_every")
def train(model, w0, x, y, *, lr, epochs, batch_size=Default(64), momentum=0.9, weight_decay=0.0, preactivation_std=0.0,
          preactivation_form="shared", indices=None, preactivation_noise=None, evaluate=None, record_every=1,
          observe=None, divergence_limit=1e6, rng=None):
    r"""Train a `ConvNet` by SGD with momentum, weight decay and pre-activation noise.

    .. math:: v_{t+1} = \mu v_t + \nabla L_{B_t}(w_t; \nu_t) + \lambda w_t, \qquad w_{t+1} = w_t - \eta_t v_{t+1}

    from v = 0; PyTorch's convention. λ acts on all parameters. An epoch is
    ⌊n/B⌋ batches of a fresh random permutation.

    Parameters
    ----------
    model : ConvNet
        The net.
    w0 : array_like (P,)
        Start; float32 is kept and used throughout, all else becomes float64.
    x : array_like (n, channels, height, width)
        Training images.
    y : array_like (n,) of int
        Their classes.
    lr : float or array_like (epochs,)
        η > 0, one per epoch; in such a schedule it may be 0 (a warm-up).
    epochs : int
        Passes over the training set.
    batch_size : int
        B; 64 where `indices` do not say another.
    momentum : float
        μ in (−1, 1).
    weight_decay : float
        λ ≥ 0.
    preactivation_std : float or array_like (epochs,)
        σ, the standard deviation of ν before the ReLU.
    preactivation_form : {"shared", "independent"}
        shared: one draw per step and block position for all filters and the
        whole batch; independent: one draw for every unit of every example.
    indices : array_like of int (epochs, batches, B), optional
        The batches themselves, instead of `batch_size`.
    preactivation_noise : array_like, optional
        ν itself, (epochs, batches, K) for the shared form or (epochs,
        batches, B, K, m) for the independent one, instead of `preactivation_std`.
    evaluate : dict of str to (images, labels), optional
        Sets beside the training set.
    record_every : int or None
        Epochs between records; None makes none.
    observe : dict of str to callable, optional
        f(w), recorded with the evaluations.
    divergence_limit : float
        A run diverges when a batch loss is not finite or exceeds this.
    rng : None, int, SeedSequence or Generator
        Source of batches and noise.

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        If an argument is outside its range, before the first step.

    Examples
    --------
    >>> from refimpl.images import ConvNet, synthetic_images
    >>> net = ConvNet(classes=2, filters=8)
    >>> x, y, _ = synthetic_images(64, classes=2, template=1.0, rng=0)
    >>> run = train(net, net.init(0), x, y, lr=0.1, epochs=20, batch_size=16, rng=0)
    >>> run.success, run.nit, float(run.accuracy["train"][-1])
    (True, 80, 1.0)
    """
    _checks.having(model, "model", "parameter_shape", "blocks")
    w, observe = _checks.shaped(w0, "w0", model.parameter_shape).copy(), _arguments.observables(observe)
    images, labels = _examples(model, x, y, "x", "y", w.dtype)
    epochs = _checks.whole(epochs, "epochs")
    levels = _arguments.per_epoch(preactivation_std, "preactivation_std", epochs, zero=True)
    source = _Source(model, w.dtype, _batches(batch_size, indices, epochs, len(images)), levels, preactivation_form,
                     preactivation_noise, rng)
    rates, limit = _arguments.per_epoch(lr, "lr", epochs), _checks.scalar(divergence_limit, "divergence_limit")
    rule = _arguments.momentum_rule(momentum)
    step = Step(model, w, images, labels, source.batches.size, momentum=0.0 if rule is None else rule.factor,
                decay=_checks.scalar(weight_decay, "weight_decay", zero=True))
    sets = {"train": (images, labels)}
    for name, (more, their) in (evaluate or {}).items():
        sets[name] = _examples(model, more, their, f"evaluate[{name!r}] images", f"evaluate[{name!r}] labels", w.dtype)
    every = None if record_every is None else _checks.whole(record_every, "record_every")
    wanted = [epoch for epoch in range(epochs + 1) if every and (epoch % every == 0 or epoch == epochs)]
    scorer, records = Scorer(model, w.dtype), []
    if wanted:
        records.append(record(scorer, w, sets, observe))
    nit, value = 0, 0.0
    for epoch in range(epochs):
        for batch, noise in source.epoch(epoch):
            nit += 1
            value = step(batch, noise, rates[epoch])
            if diverged(value, limit):
                message = f"diverged at step {nit}: the batch loss is {value:g}"
                return _training(w, DIVERGED, nit, message, wanted, records)
        if epoch + 1 in wanted:
            records.append(record(scorer, w, sets, observe))
    return _training(w, SUCCESS, nit, f"made {nit} steps", wanted, records)


def _training(w, status, nit, message, wanted, records):
    loss, accuracy, observed = stacked(records, len(wanted))
    return Training(w=w, success=status == SUCCESS, status=status, nit=nit, message=message,
                    epochs=np.array(wanted, int), loss=loss, accuracy=accuracy, observed=observed)


@dataclass(frozen=True)
class _Batches:
    size: int
    count: int                   # per epoch
    n: int
    given: np.ndarray | None     # (epochs, count, B)


def _batches(batch_size, indices, epochs, n):
    """B, how many batches an epoch has, and the batches themselves if they were given."""
    if indices is None:
        size = _arguments.batches(batch_size, None, "without-replacement", n, 0, ()).size or n
        return _Batches(size, n // size, n, None)
    indices = _arguments.index_array(indices, n, f"({epochs}, batches, B)", 3)
    if indices.ndim != 3 or len(indices) != epochs or 0 in indices.shape:
        raise ValueError(f"indices must be an integer array ({epochs}, batches, B), got shape {indices.shape}; the "
                         "epochs come first")
    _arguments.agreeing(batch_size, indices.shape[2])
    return _Batches(indices.shape[2], indices.shape[1], n, indices)


class _Source:
    """Batches and noise before the activations, epoch by epoch."""

    def __init__(self, model, dtype, batches, levels, form, noise, rng):
        _checks.one_of(form, "preactivation_form", ("shared", "independent"))
        self.batches, self.levels, self.dtype = batches, levels, dtype
        self.units = (model.block_count,)
        if form == "independent":
            self.units = (batches.size, model.block_count, model.filters)
        self.noise = None
        if noise is not None:
            if np.any(levels):
                raise ValueError("preactivation_noise and preactivation_std cannot both be given; drop one of them")
            wanted = (len(levels), batches.count, *self.units)
            self.noise = _checks.shaped(noise, "preactivation_noise", wanted).astype(dtype, copy=False)
        self.index_rng, self.noise_rng = map(np.random.default_rng, streams(rng, 2))

    def epoch(self, epoch):
        """Yield (indices (B,), noise or None) of an epoch, step by step."""
        batches = self.batches
        if batches.given is not None:
            order = batches.given[epoch]
        else:
            order = self.index_rng.permutation(batches.n)[:batches.count * batches.size].reshape(batches.count, -1)
        for b, batch in enumerate(order):
            yield batch, self._noise(epoch, b)

    def _noise(self, epoch, b):
        if self.noise is not None:
            return self.noise[epoch, b]
        if not self.levels[epoch]:
            return None
        return self.noise_rng.standard_normal(self.units, dtype=self.dtype) * self.dtype.type(self.levels[epoch])


def _examples(model, x, y, name, label_name, dtype):
    """(blocks (n, K, d), labels (n,)), checked."""
    x = _checks.real(x, name)
    if x.ndim != 4 or len(x) == 0:
        raise ValueError(f"{name} must have shape (n, channels, height, width), got {x.shape}; give a stack of images")
    y = _checks.array(y, label_name)
    if y.dtype.kind not in "iu" or y.shape != x.shape[:1] or y.min() < 0 or y.max() >= model.classes:
        raise ValueError(f"{label_name} must be {len(x)} whole numbers in 0…{model.classes - 1}, got dtype {y.dtype} "
                         f"and shape {y.shape}; give one label per image")
    return model.blocks(x.astype(dtype, copy=False)), y.astype(np.intp)
