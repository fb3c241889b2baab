"""Gradient descent of many starts side by side on the whole train set, to a loss: the plain steps with fewer passes.

The residuals that give the loss after a step are those of the next gradient,
and starts that have come to their end are dropped. Every replica takes the
steps that `refimpl.sgd.run` takes, to the last bit.
"""

import numpy as np

from refimpl.sgd._columns import BLOCK, columns
from refimpl.sgd._path_whole_set import residuals
from refimpl.sgd._status import DIVERGED, STOPPED, SUCCESS, diverged

_LIMIT = 1e100      # of an entry of w, that of `refimpl.sgd.run`


class Starts:
    """Those on the way: w as columns, their learning rates, and the loss at which something happens to them."""

    def __init__(self, problem, w0, lr, schedule, target):
        self.x, self.y, self.schedule, self.target = problem.x, problem.y, schedule, target
        self.scaled = problem.x * (2 / len(problem.x))
        self.w, self.status = w0.copy(), np.full(len(w0), STOPPED)
        self.nit, self.anneal_step = np.zeros(len(w0), int), np.full(len(w0), 0 if schedule is None else -1)
        by_loss = schedule is not None and schedule.large_steps is None
        self.switch = None if schedule is None else schedule.large_steps
        self.place, self.state = np.arange(len(w0)), columns(w0)            # which replica a column is; −1 for none
        self.rates = np.full(len(w0), lr if schedule is None else schedule.large)
        self.threshold = np.full(len(w0), schedule.anneal_loss if by_loss else target)
        self._pad()
        if by_loss:
            self._anneal(np.flatnonzero(problem.train_loss(w0) <= schedule.anneal_loss), 0)

    def _pad(self):
        missing = self.state.shape[1] - len(self.place)
        self.place, self.rates, self.threshold = (
            np.concatenate([values, np.full(missing, fill, values.dtype)]) for values, fill in
            ((self.place, -1), (self.rates, 0), (self.threshold, -np.inf)))

    def descend(self, max_steps):
        """Up to `max_steps` steps."""
        found = residuals(self.state, self.x, self.y)
        gradient, squares, loss = np.empty_like(self.state), np.empty_like(found), np.empty_like(self.rates)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for step in range(1, max_steps + 1):
                np.einsum("nd,nr->dr", self.scaled, found, out=gradient)
                gradient *= self.rates
                self.state -= gradient
                residuals(self.state, self.x, self.y, out=found)
                np.sum(np.square(found, out=squares), axis=0, out=loss)
                loss /= len(self.x)
                grown = not np.vdot(self.state, self.state) <= _LIMIT**2
                if grown or step == self.switch or (loss <= self.threshold).any():
                    self._settle(step, loss, grown)
                    if not (self.place >= 0).any():
                        return
                    if self.state.shape != gradient.shape:
                        gradient, squares, loss = (array[..., :self.state.shape[1]].copy()
                                                   for array in (gradient, squares, loss))
                    found = residuals(self.state, self.x, self.y)
            self._leave(self.place >= 0, STOPPED, max_steps)

    def _settle(self, step, loss, grown):
        """Take out who diverged or arrived, anneal who is due, drop the columns of those gone once they are most."""
        here = self.place >= 0
        lost = here & diverged(self.state, _LIMIT, axis=0) if grown else np.zeros(len(here), bool)
        arrived = here & ~lost & (loss <= self.target)
        if self.schedule is not None:
            due = step == self.switch if self.switch is not None else loss <= self.threshold
            self._anneal(here & ~lost & ~arrived & due, step)
        self._leave(lost, DIVERGED, step)
        self._leave(arrived, SUCCESS, step)
        self.state[:, lost] = 0
        left = self.place >= 0
        if 2 * left.sum() < len(left) - BLOCK:
            self.place, self.rates, self.threshold = self.place[left], self.rates[left], self.threshold[left]
            self.state = columns(self.state.T[left])
            self._pad()

    def _anneal(self, due, step):
        self.rates[due], self.threshold[due] = self.schedule.small, self.target
        self.anneal_step[self.place[due]] = step

    def _leave(self, who, status, step):
        places = self.place[who]
        self.w[places] = self.state.T[who]
        self.status[places], self.nit[places] = status, step
        self.place[who], self.rates[who], self.threshold[who] = -1, 0, -np.inf
