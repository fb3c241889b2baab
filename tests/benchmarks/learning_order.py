"""One noisy update of Regime A on both engines, beside other frameworks with the full V, and a whole L-S run."""

from functools import partial

import numpy as np

from figures.learning_order._runs import REGIME_A, train
from refimpl import learning_order as simulated
from refimpl.learning_order._engines import PlainEngine, ReducedEngine, slopes
from tests.benchmarks._case import Case
from tests.benchmarks._measure import load

LR, DECAY, NOISE, UPDATES = 0.025, 7.5e-4, 0.049, 5
DIM, N, WIDTH = REGIME_A.dim, REGIME_A.n, REGIME_A.width


def updates(engine):
    """{contender: function that makes updates and returns f on the training set after two with given noise}.

    Every contender draws its own noise where it is timed; what is compared
    comes from its own update with the same noise, made once beforehand.
    """
    rng = np.random.default_rng(0)
    data = simulated.sample(simulated.Distribution(DIM, 0.05, 0.2, REGIME_A.r, REGIME_A.alpha), N, rng)
    model = simulated.TwoLayerReLU(DIM, 16, WIDTH, 1.0, REGIME_A.v_scale, REGIME_A.std)
    start = model.init(rng)
    given = rng.standard_normal((2, *model.parameter_shape)) * model.mask
    state = engine(model, data, start, False)

    def update(noise):
        state.step(slopes(state.outputs(), data.y), 1 - LR * DECAY, LR, noise, LR * NOISE)

    for noise in given:
        update(state.increment(noise))
    found = {"ours": _loop(lambda: update(state.draw(rng)), state.outputs())}
    blocks = [(noise[:16, :DIM], noise[16:, DIM:]) for noise in given]
    for name, make in (("torch", _torch), ("jax", _jax)):
        module = load(name)
        if module is not None:
            found[name] = make(module, data, start, model.output_weights, blocks)
    return found


def _loop(update, compared):
    """A function that makes the updates to be timed and returns what is compared."""
    def run():
        for _ in range(UPDATES):
            update()
        return compared
    return run


def _torch(torch, data, start, u, given):
    torch.set_num_threads(1)
    x1, x2, y = (torch.from_numpy(np.ascontiguousarray(a)) for a in (data.x1, data.x2, data.y))
    w, v = (torch.tensor(a, requires_grad=True) for a in (start[:16, :DIM], start[16:, DIM:]))
    w_out, v_out = torch.from_numpy(u[:16]), torch.from_numpy(u[16:])

    def output():
        return torch.relu(x1 @ w.T) @ w_out + torch.relu(x2 @ v.T) @ v_out

    def update(noise):
        gradients = torch.autograd.grad(torch.nn.functional.softplus(-y * output()).mean(), (w, v))
        with torch.no_grad():
            for a, g, normals in zip((w, v), gradients, noise):
                a.mul_(1 - LR * DECAY).sub_(LR * (g + NOISE * normals))

    for noise in given:
        update([torch.tensor(part) for part in noise])
    return _loop(lambda: update([torch.randn_like(a) for a in (w, v)]), output().detach().numpy())


def _jax(jax, data, start, u, given):
    jnp = jax.numpy
    x1, x2, y = jnp.asarray(data.x1), jnp.asarray(data.x2), jnp.asarray(data.y)
    w_out, v_out = jnp.asarray(u[:16]), jnp.asarray(u[16:])

    def output(weights):
        w, v = weights
        return jax.nn.relu(x1 @ w.T) @ w_out + jax.nn.relu(x2 @ v.T) @ v_out

    def update(weights, noise):
        gradients = jax.grad(lambda weights: jax.nn.softplus(-y * output(weights)).mean())(weights)
        return tuple((1 - LR * DECAY) * a - LR * (g + NOISE * normals)
                     for a, g, normals in zip(weights, gradients, noise))

    @jax.jit
    def step(weights, key):
        key, *keys = jax.random.split(key, 3)
        return update(weights, [jax.random.normal(k, a.shape, a.dtype) for a, k in zip(weights, keys)]), key

    weights = jnp.asarray(start[:16, :DIM]), jnp.asarray(start[16:, DIM:])
    for noise in given:
        weights = update(weights, [jnp.asarray(part) for part in noise])
    compared = np.asarray(output(weights))
    state = [(weights, jax.random.PRNGKey(0))]

    def run():
        for _ in range(UPDATES):
            state[0] = step(*state[0])
        jax.block_until_ready(state[0])
        return compared

    return run


def steps():
    """An update: gradient, noise and decay."""
    size = f"d = {DIM}, N = {N}, m_v = {WIDTH}"
    yield Case(f"noisy update, reduced, {size}", "update", UPDATES, partial(updates, ReducedEngine),
               normals=UPDATES * (2 * WIDTH + 16 * DIM),
               note="V in two dimensions on three directions; the others carry all of V")
    yield Case(f"noisy update, all of V, {size}", "update", UPDATES, partial(updates, PlainEngine),
               flops=UPDATES * 4 * N * WIDTH * DIM, normals=UPDATES * WIDTH * DIM, rounds=3)


def whole_run():
    """Large rate and then small, to the training loss at which Regime A stops."""
    yield Case("L-S, Regime A", "run", 1, lambda: {
        "ours": lambda: train(REGIME_A, np.random.default_rng(0), ("large",))[0]["large"].observed["loss"]}, rounds=1)


BENCHMARKS = {"learning-order": steps, "learning-order-run": whole_run}
