"""Steps of Regime A: reduced and plain engine beside PyTorch and JAX with the full V, and a whole L-S run."""

from time import perf_counter

import numpy as np

from figures.learning_order import REGIME_A, train
from refimpl import learning_order as simulated
from refimpl._order_engines import PlainEngine, ReducedEngine, slopes
from tests.benchmarks._measure import alternate, load, table

LR, DECAY, NOISE = 0.025, 7.5e-4, 0.049


def steps():
    """One large-rate update of Regime A, gradient, noise and decay; one float64 thread each."""
    rng = np.random.default_rng(0)
    data = simulated.sample(simulated.Distribution(200, 0.05, 0.2, 0.02, (0.5, 1.0)), 800, rng)
    model = simulated.TwoLayerReLU(200, 16, 8000, 1.0, 750**0.5, 0.2)
    start = model.init(rng)

    def ours(engine):
        state = engine(model, data, start, False)

        def run():
            output = state.outputs()
            state.step(slopes(output, data.y), 1 - LR * DECAY, LR, state.draw(rng, LR * NOISE))
        return run

    x2, v = np.ascontiguousarray(data.x2), np.ascontiguousarray(start[16:, 200:])
    back = np.ones((800, 8000))

    def floor():
        x2 @ v.T
        back.T @ x2
        rng.standard_normal(v.shape)

    contenders = {"reduced": ours(ReducedEngine), "plain": ours(PlainEngine), "products and noise": floor}
    for name, make in (("torch", _torch), ("jax", _jax)):
        module = load(name)
        if module is not None:
            contenders[name] = make(module, data, start, model.output_weights)
    rows = [(name, f"{seconds * 1e3:.2f}", f"{ratio:.1f}") for name, (seconds, ratio) in alternate(contenders,
                                                                                                   5).items()]
    table("One update, d = 200, N = 800, m_v = 8000", ("", "ms", "time / reduced"), rows)


def _torch(torch, data, start, u):
    torch.set_num_threads(1)
    x1, x2, y = (torch.from_numpy(np.ascontiguousarray(a)) for a in (data.x1, data.x2, data.y))
    w, v = (torch.tensor(a, requires_grad=True) for a in (start[:16, :200], start[16:, 200:]))
    w_out, v_out = torch.from_numpy(u[:16]), torch.from_numpy(u[16:])

    def run():
        f = torch.relu(x1 @ w.T) @ w_out + torch.relu(x2 @ v.T) @ v_out
        gradients = torch.autograd.grad(torch.nn.functional.softplus(-y * f).mean(), (w, v))
        with torch.no_grad():
            for a, g in zip((w, v), gradients):
                a.mul_(1 - LR * DECAY).sub_(LR * (g + NOISE * torch.randn_like(a)))
    return run


def _jax(jax, data, start, u):
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    x1, x2, y = jnp.asarray(data.x1), jnp.asarray(data.x2), jnp.asarray(data.y)
    w_out, v_out = jnp.asarray(u[:16]), jnp.asarray(u[16:])

    def loss(weights):
        w, v = weights
        f = jax.nn.relu(x1 @ w.T) @ w_out + jax.nn.relu(x2 @ v.T) @ v_out
        return jax.nn.softplus(-y * f).mean()

    @jax.jit
    def step(weights, key):
        key, *keys = jax.random.split(key, 3)
        return tuple((1 - LR * DECAY) * a - LR * (g + NOISE * jax.random.normal(k, a.shape, a.dtype))
                     for a, g, k in zip(weights, jax.grad(loss)(weights), keys)), key

    state = [((jnp.asarray(start[:16, :200]), jnp.asarray(start[16:, 200:])), jax.random.PRNGKey(0))]

    def run():
        state[0] = step(*state[0])
        jax.block_until_ready(state[0])
    return run


def whole_run():
    """A full L-S run of Regime A."""
    started = perf_counter()
    run = train(REGIME_A, np.random.default_rng(0), ("large",))[0]["large"]
    print(f"\nL-S, Regime A: {run.nit} updates in {perf_counter() - started:.1f} s; {run.message}")


BENCHMARKS = {"learning-order-step": steps, "learning-order-run": whole_run}
