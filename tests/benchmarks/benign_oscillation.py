"""One SGD step of the two-layer network in Gram space, 20 seeds at once, beside other frameworks in all dimensions."""

from functools import partial

import numpy as np

from refimpl.benign_oscillation import TwoLayerCNN, sample, train
from tests.benchmarks._case import Case
from tests.benchmarks._measure import load

SEEDS, N, DIM, WIDTH = 20, 16, 64, 16
LR = 0.9 * WIDTH / 4  # c = 0.9: not chaotic, so that all contenders come to one answer


def problem(steps):
    """(model, data, starts, index arrays (steps, seeds, 1)), the same for every contender."""
    rng = np.random.default_rng(0)
    model = TwoLayerCNN(DIM, WIDTH)
    data = sample(N, dim=DIM, noise_std=0.018, n_weak=2, size=(SEEDS,), rng=rng)
    orders = np.argsort(rng.random((steps // N, SEEDS, N)), axis=-1)          # a permutation for each epoch and seed
    indices = np.ascontiguousarray(orders.swapaxes(1, 2).reshape(steps, SEEDS, 1))
    return model, data, model.init_std * rng.standard_normal((SEEDS, *model.parameter_shape)), indices


def contenders(steps, names):
    """{contender: function that returns the last parameters}, of those in `names` or all; float64, one thread."""
    model, data, w0, indices = problem(steps)
    own = np.arange(SEEDS)
    signs = np.repeat([1.0, -1.0], WIDTH)[:, None] / WIDTH

    def ours():
        return train(model, data, w0, lr=LR, steps=steps, indices=indices, record_every=steps).w

    def plain():
        w = w0.reshape(SEEDS, -1, DIM).copy()                                   # (seeds, 2m, d)
        for picked in indices[..., 0]:
            x, y = data.x[own, picked], data.y[own, picked]
            z = np.maximum(np.matmul(w, x.swapaxes(1, 2)), 0)
            slope = z * signs
            residual = y - (z * slope).sum(axis=(1, 2))
            w += np.matmul(slope * (4 * LR * residual)[:, None, None], x)
        return w.reshape(w0.shape)

    found = {"ours": ours, "plain NumPy": plain}
    for name, make in (("torch", _torch), ("jax", _jax)):
        module = load(name)
        if module is not None:
            found[name] = make(module, data, w0, indices[..., 0])
    return {name: function for name, function in found.items() if names is None or name in names}


def _torch(torch, data, w0, indices):
    torch.set_num_threads(1)
    x, y, start = (torch.from_numpy(np.array(array)) for array in (data.x, data.y, w0))
    picked, own = torch.from_numpy(indices), torch.arange(SEEDS)

    def run():
        w = start.clone().requires_grad_()
        for step in picked:
            z = torch.relu(torch.einsum("sjrd,spd->sjrp", w, x[own, step])) ** 2
            output = z.sum(dim=(2, 3)) / WIDTH
            loss = ((output[:, 0] - output[:, 1] - y[own, step]) ** 2).sum()
            gradient, = torch.autograd.grad(loss, w)
            with torch.no_grad():
                w -= LR * gradient
        return w.detach().numpy()

    return run


def _jax(jax, data, w0, indices):
    jnp = jax.numpy
    x, y, start, picked = (jnp.asarray(array) for array in (data.x, data.y, w0, indices.T))

    def loss(w, patches, label):
        output = (jnp.maximum(jnp.einsum("jrd,pd->jrp", w, patches), 0) ** 2).sum(axis=(1, 2)) / WIDTH
        return (output[0] - output[1] - label) ** 2

    def one_seed(w, x, y, order):
        def step(w, i):
            return w - LR * jax.grad(loss)(w, x[i], y[i]), None

        return jax.lax.scan(step, w, order)[0]

    whole = jax.jit(jax.vmap(one_seed))
    return lambda: np.asarray(whole(start, x, y, picked).block_until_ready())


def training():
    """A step of 20 seeds, set-up included: a short run of all contenders, and 1500 epochs of those that are not too
    slow."""
    patches = N + 2 + 4
    per_step = SEEDS * 2 * WIDTH
    note = (
        f"ours carries {patches} inner products a filter (every patch of the data, u and v) instead of {DIM} weights:"
        " ten NumPy calls into buffers that are made once"
    )
    for epochs, names in ((50, None), (1500, ("ours", "jax"))):
        steps = epochs * N
        yield Case(f"two-layer CNN, {SEEDS} seeds, {epochs} epochs of {N}", "step of all seeds", steps,
                   partial(contenders, steps, names), flops=steps * per_step * 6 * patches,
                   traffic=8 * steps * per_step * 3 * patches, rounds=5 if names is None else 3, note=note)


BENCHMARKS = {"oscillation": training}
