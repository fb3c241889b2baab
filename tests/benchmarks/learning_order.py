"""One noisy update of Regime A on both engines, beside other frameworks with the full V, and a whole L-S run."""

from functools import partial

import numpy as np

from figures.learning_order import REGIME_A, train
from refimpl import learning_order as simulated
from refimpl._order_engines import PlainEngine, ReducedEngine, slopes
from tests.benchmarks._case import Case
from tests.benchmarks._measure import load

LR, DECAY, NOISE, UPDATES = 0.025, 7.5e-4, 0.049, 5
DIM, N, WIDTH = REGIME_A.dim, REGIME_A.n, REGIME_A.width


def updates(engine):
    """{contender: function that makes updates and returns f on the training set at the start}.

    Every contender draws its own noise, so that only the outputs before the first update can be compared.
    """
    rng = np.random.default_rng(0)
    data = simulated.sample(simulated.Distribution(DIM, 0.05, 0.2, REGIME_A.r, REGIME_A.alpha), N, rng)
    model = simulated.TwoLayerReLU(DIM, 16, WIDTH, 1.0, REGIME_A.v_scale, REGIME_A.std)
    start = model.init(rng)
    state = engine(model, data, start, False)
    first = state.outputs()

    def ours():
        for _ in range(UPDATES):
            output = state.outputs()
            state.step(slopes(output, data.y), 1 - LR * DECAY, LR, state.draw(rng), LR * NOISE)
        return first

    found = {"ours": ours}
    for name, make in (("torch", _torch), ("jax", _jax)):
        module = load(name)
        if module is not None:
            found[name] = make(module, data, start, model.output_weights)
    return found


def _torch(torch, data, start, u):
    torch.set_num_threads(1)
    x1, x2, y = (torch.from_numpy(np.ascontiguousarray(a)) for a in (data.x1, data.x2, data.y))
    w, v = (torch.tensor(a, requires_grad=True) for a in (start[:16, :DIM], start[16:, DIM:]))
    w_out, v_out = torch.from_numpy(u[:16]), torch.from_numpy(u[16:])

    def output():
        return torch.relu(x1 @ w.T) @ w_out + torch.relu(x2 @ v.T) @ v_out

    first = output().detach().numpy()

    def run():
        for _ in range(UPDATES):
            gradients = torch.autograd.grad(torch.nn.functional.softplus(-y * output()).mean(), (w, v))
            with torch.no_grad():
                for a, g in zip((w, v), gradients):
                    a.mul_(1 - LR * DECAY).sub_(LR * (g + NOISE * torch.randn_like(a)))
        return first

    return run


def _jax(jax, data, start, u):
    jnp = jax.numpy
    x1, x2, y = jnp.asarray(data.x1), jnp.asarray(data.x2), jnp.asarray(data.y)
    w_out, v_out = jnp.asarray(u[:16]), jnp.asarray(u[16:])

    def output(weights):
        w, v = weights
        return jax.nn.relu(x1 @ w.T) @ w_out + jax.nn.relu(x2 @ v.T) @ v_out

    @jax.jit
    def step(weights, key):
        key, *keys = jax.random.split(key, 3)
        gradients = jax.grad(lambda weights: jax.nn.softplus(-y * output(weights)).mean())(weights)
        return tuple((1 - LR * DECAY) * a - LR * (g + NOISE * jax.random.normal(k, a.shape, a.dtype))
                     for a, g, k in zip(weights, gradients, keys)), key

    state = [((jnp.asarray(start[:16, :DIM]), jnp.asarray(start[16:, DIM:])), jax.random.PRNGKey(0))]
    first = np.asarray(output(state[0][0]))

    def run():
        for _ in range(UPDATES):
            state[0] = step(*state[0])
        jax.block_until_ready(state[0])
        return first

    return run


def steps():
    """An update: gradient, noise and decay."""
    size = f"d = {DIM}, N = {N}, m_v = {WIDTH}"
    yield Case(f"noisy update, reduced, {size}", "update", UPDATES, partial(updates, ReducedEngine),
               normals=UPDATES * (2 * WIDTH + 16 * DIM), note="V in two dimensions on three directions; the others carry all of V")
    yield Case(f"noisy update, all of V, {size}", "update", UPDATES, partial(updates, PlainEngine),
               flops=UPDATES * 4 * N * WIDTH * DIM, normals=UPDATES * WIDTH * DIM, rounds=3)


def whole_run():
    """Large rate and then small, to the training loss at which Regime A stops."""
    yield Case("L-S, Regime A", "run", 1, lambda: {
        "ours": lambda: train(REGIME_A, np.random.default_rng(0), ("large",))[0]["large"].observed["loss"]}, rounds=1)


BENCHMARKS = {"learning-order": steps, "learning-order-run": whole_run}
