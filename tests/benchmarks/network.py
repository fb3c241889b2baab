"""Fully connected nets: gradient, second-order products, many runs at once, and curvature against power iteration."""

from functools import partial

import numpy as np

from refimpl import network, sgd
from tests.benchmarks._case import Case, Scaling
from tests.benchmarks._measure import load

WIDTHS, CALLS = (20, 64, 64, 64, 1), 20


def problem(widths=WIDTHS, n=200, trained=0):
    """(model, w, x, y, v) on the teacher set, after some steps of GD at η = 0.1."""
    model = network.MLP(widths, gain=0.6)
    x, y, _, _ = network.teacher_set(n, 1, widths[0], rng=0)
    w = model.init(0)
    if trained:
        w = sgd.run(model, w, x, y, lr=0.1, steps=trained).w
    return model, w, x, y, np.random.default_rng(1).standard_normal(w.shape)


def weights_of(model):
    """Multiplications of one example in one pass."""
    return sum(inputs * outputs for *_, inputs, outputs in model.layers)


def repeated(function):
    """`function` called CALLS times; the last answer."""
    def run():
        for _ in range(CALLS):
            answer = function()
        return answer

    return run


def derivatives(order):
    """{contender: function} for the gradient (order 1) or H v (order 2)."""
    model, w, x, y, v = problem()
    found = {"ours": repeated(lambda: model.gradient(w, x, y) if order == 1 else model.hvp(w, x, y, v))}
    if order == 2:
        point = model.linearize(w, x, y)
        found["ours, one point"] = repeated(lambda: point.hessian_product(v))
    for name, make in (("torch", _torch), ("jax", _jax)):
        module = load(name)
        if module is not None:
            found[name] = repeated(make(module, order, model, w, x, y, v))
    return found


def _net(tanh, model, w, x):
    h = x
    for level, (first, middle, last, inputs, outputs) in enumerate(model.layers):
        h = h @ w[first:middle].reshape(inputs, outputs) + w[middle:last]
        h = tanh(h) if level + 1 < len(model.layers) else h
    return h[:, 0]


def _torch(torch, order, model, w, x, y, v):
    torch.set_num_threads(1)
    w, x, y, v = (torch.from_numpy(array.copy()) for array in (w, x, y, v))
    w.requires_grad_()

    def run():
        loss = ((_net(torch.tanh, model, w, x) - y) ** 2).mean() / 2
        grad, = torch.autograd.grad(loss, w, create_graph=order == 2)
        return (torch.autograd.grad(grad, w, v)[0] if order == 2 else grad).numpy()

    return run


def _jax(jax, order, model, w, x, y, v):
    jnp = jax.numpy
    w, x, y, v = (jnp.asarray(array) for array in (w, x, y, v))
    grad = jax.grad(lambda w: ((_net(jnp.tanh, model, w, x) - y) ** 2).mean() / 2)
    call = jax.jit(grad if order == 1 else lambda w: jax.jvp(grad, (w,), (v,))[1])
    return lambda: np.asarray(call(w).block_until_ready())


def products():
    """Gradient and second-order products at [20, 64, 64, 64, 1], n = 200."""
    model, *_ = problem()
    size = 2 * 200 * weights_of(model)  # flops of one matrix product for every layer
    inner = size - 2 * 200 * WIDTHS[0] * WIDTHS[1]
    note = "the limit counts matrix products; tanh and the other passes over the activations come on top"
    yield Case("gradient, [20, 64, 64, 64, 1], n = 200", "call", CALLS, partial(derivatives, 1),
               flops=CALLS * (2 * size + inner), note=note)
    yield Case("Hessian-vector product", "call", CALLS, partial(derivatives, 2), flops=CALLS * (3 * size + 5 * inner),
               note=note)


def replicas():
    """SGD of 140 nets at once, as for Fig. 3; also one after another."""
    nets, steps, size, lr = 140, 20, 4, 0.05

    def contenders():
        model = network.MLP((20, 40, 40, 40, 1), gain=0.6)
        x, y, _, _ = network.teacher_set(rng=0)
        starts = np.stack([model.init(seed) for seed in range(nets)])
        indices = np.random.default_rng(2).integers(0, 200, (steps, nets, size))

        def apart():
            return np.stack([sgd.run(model, start, x, y, lr=lr, steps=steps, indices=indices[:, j].copy()).w
                             for j, start in enumerate(starts)])

        found = {"ours": lambda: sgd.run(model, starts, x, y, lr=lr, steps=steps, indices=indices).w,
                 "ours, one by one": apart}
        for name, make in (("torch", _torch_nets), ("jax", _jax_nets)):
            module = load(name)
            if module is not None:
                found[name] = make(module, model, starts, x, y, indices, lr)
        return found

    yield Case(f"SGD of {nets} nets [20, 40, 40, 40, 1], B = {size}", "replica-step", nets * steps, contenders,
               flops=nets * steps * 6 * size * weights_of(network.MLP((20, 40, 40, 40, 1))), rounds=7,
               note="the weights of all nets, 4 MB, pass through the cache several times per step")


def _torch_nets(torch, model, starts, x, y, indices, lr):
    torch.set_num_threads(1)
    starts, x, y, indices = (torch.from_numpy(array) for array in (starts, x, y, indices))
    gradients = torch.func.vmap(torch.func.grad(lambda w, x, y: ((_net(torch.tanh, model, w, x) - y) ** 2).mean() / 2))

    def run():
        w = starts.clone()
        for batch in indices:
            w -= lr * gradients(w, x[batch], y[batch])
        return w.numpy()

    return run


def _jax_nets(jax, model, starts, x, y, indices, lr):
    jnp = jax.numpy
    starts, x, y, indices = (jnp.asarray(array) for array in (starts, x, y, indices))
    gradients = jax.vmap(jax.grad(lambda w, x, y: ((_net(jnp.tanh, model, w, x) - y) ** 2).mean() / 2))
    whole = jax.jit(
        lambda w, batches: jax.lax.scan(lambda w, b: (w - lr * gradients(w, x[b], y[b]), None), w, batches)[0]
    )
    return lambda: np.asarray(whole(starts, indices).block_until_ready())


def _power(apply, size, tolerance, most=5000):
    """Power iteration from a random start until ‖A v − λ v‖ ≤ tolerance·λ: PyHessian with an honest end."""
    v = np.random.default_rng(3).standard_normal(size)
    v /= np.linalg.norm(v)
    for _ in range(most):
        image = apply(v)
        value = v @ image
        if np.linalg.norm(image - value * v) <= tolerance * abs(value):
            return value
        v = image / np.linalg.norm(image)
    raise RuntimeError(f"power iteration did not reach a residual of {tolerance:g} in {most} products")


def curvature():
    """Sharpness and non-uniformity on the way to a minimum, to a relative residual of 1e-4."""
    def contenders(which):
        model, w, x, y, _ = problem(trained=300)
        point = network.operator(model, w, x, y)
        if which == "sharpness":
            return {"ours": lambda: network.sharpness(model, w, x, y, tolerance=1e-4, rng=0).value,
                    "power iteration": lambda: _power(point.product, point.size, 1e-4)}

        def apply(v):
            return point.square_product(v) - point.product(point.product(v))

        return {"ours": lambda: network.non_uniformity(model, w, x, y, tolerance=1e-4, rng=0).value,
                "power iteration": lambda: np.sqrt(_power(apply, point.size, 2e-4))}

    for which in ("sharpness", "non-uniformity"):
        yield Case(f"{which}, residual 1e-4, [20, 64, 64, 64, 1]", "call", 1, partial(contenders, which), rtol=1e-4,
                   note="both sides use our products; Lanczos takes fewer of them")


def scale():
    """Cost of mean H_i (H_i v) against examples, and of a product against width."""
    def square(n):
        model, w, x, y, v = problem(n=n)
        return lambda: model.mean_square_hvp(w, x, y, v)

    def wide(width):
        model, w, x, y, v = problem((20, width, width, 1))
        return lambda: model.hvp(w, x, y, v)

    yield Scaling("mean H_i (H_i v), [20, 64, 64, 64, 1]", "n", (100, 200, 400, 800, 1600), square)
    yield Scaling("H v, two hidden layers, n = 200", "width", (32, 64, 128, 256, 512), wide)


BENCHMARKS = {"network-products": products, "network-replicas": replicas, "network-curvature": curvature,
              "network-scale": scale}
