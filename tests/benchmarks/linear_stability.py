"""SGD on quadratic ensembles, the exact recursion of its second moment, and `critical_lr`."""

from functools import partial

import numpy as np

from refimpl.linear_stability import simulate
from refimpl.sgd import _sampling
from tests.benchmarks import _bare
from tests.benchmarks._bare import BARE
from tests.benchmarks._case import Case, Footprint, Scaling
from tests.benchmarks._measure import load
from theory.linear_stability import GaussNewton, critical_lr, second_moment

N, LR = 64, 0.01


def ensemble(kind, dim, size, replicas, steps):
    """Factors (n, d) or Hessians (n, d, d), starts (R, d) and index arrays (steps, R, B)."""
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((N, dim) if kind == "rank-1" else (N, dim, dim))
    data = factors if kind == "rank-1" else factors @ factors.swapaxes(1, 2) / dim
    return data, rng.standard_normal((replicas, dim)), rng.integers(0, N, (steps, replicas, size))


def steps_of(kind, dim, size, replicas, steps, momentum=0.0):
    """{contender: function that returns the last iterates}; index arrays are given."""
    data, w0, indices = ensemble(kind, dim, size, replicas, steps)
    found = {"ours": lambda: simulate(data, w0, lr=LR, batch_size=size, steps=steps, indices=indices,
                                      momentum=momentum).w,
             BARE: _bare.quadratic(data, w0, indices, LR, momentum)}
    for name, make in (("torch", _torch), ("jax", _jax), ("numba", _numba)):
        module = load(name)
        if module is not None and not (name == "numba" and kind == "dense"):
            found[name] = make(module, data, w0, indices, momentum)
    return found


def _torch(torch, data, w0, indices, momentum):
    torch.set_num_threads(1)
    data, start, indices = torch.from_numpy(data), torch.from_numpy(w0), torch.from_numpy(indices)

    def gradient(rows, w):
        if rows.ndim == 4:
            return torch.einsum("rbij,rj->ri", rows, w)
        return torch.einsum("rb,rbd->rd", torch.einsum("rbd,rd->rb", rows, w), rows)

    def run():
        w, v = start.clone(), torch.zeros_like(start)
        for batch in indices:
            step = gradient(data[batch], w)
            if momentum:
                v.mul_(momentum).add_(step)
            w -= LR / batch.shape[1] * (v if momentum else step)
        return w.numpy()

    return run


def _jax(jax, data, w0, indices, momentum):
    jnp = jax.numpy

    def gradient(rows, w):
        if rows.ndim == 4:
            return jnp.einsum("rbij,rj->ri", rows, w)
        return jnp.einsum("rb,rbd->rd", jnp.einsum("rbd,rd->rb", rows, w), rows)

    def step(state, batch):
        w, v = state
        v = momentum * v + gradient(table[batch], w) if momentum else gradient(table[batch], w)
        return (w - LR / batch.shape[1] * v, v), None

    table, start, indices = jnp.asarray(data), jnp.asarray(w0), jnp.asarray(indices)
    whole = jax.jit(lambda w, batches: jax.lax.scan(step, (w, jnp.zeros_like(w)), batches)[0][0])
    return lambda: np.asarray(whole(start, indices).block_until_ready())


def _numba(numba, x, w0, indices, momentum):
    @numba.njit(fastmath=True)
    def loop(x, w, indices):
        steps, replicas, size = indices.shape
        dim = x.shape[1]
        update = np.empty(dim)
        for r in range(replicas):
            update[:] = 0
            for t in range(steps):
                update *= momentum
                for b in range(size):
                    row = x[indices[t, r, b]]
                    residual = 0.0
                    for d in range(dim):
                        residual += row[d] * w[r, d]
                    for d in range(dim):
                        update[d] += residual * row[d]
                for d in range(dim):
                    w[r, d] -= LR / size * update[d]
        return w

    return lambda: loop(x, w0.copy(), indices)


def quadratics():
    """A replica-step over kinds of Hessians, dimensions, batch sizes and numbers of replicas."""
    for kind in ("rank-1", "dense"):
        for dim in (2, 16, 128):
            for size in (1, 4, 32):
                numbers = dim if kind == "rank-1" else dim**2
                yield quadratic(kind, dim, size, int(np.clip(2**23 // (size * numbers), 64, 4096)))
        for replicas in (100, 1000, 100_000):
            yield quadratic(kind, 16, 4, replicas)
        yield quadratic(kind, 16, 4, 1000, momentum=0.9)


def quadratic(kind, dim, size, replicas, momentum=0.0):
    """One of these cases."""
    numbers = dim if kind == "rank-1" else dim**2
    steps = int(np.clip(1e8 // (replicas * size * numbers), 4, 100))
    count = replicas * steps
    what = f"{kind}, d = {dim}, B = {size}, R = {replicas}" + (f", momentum {momentum:g}" if momentum else "")
    return Case(what, "replica-step", count, partial(steps_of, kind, dim, size, replicas, steps, momentum))


def drawing():
    """An index of batches without replacement for many replicas, beside NumPy's uniform numbers, one an index."""
    size = 4

    def contenders(replicas, steps):
        def ours():
            batches = _sampling.batches("without-replacement", N, size, np.random.SeedSequence(0), 0, replicas)
            for _ in range(steps):
                next(batches)

        def bare():
            ahead = max(1, 2**11 // (size * replicas))
            generator, numbers = np.random.default_rng(0), np.empty((size, ahead, replicas))
            places = np.empty(numbers.shape, np.intp)
            for _ in range(0, steps, ahead):
                generator.random(out=numbers)
                np.multiply(numbers, N, out=places, casting="unsafe")

        return {"ours": ours, BARE: bare}

    for replicas, steps in ((1, 10_000), (100, 1000), (4096, 100)):
        yield Case(f"index drawn, B = {size}, R = {replicas}", "index", steps * replicas * size,
                   partial(contenders, replicas, steps))


MOMENTA = {0: "", 0.9: ", momentum=0.9"}      # and how it is said: an earlier state may not know the argument
MEMORY = """
import numpy as np
from refimpl.linear_stability import simulate
x = np.random.default_rng(0).standard_normal((64, 16))
simulate(x, np.ones({start}), lr=.01, batch_size=4, steps={steps}, rng=0{momentum})
"""
THRESHOLD = """
import numpy as np
from theory.linear_stability import GaussNewton, critical_lr
rows = np.random.default_rng(0).standard_normal(({n}, {n}))
kernel = rows @ rows.T
ensemble = GaussNewton.from_kernel(kernel) if hasattr(GaussNewton, "from_kernel") else GaussNewton(rows)
del rows, kernel
"""
RATE = "critical_lr(ensemble, 32{momentum})"


def memory():
    """Peak memory of long runs and of many replicas, without and with momentum; d = 16, B = 4, batches drawn."""
    yield Footprint("imports alone", "import refimpl.linear_stability, theory.linear_stability")
    for momentum, argument in MOMENTA.items():
        for start, replicas, steps in (("16", 1, 10**5), ("16", 1, 10**6), ("(10_000, 16)", 10_000, 100),
                                       ("(100_000, 16)", 100_000, 100), ("(100_000, 16)", 100_000, 200)):
            yield Footprint(f"{replicas} × {steps} steps, momentum {momentum}",
                            MEMORY.format(start=start, steps=steps, momentum=argument))


def thresholds():
    """The exact critical rate from the kernel of n Gaussian gradients in n dimensions, with what comes before it."""
    for n in (1000, 2000, 4000):
        yield Footprint(f"kernel of {n}, reduction alone", THRESHOLD.format(n=n))
        for momentum, argument in MOMENTA.items():
            yield Footprint(f"kernel of {n}, rate at momentum {momentum}",
                            THRESHOLD.format(n=n) + RATE.format(momentum=argument))


def scale():
    """Cost against replicas and steps, with batches drawn here."""
    data, _, _ = ensemble("rank-1", 16, 4, 1, 1)

    def replicas(count):
        return lambda: simulate(data, np.ones((count, 16)), lr=LR, batch_size=4, steps=20, rng=0).w

    def steps(count):
        return lambda: simulate(data, np.ones(16), lr=LR, batch_size=4, steps=count, rng=0).w

    yield Scaling(
        "replicas of a quadratic (d = 16, B = 4, 20 steps)", "replicas", (100, 1000, 10_000, 100_000), replicas
    )
    yield Scaling("steps of one replica (d = 16, B = 4)", "steps", (1000, 10_000, 100_000), steps, rounds=1)


def critical_rates():
    """The exact critical rate from rank-1 factors."""

    def rate(n, dim):
        factors = GaussNewton(np.random.default_rng(n).standard_normal((n, dim)))
        return lambda: critical_lr(factors, 4)

    yield Scaling("critical_lr (d = 1000)", "n", (100, 200, 400, 1000, 2000, 4000), partial(rate, dim=1000), rounds=1)
    yield Scaling("critical_lr (n = 200)", "d", (100, 1000, 10_000), partial(rate, 200), rounds=3)


def moments():
    """The exact recursion of E[x xᵀ], against the same two products written plainly."""
    dim, steps, size = 16, 200, 4
    hessians, _, _ = ensemble("dense", dim, 1, 1, 1)
    noise = (N - size) / (size * (N - 1))

    def contenders():
        found = {"ours": lambda: second_moment(hessians, LR, size, np.eye(dim), steps)}
        for name, make in (("torch", _torch_moments), ("jax", _jax_moments)):
            module = load(name)
            if module is not None:
                found[name] = make(module, hessians, noise, steps)
        return found

    yield Case(f"second moment, n = {N}, d = {dim}", "step", steps, contenders, flops=steps * 4 * N * dim**3, rtol=1e-8)


def _recursion(einsum, hessians, mean, eye, noise, moment):
    step = eye - LR * mean
    spread = einsum("nij,jk,nkl->il", hessians, moment, hessians) / N - mean @ moment @ mean
    return step @ moment @ step + LR**2 * noise * spread


def _torch_moments(torch, hessians, noise, steps):
    torch.set_num_threads(1)
    hessians = torch.from_numpy(hessians)
    mean, eye = hessians.mean(0), torch.eye(hessians.shape[1], dtype=hessians.dtype)

    def run():
        moments = [eye]
        for _ in range(steps):
            moments.append(_recursion(torch.einsum, hessians, mean, eye, noise, moments[-1]))
        return torch.stack(moments).numpy()

    return run


def _jax_moments(jax, hessians, noise, steps):
    jnp = jax.numpy
    hessians = jnp.asarray(hessians)
    mean, eye = hessians.mean(0), jnp.eye(hessians.shape[1])

    def step(moment, _):
        moment = _recursion(jnp.einsum, hessians, mean, eye, noise, moment)
        return moment, moment

    whole = jax.jit(lambda: jnp.concatenate([eye[None], jax.lax.scan(step, eye, length=steps)[1]]))
    return lambda: np.asarray(whole().block_until_ready())


BENCHMARKS = {"quadratics": quadratics, "drawing": drawing, "scale": scale, "memory": memory,
              "critical-lr": critical_rates, "thresholds": thresholds, "moments": moments}
