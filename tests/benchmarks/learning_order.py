"""Steps of Regime A: reduced and plain engine beside PyTorch and JAX with the full V, and a whole L-S run."""

from functools import partial

import numpy as np

from figures.learning_order import REGIME_A, train
from refimpl import learning_order as simulated
from refimpl._order_engines import PlainEngine, ReducedEngine, slopes
from tests.benchmarks._case import Case
from tests.benchmarks._measure import load

LR, DECAY, NOISE = 0.025, 7.5e-4, 0.049
DIM, N, WIDTH = 200, 800, 8000
PRODUCTS = 4 * N * DIM * WIDTH              # forward and backward products of V
REDUCED_PRODUCTS = 4 * 0.8 * N * DIM * 16   # those of W, on rows with x₁


def steps(first, count):
    """{contender: function that makes `count` large-rate updates and returns f on the training set before them}."""
    rng = np.random.default_rng(0)
    data = simulated.sample(simulated.Distribution(DIM, 0.05, 0.2, 0.02, (0.5, 1.0)), N, rng)
    model = simulated.TwoLayerReLU(DIM, 16, WIDTH, 1.0, 750**0.5, 0.2)
    start = model.init(rng)

    def ours(engine):
        def run():
            for _ in range(count):
                output = state.outputs()
                state.step(slopes(output, data.y), 1 - LR * DECAY, LR, state.draw(rng), LR * NOISE)
            return before
        state = engine(model, data, start, False)
        before = state.outputs()
        return run

    names = {"reduced": ReducedEngine, "plain": PlainEngine}
    found = {name: ours(names[name]) for name in ([first] if first == "plain" else ["reduced", "plain"])}
    for name, make in (("torch", _torch), ("jax", _jax)):
        module = load(name)
        if module is not None:
            found[name] = make(module, data, start, model.output_weights, count)
    return found


def _torch(torch, data, start, u, count):
    torch.set_num_threads(1)
    x1, x2, y = (torch.from_numpy(np.ascontiguousarray(a)) for a in (data.x1, data.x2, data.y))
    w, v = (torch.tensor(a, requires_grad=True) for a in (start[:16, :DIM], start[16:, DIM:]))
    w_out, v_out = torch.from_numpy(u[:16]), torch.from_numpy(u[16:])

    def output():
        return torch.relu(x1 @ w.T) @ w_out + torch.relu(x2 @ v.T) @ v_out

    def run():
        for _ in range(count):
            gradients = torch.autograd.grad(torch.nn.functional.softplus(-y * output()).mean(), (w, v))
            with torch.no_grad():
                for a, g in zip((w, v), gradients):
                    a.mul_(1 - LR * DECAY).sub_(LR * (g + NOISE * torch.randn_like(a)))
        return before
    before = output().detach().numpy()
    return run


def _jax(jax, data, start, u, count):
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    x1, x2, y = jnp.asarray(data.x1), jnp.asarray(data.x2), jnp.asarray(data.y)
    w_out, v_out = jnp.asarray(u[:16]), jnp.asarray(u[16:])

    def output(weights):
        w, v = weights
        return jax.nn.relu(x1 @ w.T) @ w_out + jax.nn.relu(x2 @ v.T) @ v_out

    def loss(weights):
        return jax.nn.softplus(-y * output(weights)).mean()

    @jax.jit
    def step(weights, key):
        key, *keys = jax.random.split(key, 3)
        return tuple((1 - LR * DECAY) * a - LR * (g + NOISE * jax.random.normal(k, a.shape, a.dtype))
                     for a, g, k in zip(weights, jax.grad(loss)(weights), keys)), key

    state = [((jnp.asarray(start[:16, :DIM]), jnp.asarray(start[16:, DIM:])), jax.random.PRNGKey(0))]
    before = np.asarray(output(state[0][0]))

    def run():
        for _ in range(count):
            state[0] = step(*state[0])
        jax.block_until_ready(state[0])
        return before
    return run


def updates():
    """One large-rate update, gradient, noise and decay; the answer compared is f at the start."""
    size = f"d = {DIM}, N = {N}, m_v = {WIDTH}"
    yield Case(f"reduced update, {size}", "update", 10, partial(steps, "reduced", 10), flops=10 * REDUCED_PRODUCTS,
               normals=10 * (2 * WIDTH + 16 * DIM), rounds=3,
               note="elementwise passes over three directions of V and over W")
    yield Case(f"plain update, {size}", "update", 1, partial(steps, "plain", 1), flops=PRODUCTS + REDUCED_PRODUCTS,
               normals=DIM * (WIDTH + 16))


def whole_run():
    """A full L-S run of Regime A: about 34 000 updates."""
    def ours():
        def run():
            return train(REGIME_A, np.random.default_rng(0), ("large",))[0]["large"].observed["loss"][-1:]
        return {"ours": run}

    count = 34_000
    yield Case("L-S, Regime A", "update", count, ours, flops=count * REDUCED_PRODUCTS,
               normals=count * (2 * WIDTH + 16 * DIM), rounds=1)


BENCHMARKS = {"learning-order-step": updates, "learning-order-run": whole_run}
