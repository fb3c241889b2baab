"""Loss and accuracy of the evaluated sets, and the records that a run makes of them."""

import numpy as np

from refimpl import _cross_entropy as cross_entropy

_CHUNK = 256  # examples of an evaluation in one product: its activations stay near the cache


class Scorer:
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
            loss += float(cross_entropy.loss(scores, model._hot(their, len(their))).sum(dtype=np.float64))
            right += int((scores.argmax(axis=1) == their).sum())
        return loss / len(blocks), right / len(blocks)


def record(scorer, w, sets, observe):
    """One record: (loss, accuracy) of every set, and the observables."""
    with np.errstate(over="ignore", invalid="ignore"):
        scored = {name: scorer(w, blocks, labels) for name, (blocks, labels) in sets.items()}
    return scored, {name: np.asarray(function(w.copy()), np.float64) for name, function in observe.items()}


def stacked(records, wanted):
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
