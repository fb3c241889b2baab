"""SGD with momentum on the convolutional network: the float32 hot loop, and what it records."""

from dataclasses import dataclass

import numpy as np

from refimpl import _cross_entropy as cross_entropy
from theory import _checks

COMPLETED, DIVERGED = 0, 1
_CHUNK = 256  # examples of an evaluation in one product: its activations stay near the cache


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
        0 completed, 1 diverged.
    nit : int
        Steps made; of a diverged run, the step at which the batch loss first was not finite or beyond the limit.
    message : str
    epochs : ndarray (K,) of int
        Epochs after which records were made: 0, k, 2k, … and the last.
    loss, accuracy : dict of str to ndarray (K,)
        Of every evaluated set, without noise; "train" is the training set. NaN after a divergence.
    observed : dict of str to ndarray (K, …)
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


def train(model, w0, x, y, *, lr, epochs, batch_size=64, momentum=0.9, weight_decay=0.0, noise_std=0.0,
          noise_form="shared", indices=None, noise=None, evaluate=None, evaluate_every=1, observe=None,
          divergence_limit=1e6, rng=None):
    r"""Train a `ConvNet` by SGD with momentum, weight decay and pre-activation noise.

    .. math:: v_{t+1} = \mu v_t + \nabla L_{B_t}(w_t; \nu_t) + \lambda w_t, \qquad w_{t+1} = w_t - \eta_t v_{t+1}

    from v = 0; PyTorch's convention. λ acts on all parameters. An epoch is
    ⌊n/B⌋ batches of a fresh random permutation.

    Parameters
    ----------
    model : ConvNet
    w0 : array_like (P,)
        Start; float32 is kept and used throughout, all else becomes float64.
    x : array_like (n, channels, height, width)
    y : array_like (n,) of int
    lr : float or array_like (epochs,)
        η > 0, one for each epoch.
    epochs : int
    batch_size : int
        B.
    momentum : float
        μ in [0, 1).
    weight_decay : float
        λ ≥ 0.
    noise_std : float or array_like (epochs,)
        σ, the standard deviation of ν before the ReLU.
    noise_form : {"shared", "independent"}
        shared: one draw a step and block position for all filters and the
        whole batch; independent: one draw for every unit of every example.
    indices : array_like of int (epochs, batches, B), optional
        The batches themselves, instead of `batch_size`.
    noise : array_like, optional
        ν itself, (epochs, batches, K) for the shared form or (epochs,
        batches, B, K, m) for the independent one, instead of `noise_std`.
    evaluate : dict of str to (images, labels), optional
        Sets beside the training set.
    evaluate_every : int or None
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
    w = _checks.shaped(w0, "w0", model.parameter_shape).copy()
    images, labels = _examples(model, x, y, "x", "y", w.dtype)
    n, epochs = len(images), _checks.whole(epochs, "epochs")
    rates = _per_epoch(lr, "lr", epochs, zero=False)
    levels = _per_epoch(noise_std, "noise_std", epochs, zero=True)
    momentum = _checks.scalar(momentum, "momentum", zero=True)
    if momentum >= 1:
        raise ValueError(f"momentum must be below 1, got {momentum:g}; 0.9 is usual")
    decay = _checks.scalar(weight_decay, "weight_decay", zero=True)
    limit = _checks.scalar(divergence_limit, "divergence_limit")
    _checks.one_of(noise_form, "noise_form", ("shared", "independent"))
    if evaluate_every is not None:
        evaluate_every = _checks.whole(evaluate_every, "evaluate_every")
    if indices is None:
        batch = _checks.batch_size(batch_size, n)
        batches = n // batch
    else:
        indices = _index_array(indices, epochs, n)
        batches, batch = indices.shape[1:]
    units = (model.block_count,) if noise_form == "shared" else (batch, model.block_count, model.filters)
    if noise is not None:
        if np.any(levels):
            raise ValueError("noise and noise_std cannot both be given; drop one of them")
        noise = _checks.shaped(noise, "noise", (epochs, batches, *units)).astype(w.dtype, copy=False)
    sets = {"train": (images, labels)}
    for name, (more, their) in (evaluate or {}).items():
        sets[name] = _examples(model, more, their, f"evaluate[{name!r}] images", f"evaluate[{name!r}] labels", w.dtype)
    index_rng, noise_rng = np.random.default_rng(rng).spawn(2)

    step = _Step(model, w, images, labels, batch, momentum, decay)
    scorer = _Scorer(model, w.dtype)
    wanted = [e for e in range(epochs + 1) if evaluate_every and (e % evaluate_every == 0 or e == epochs)]
    records = [_record(scorer, w, sets, observe)] if wanted else []
    nit, status = 0, COMPLETED
    for epoch in range(epochs):
        if indices is None:
            order = index_rng.permutation(n)[:batches * batch].reshape(batches, batch)
        else:
            order = indices[epoch]
        for b in range(batches):
            if noise is not None:
                drawn = noise[epoch, b]
            elif levels[epoch]:
                drawn = noise_rng.standard_normal(units, dtype=w.dtype) * w.dtype.type(levels[epoch])
            else:
                drawn = None
            nit += 1
            value = step(order[b], drawn, rates[epoch])
            if not value <= limit:
                status = DIVERGED
                break
        if status == DIVERGED:
            break
        if epoch + 1 in wanted:
            records.append(_record(scorer, w, sets, observe))
    message = f"made {nit} steps" if status == COMPLETED else f"diverged at step {nit}: the batch loss is {value:g}"
    loss, accuracy, observed = _stacked(records, len(wanted))
    return Training(w, status == COMPLETED, status, nit, message, np.array(wanted, int), loss, accuracy, observed)


class _Step:
    """One step on preallocated arrays; `w` is changed in place."""

    def __init__(self, model, w, blocks, labels, batch, momentum, decay):
        self.model, self.w, self.labels = model, w, labels
        self.table = blocks.reshape(len(blocks), -1)
        kind, rows = w.dtype, batch * model.block_count
        self.momentum, self.decay = kind.type(momentum), kind.type(decay)
        self.gathered = np.empty((batch, self.table.shape[1]), kind)
        self.z, self.spread = np.empty((rows, model.filters), kind), np.empty((rows, model.filters), kind)
        self.active = np.empty((rows, model.filters), bool)
        self.scores, self.pooled = np.empty((batch, model.classes), kind), np.empty((batch, model.filters), kind)
        self.gradient, self.velocity = np.empty_like(w), np.zeros_like(w)
        self.scratch = np.empty_like(w)
        self.filters, self.head, self.bias = model.split(w)
        self.to_filters, self.to_head, self.to_bias = model.split(self.gradient)
        self.rows, self.lanes = np.arange(batch), np.zeros(batch, np.intp)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a loss that is not finite says it
    def __call__(self, indices, noise, lr):
        """The batch loss before the step, which it makes."""
        value = self._passes(indices, noise)
        # (velocity, w) in place: v ← μv + g + λw, then w ← w − ηv.
        self.velocity *= self.momentum
        self.velocity += self.gradient
        if self.decay:
            np.multiply(self.w, self.decay, out=self.scratch)
            self.velocity += self.scratch
        np.multiply(self.velocity, self.w.dtype.type(lr), out=self.scratch)
        self.w -= self.scratch
        return value

    def _passes(self, indices, noise):
        model, batch = self.model, len(indices)
        np.take(self.table, indices, axis=0, out=self.gathered, mode="clip")
        inputs = self.gathered.reshape(-1, model.inputs)
        np.matmul(inputs, self.filters, out=self.z)
        if noise is not None:
            shaped = self.z.reshape(batch, model.block_count, model.filters)
            shaped += noise[:, None] if noise.ndim == 1 else noise
        np.maximum(self.z, 0, out=self.z)
        np.greater(self.z, 0, out=self.active)
        if model.pooled:
            features = np.mean(self.z.reshape(batch, model.block_count, -1), axis=1, out=self.pooled)
        else:
            features = self.z.reshape(batch, -1)
        scores = np.matmul(features, self.head, out=self.scores)
        scores += self.bias
        labels = self.labels[indices]
        scores -= scores.max(axis=1, keepdims=True)
        chosen = scores[self.rows, labels]
        np.exp(scores, out=scores)
        total = scores.sum(axis=1)
        value = float((np.log(total) - chosen).mean())
        scores /= total[:, None]
        scores[self.rows, labels] -= 1
        scores /= batch
        np.matmul(features.T, scores, out=self.to_head)
        np.sum(scores, axis=0, out=self.to_bias)
        if model.pooled:
            scores /= model.block_count
            np.matmul(scores, self.head.T, out=self.pooled)
            np.multiply(self.pooled[:, None], self.active.reshape(batch, model.block_count, -1),
                        out=self.spread.reshape(batch, model.block_count, -1))
        else:
            np.matmul(scores, self.head.T, out=self.spread.reshape(batch, -1))
            np.multiply(self.spread, self.active, out=self.spread)
        np.matmul(inputs.T, self.spread, out=self.to_filters)
        return value


class _Scorer:
    """Loss and accuracy of a set, a few hundred examples at a time."""

    def __init__(self, model, dtype):
        self.model = model
        self.z = np.empty((_CHUNK * model.block_count, model.filters), dtype)

    def __call__(self, w, blocks, labels):
        """(mean loss, accuracy)."""
        model = self.model
        filters, head, bias = model.split(w)
        loss, right = 0.0, 0
        for first in range(0, len(blocks), _CHUNK):
            part, their = blocks[first:first + _CHUNK], labels[first:first + _CHUNK]
            rows = part.reshape(-1, model.inputs)
            z = np.matmul(rows, filters, out=self.z[:len(rows)])
            np.maximum(z, 0, out=z)
            scores = model._pool(z.reshape(len(part), model.block_count, -1)) @ head + bias
            loss += float(cross_entropy.loss(scores, model._hot(their)).sum(dtype=np.float64))
            right += int((scores.argmax(axis=1) == their).sum())
        return loss / len(blocks), right / len(blocks)


def _record(scorer, w, sets, observe):
    with np.errstate(over="ignore", invalid="ignore"):
        scored = {name: scorer(w, blocks, labels) for name, (blocks, labels) in sets.items()}
    return scored, {name: np.asarray(function(w), np.float64) for name, function in (observe or {}).items()}


def _stacked(records, wanted):
    """(loss, accuracy, observed), NaN where a run ended before the record."""
    if not records:
        return {}, {}, {}
    missing = wanted - len(records)

    def column(values):
        values = np.array(values, np.float64)
        return np.concatenate([values, np.full((missing, *values.shape[1:]), np.nan)])

    loss, accuracy = ({name: column([scored[name][i] for scored, _ in records]) for name in records[0][0]}
                      for i in range(2))
    return loss, accuracy, {name: column([seen[name] for _, seen in records]) for name in records[0][1]}


def _examples(model, x, y, name, label_name, dtype):
    """(blocks (n, K, d), labels (n,)), checked."""
    x = _checks.real(x, name)
    if x.ndim != 4 or len(x) == 0:
        raise ValueError(f"{name} must have shape (n, channels, height, width), got {x.shape}; give a stack of images")
    y = np.asarray(y)
    if y.dtype.kind not in "iu" or y.shape != x.shape[:1] or y.min() < 0 or y.max() >= model.classes:
        raise ValueError(f"{label_name} must be {len(x)} whole numbers in 0…{model.classes - 1}, got dtype {y.dtype} "
                         f"and shape {y.shape}; give one label an image")
    return model.blocks(x.astype(dtype, copy=False)), y.astype(np.intp)


def _per_epoch(value, name, epochs, zero):
    values = _checks.positive(value, name, zero=zero)
    if not isinstance(values, float) and values.shape != (epochs,):
        raise ValueError(f"{name} must be one number or have shape ({epochs},), got {values.shape}; give one an epoch")
    return np.broadcast_to(values, (epochs,))


def _index_array(indices, epochs, n):
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu" or indices.ndim != 3 or len(indices) != epochs or 0 in indices.shape:
        raise ValueError(f"indices must be an integer array ({epochs}, batches, B), got dtype {indices.dtype} and "
                         f"shape {indices.shape}; the epochs come first")
    if indices.min() < 0 or indices.max() >= n:
        raise ValueError(f"indices must lie in 0…{n - 1}, got {indices.min()}…{indices.max()}; count examples from 0")
    return indices.astype(np.intp)
