"""A net trained once for all tests of the folder."""

import pytest

from refimpl import network
from theory import linear_stability as theory

LR = 0.05


class Trained:
    """The default set and net, and where GD at η = 0.05 ends from one start, polished."""

    def __init__(self):
        self.model = network.MLP((20, 40, 40, 40, 1), gain=0.6)
        self.x, self.y, self.test_x, self.test_y = network.teacher_set(rng=0)
        self.start = self.model.init(0)  # one start: where GD ends from another has no law that a test could lean on
        self.found = network.descend(self.model, self.start[None], self.x, self.y, lr=LR, target=1e-6, max_steps=20_000)
        self.w = network.polish(self.model, self.found.w[0], self.x, self.y)
        self.factors = theory.GaussNewton(self.model.factors(self.w, self.x))


@pytest.fixture(scope="session")
def trained():
    return Trained()
