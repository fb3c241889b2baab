"""Gradient descent that anneals and stops at a train loss, from many starts at once."""

import numpy as np

from refimpl.convex_annealing import descend, three_samples
from tests.benchmarks import _bare
from tests.benchmarks._bare import BARE
from tests.benchmarks._case import Case
from tests.benchmarks._measure import load

STARTS, LARGE, SMALL, SWITCH, TARGET = 1024, 1.3, 0.02, 1e-3, 1e-8


def starts():
    """Starts (R, 2), all above the loss at which the rate is annealed."""
    return np.random.default_rng(0).uniform(-1, 0.5, (STARTS, 2))


def sweep():
    """One descent from every start."""

    def ours():
        return descend(three_samples(), TARGET, lr=SMALL, large_lr=LARGE, anneal_loss=SWITCH, w0=starts())

    def contenders():
        known = ours()
        found = {"ours": lambda: ours().w,
                 BARE: _bare.annealed(three_samples(), starts(), known.nit, known.anneal_step, LARGE, SMALL)}
        for name, make in (("torch", _torch), ("jax", _jax)):
            module = load(name)
            if module is not None:
                found[name] = make(module)
        return found

    yield Case(
        f"annealed descent, {STARTS} starts",
        "replica-step",
        int(ours().nit.sum()),
        contenders,
    )


def _torch(torch):
    torch.set_num_threads(1)
    x, y, start = map(torch.from_numpy, (three_samples().x, three_samples().y, starts()))

    def run():
        w, final, rate = start.clone(), start.clone(), torch.full((STARTS,), LARGE, dtype=start.dtype)
        going = torch.ones(STARTS, dtype=torch.bool)
        while going.any():
            w = w - rate[:, None] * ((w @ x.T - y) @ x) * (2 / len(x))
            loss = ((w @ x.T - y) ** 2).mean(1)
            final = torch.where(going[:, None], w, final)
            going = going & (loss > TARGET)
            rate = torch.where(loss <= SWITCH, SMALL, rate)
        return final.numpy()

    return run


def _jax(jax):
    jnp = jax.numpy
    x, y, start = map(jnp.asarray, (three_samples().x, three_samples().y, starts()))

    def step(state):
        w, final, rate, going = state
        w = w - rate[:, None] * ((w @ x.T - y) @ x) * (2 / len(x))
        loss = ((w @ x.T - y) ** 2).mean(1)
        return w, jnp.where(going[:, None], w, final), jnp.where(loss <= SWITCH, SMALL, rate), going & (loss > TARGET)

    state = start, start, jnp.full(STARTS, LARGE), jnp.ones(STARTS, bool)
    whole = jax.jit(lambda: jax.lax.while_loop(lambda state: state[3].any(), step, state)[1])
    return lambda: np.asarray(whole().block_until_ready())


BENCHMARKS = {"annealing": sweep}
