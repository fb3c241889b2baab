"""What a run of `_train` records at one moment: losses and errors by subset, D, patterns, signal."""

import numpy as np

from refimpl.learning_order._data import BOTH, P_ONLY, Q_ONLY
from refimpl.learning_order._two_layer_relu import logistic_loss

_SUBSETS = (("p", P_ONLY), ("q", Q_ONLY), ("both", BOTH))


class Recorder:
    """Records of a run on `data`, tested on `test` if that is not None."""

    def __init__(self, state, data, test):
        self.state, self.data, self.test, self.first = state, data, test, state.pattern()
        self.groups = [(name, np.flatnonzero(data.kind == kind)) for name, kind in _SUBSETS]
        self.records, self.times = [], []

    def observed(self):
        """`Run.observed`."""
        return {name: np.array([record[name] for record in self.records]) for name in self.records[0]}

    def record(self, output, losses, time):
        """Everything that `Run.observed` holds, from the outputs and losses (N,) of the training set."""
        found = self._on_training_set(output, losses)
        trained = self.state.predictions(self.data)
        of_m1 = logistic_loss(self.data.y * trained[0])[self.data.in_m1]
        found["loss_r"] = of_m1.mean() if len(of_m1) else np.nan
        *predicted, g = trained if self.test is None else self.state.predictions(self.test)
        found["g"], found["curvature"] = g, g[0] + g[2] - 2 * g[1]
        found.update(self._on_test_set(predicted))
        found["turnover"] = np.mean(self.state.pattern() != self.first)
        found["signal_norm"] = self.state.signal_norm()
        found["signal_m2"], found["odd"] = np.nan, np.full(3, np.nan)
        parts = self.state.parts()
        if parts is not None:
            found["signal_m2"] = np.sqrt((parts[1]**2).sum())
            odd = self.state.model.output_weights[:self.state.model.w_width] @ np.stack(parts) / 2
            found["odd"] = np.sqrt((odd**2).sum(axis=1))
        self.records.append(found)
        self.times.append(time)

    def _on_training_set(self, output, losses):
        correct = self.data.y * output > 0
        found = {"loss": losses.mean(), "accuracy": correct.mean()}
        for name, rows in self.groups:
            found[f"loss_{name}"] = losses[rows].mean() if len(rows) else np.nan
            found[f"accuracy_{name}"] = correct[rows].mean() if len(rows) else np.nan
        return found

    def _on_test_set(self, predicted):
        distribution, test, found = self.data.distribution, self.test, {}
        weights = (distribution.p0, distribution.q0, 1 - distribution.p0 - distribution.q0)
        error = loss = 0.0
        for (name, _), weight, f in zip(_SUBSETS, weights, predicted):
            wrong = cost = np.nan
            if test is not None:
                wrong, cost = np.mean(test.y * f <= 0), logistic_loss(test.y * f).mean()
            found[f"test_error_{name}"], found[f"test_loss_{name}"] = wrong, cost
            error, loss = error + weight * wrong, loss + weight * cost
        return found | {"test_error": error, "test_loss": loss}
