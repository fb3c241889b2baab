r"""The velocity of momentum, step by step as `torch.optim.SGD` moves it.

.. math:: v \leftarrow \mu v + (1 - \tau) g, \qquad
          \text{step along } v, \text{ or by Nesterov's rule along } g + \mu v

with v = g, undamped, at the first step of a run that was given no velocity.
"""

import numpy as np


class Velocity:
    """The velocity of a chunk: an array like the state of its kernel, moved in place."""

    def __init__(self, rule, start):
        self.rule, self.value, self.scratch = rule, start, None

    def turn(self, gradient):
        """Move v by the gradient; the direction of the step, which is `gradient`, overwritten, or v itself."""
        rule = self.rule
        if self.value is None:
            self.value = gradient.copy()
        else:
            self.value *= rule.factor
            self.value += self._scaled(gradient, 1 - rule.dampening) if rule.dampening else gradient
        if not rule.nesterov:
            return self.value
        gradient += self._scaled(self.value, rule.factor)
        return gradient

    def _scaled(self, array, factor):
        if self.scratch is None:
            self.scratch = np.empty_like(array)
        return np.multiply(array, factor, out=self.scratch)
