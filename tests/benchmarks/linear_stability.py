"""The hot loop on rank-1 quadratics, and `critical_lr`."""

import numpy as np

from refimpl._lanes import LaneKernel
from refimpl.linear_stability import simulate
from tests.benchmarks._measure import alternate, load, matrix_product_rate, memory_rate, peak_memory, table
from theory.linear_stability import GaussNewton, critical_lr

N, DIM, BATCH, REPLICAS, STEPS, LR = 64, 16, 4, 4096, 100, 0.01


def problem():
    """Factors (n, d), starts (R, d) and index arrays (steps, R, B), the same for every contender."""
    rng = np.random.default_rng(0)
    indices = np.argsort(rng.random((STEPS, REPLICAS, N)), axis=-1)[..., :BATCH].copy()
    return rng.standard_normal((N, DIM)), rng.standard_normal((REPLICAS, DIM)), indices


def contenders():
    """{name: function that returns the last iterates}; one float64 thread each, index arrays given."""
    x, w0, indices = problem()

    def ours():
        return simulate(x, w0, lr=LR, batch_size=BATCH, steps=STEPS, indices=indices).w

    def plain():
        w = w0.copy()
        for batch in indices:
            rows = x[batch]
            w -= LR / BATCH * np.einsum("rb,rbd->rd", np.einsum("rbd,rd->rb", rows, w), rows)
        return w

    found = {"ours": ours, "NumPy einsum": plain}
    for name, make in (("torch", _torch), ("jax", _jax), ("numba", _numba)):
        module = load(name)
        if module is not None:
            found[name] = make(module, x, w0, indices)
    return found


def _torch(torch, x, w0, indices):
    torch.set_num_threads(1)
    x, start, indices = torch.from_numpy(x), torch.from_numpy(w0), torch.from_numpy(indices)

    def run():
        w = start.clone()
        for batch in indices:
            rows = x[batch]
            w -= LR / BATCH * torch.einsum("rb,rbd->rd", torch.einsum("rbd,rd->rb", rows, w), rows)
        return w.numpy()

    return run


def _jax(jax, x, w0, indices):
    jnp = jax.numpy

    def step(w, batch):
        rows = x_[batch]
        return w - LR / BATCH * jnp.einsum("rb,rbd->rd", jnp.einsum("rbd,rd->rb", rows, w), rows), None

    x_, start, indices = jnp.asarray(x), jnp.asarray(w0), jnp.asarray(indices)
    whole = jax.jit(lambda w, batches: jax.lax.scan(step, w, batches)[0])
    return lambda: np.asarray(whole(start, indices).block_until_ready())


def _numba(numba, x, w0, indices):
    @numba.njit(fastmath=True)
    def loop(x, w, indices):
        steps, replicas, size = indices.shape
        dim = x.shape[1]
        update = np.empty(dim)
        for r in range(replicas):
            for t in range(steps):
                update[:] = 0
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


def hot_loop():
    """Time a replica-step of every contender, all to the same answer."""
    functions = contenders()
    expected = functions["NumPy einsum"]()
    for name, function in functions.items():
        np.testing.assert_allclose(function(), expected, rtol=1e-9, atol=1e-11, err_msg=name)
    work = STEPS * REPLICAS
    rows = [(name, f"{seconds / work * 1e9:.0f}", f"{ratio:.2f}") for name, (seconds, ratio) in alternate(functions).items()]
    table(f"SGD on rank-1 quadratics: n = {N}, d = {DIM}, B = {BATCH}, {REPLICAS} replicas, float64, one thread",
          ("", "ns / replica-step", "time / ours"), rows)
    gathered = DIM * BATCH * 8
    traffic = 3 * gathered / memory_rate() * 1e9  # written once, read twice, all in cache
    products = 4 * DIM * BATCH / matrix_product_rate() * 1e9
    ours = float(rows[0][1])
    print(f"  limits measured in this run: {products:.0f} ns for the arithmetic at the matrix-product rate ({products / ours:.0%} of "
          f"ours), {traffic:.0f} ns to write\n  the gathered factors ({gathered} bytes) and read them twice at the L2 copy rate "
          f"({traffic / ours:.0%} of ours).")
    parts = ", ".join(f"{name} {seconds * 1e9:.0f}" for name, seconds in passes().items())
    print(f"  where ours goes, ns: {parts}; the rest is the update, the check for divergence and calls.\n"
          "  The two contractions run in NumPy's einsum kernels, which multiply and add two numbers at a time.")


def passes():
    """Seconds a replica-step of each NumPy call inside the fast path."""
    x, w0, indices = problem()
    kernel = LaneKernel(x, BATCH)
    count = kernel.chunk
    state = kernel.pack(w0[:count])
    kernel.gradient(state, indices[0, :count])
    lanes = kernel.lanes
    calls = {
        "gather": lambda: np.take(kernel.table, kernel.indices, axis=1, out=kernel.gathered, mode="clip"),
        "first contraction": lambda: np.einsum("gbcl,gcl->bcl", kernel.gathered, state, out=kernel.products),
        "lane sums": lambda: np.matmul(kernel.products.reshape(-1, kernel.block, lanes), kernel.sum_and_spread,
                                       out=kernel.residuals.reshape(-1, kernel.block, lanes)),
        "second contraction": lambda: np.einsum("gbcl,bcl->gcl", kernel.gathered, kernel.residuals, out=kernel.result),
    }
    repeated = {name: lambda call=call: [call() for _ in range(50)] for name, call in calls.items()}
    return {name: seconds / 50 / count for name, (seconds, _) in alternate(repeated).items()}


def critical_rates():
    """Time and memory of the exact critical rate from rank-1 factors."""
    rows = []
    for n, dim in ((100, 1000), (200, 1000), (400, 1000), (1000, 10_000)):
        ensemble = GaussNewton(np.random.default_rng(n).standard_normal((n, dim)))
        rounds = 5 if n <= 400 else 1
        seconds, _ = alternate({"": lambda: critical_lr(ensemble, 4)}, rounds)[""]
        _, spectrum = critical_lr(ensemble, 4, full_output=True)
        rows.append((n, dim, f"{seconds:.3f}", f"{peak_memory(lambda: critical_lr(ensemble, 4)) / 1e6:.0f}",
                     f"{spectrum.residual / spectrum.eigenvalue:.1e}"))
    table("critical_lr, mean-square, from rank-1 factors, one thread", ("n", "d", "s", "peak MB", "relative residual"), rows)


BENCHMARKS = {"hot-loop": hot_loop, "critical-lr": critical_rates}
