"""Sharpness, trace and density of one PyTorch net by four tools: ``python -m tests.benchmarks.other_tools``.

Each tool is given the same float64 net, loss and examples and the same number of
random vectors and Lanczos steps; the exact Hessian, by PyTorch, judges all. A
row holds the value, its distance from the exact one, the residual ‖Hv − λv‖/λ
at the tool's own vector, taken here, the seconds of the call and the products
with H in it. Tools that are not installed are left out.
"""

from collections import namedtuple
from importlib import import_module
from time import perf_counter

import numpy as np

from refimpl.curvature import Operator, sharpness, spectral_density, trace
from tests.benchmarks._measure import load

PROBES, STEPS, STARTS = 64, 64, 4    # of the trace; of the density
Row = namedtuple("Row", "quantity tool value error residual seconds products")


class Net:
    """A tanh net with squared loss, its products with H, and its exact Hessian."""

    def __init__(self, widths=(20, 40, 40, 1), n=400, steps=200):
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(0)
        layers = [torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
        self.module = torch.nn.Sequential(*[part for layer in layers for part in (layer, torch.nn.Tanh())][:-1])
        self.module.double()
        self.x, self.y = torch.randn(n, widths[0]).double(), torch.randn(n, widths[-1]).double()
        optimiser = torch.optim.SGD(self.module.parameters(), lr=0.05)
        for _ in range(steps):                               # some way down, where H has a negative end too
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(self.module(self.x), self.y).backward()
            optimiser.step()
        self.module.zero_grad()
        names, parts = zip(*((name, part.detach().clone()) for name, part in self.module.named_parameters()))
        self.w = torch.cat([part.ravel() for part in parts])

        def loss(w):
            pieces = w.split([part.numel() for part in parts])
            given = {name: piece.view(part.shape) for name, piece, part in zip(names, pieces, parts)}
            return ((torch.func.functional_call(self.module, given, self.x) - self.y) ** 2).mean()

        self.loss, gradient = loss, torch.func.grad(loss)
        pull = torch.func.vjp(gradient, self.w)[1]           # H is symmetric: one graph, walked once per product
        self.product = lambda v: pull(torch.as_tensor(v))[0].numpy()

    def eigenvalues(self):
        import torch

        return np.linalg.eigvalsh(torch.func.hessian(self.loss)(self.w).numpy())


def ours(net):
    operator = Operator(len(net.w), net.product)
    yield "sharpness", lambda: ((found := sharpness(operator, rng=0)).value, found.vector, found.products)
    yield "trace", lambda: ((found := trace(operator, probes=PROBES, rng=0)).value, None, found.products)

    def density():
        found = spectral_density(operator, steps=STEPS, probes=STARTS, rng=0)
        return (found.nodes.ravel(), found.weights.ravel()), None, found.products

    yield "density", density


def pyhessian(net):
    from torch.nn import MSELoss

    tool = import_module("pyhessian.hessian")                # the package's attribute of that name is a class
    count = _counted(tool, "hessian_vector_product")
    made = tool.hessian(net.module, MSELoss(), data=(net.x, net.y), cuda=False)

    def top():
        values, vectors = made.eigenvalues(maxIter=1000, tol=1e-9)
        return values[0], np.concatenate([part.detach().numpy().ravel() for part in vectors[0]]), count()

    yield "sharpness", top
    yield "trace", lambda: (float(np.mean(made.trace(maxIter=PROBES, tol=0))), None, count())

    def density():
        import torch

        removed, torch.eig = torch.eig, lambda matrix, eigenvectors: _eig(*torch.linalg.eigh(matrix))
        nodes, weights = made.density(iter=STEPS, n_v=STARTS)
        torch.eig = removed
        return (np.ravel(nodes), np.ravel(weights) / STARTS), None, count()

    yield "density", density


def _eig(values, vectors):
    """What torch.eig returned, which PyHessian 0.1 still calls and PyTorch has removed."""
    return values[:, None] * values.new_tensor([1, 0]), vectors


def hessian_eigenthings(net):
    import hessian_eigenthings as tool
    from torch.nn import MSELoss

    operator = tool.HessianOperator(net.module, [(net.x, net.y)], tool.supervised_loss(MSELoss()))
    count = _counted(operator, "matvec")

    def top():
        found = tool.lanczos(operator, k=1, max_iter=50, which="LA", tol=1e-6, seed=0)
        return found.eigenvalues[0].item(), found.eigenvectors[0].detach().numpy(), count()

    yield "sharpness", top
    yield "trace", lambda: (tool.hutchinson(operator, num_samples=PROBES, seed=0).estimate, None, count())

    def density():
        found = tool.spectral_density(operator, num_runs=STARTS, lanczos_steps=STEPS, seed=0)
        nodes, weights = (part.detach().numpy() for part in (found.raw_eigenvalues, found.raw_weights))
        return (nodes.ravel(), weights.ravel() / STARTS), None, count()

    yield "density", density


def curvlinops(net):
    import curvlinops as tool
    from scipy.sparse.linalg import eigsh
    from torch.nn import MSELoss

    operator = tool.HessianLinearOperator(net.module, MSELoss(), list(net.module.parameters()), [(net.x, net.y)],
                                          check_deterministic=False)
    count = _counted(operator, "_matmat", lambda matrix: matrix[0].shape[-1])

    def top():
        values, vectors = eigsh(operator.to_scipy(), k=1, which="LA", tol=1e-6, v0=np.ones(len(net.w)))
        return values[0], vectors[:, 0], count()

    yield "sharpness", top
    yield "trace", lambda: (tool.hutchinson_trace(operator, PROBES).item(), None, count())

    def density():
        grid, height = tool.lanczos_approximate_spectrum(operator, STEPS, num_repeats=STARTS)
        return (grid.detach().numpy(), height.detach().numpy() / height.sum().item()), None, count()

    yield "density", density


TOOLS = {"refimpl": ours, "pyhessian": pyhessian, "hessian_eigenthings": hessian_eigenthings, "curvlinops": curvlinops}


def rows(net, tools=TOOLS):
    """A `Row` per quantity and tool; the value of a density is its mean, its error the Wasserstein-1 distance."""
    exact = net.eigenvalues()
    flat = np.full(len(exact), 1 / len(exact))
    for name in tools:
        if name != "refimpl" and load(name) is None:
            continue
        for quantity, call in TOOLS[name](net):
            began = perf_counter()
            found, vector, products = call()
            seconds = perf_counter() - began
            if quantity == "density":
                value, error = float(found[0] @ found[1]), _distance(*found, exact, flat)
            else:
                value, error = float(found), abs(found - (exact[-1] if quantity == "sharpness" else exact.sum()))
            residual = None if vector is None else float(np.linalg.norm(net.product(vector) - value * vector) / value)
            yield Row(quantity, name, value, float(error), residual, seconds, products)


def _counted(owner, name, size=lambda *_: 1):
    """Count the products that pass through a function; the returned function reads the count and sets it to 0."""
    inner, counts = getattr(owner, name), [0]

    def outer(*arguments):
        counts[0] += size(*arguments)
        return inner(*arguments)

    setattr(owner, name, outer)

    def read():
        found, counts[0] = counts[0], 0
        return found

    return read


def _distance(nodes, weights, exact, flat):
    """∫ |F − F'| of two discrete measures."""
    nodes, masses = np.concatenate([nodes, exact]), np.concatenate([weights, -flat])
    order = np.argsort(nodes)
    return float(np.abs(np.cumsum(masses[order])[:-1]) @ np.diff(nodes[order]))


def main():
    found = list(rows(Net()))
    print(f"{'quantity':<11}{'tool':<21}{'value':>11}{'off by':>10}{'residual':>10}{'seconds':>9}{'products':>10}")
    for row in sorted(found, key=lambda row: ("sharpness", "trace", "density").index(row.quantity)):
        residual = "–" if row.residual is None else f"{row.residual:.1e}"
        print(f"{row.quantity:<11}{row.tool:<21}{row.value:>11.5g}{row.error:>10.1e}{residual:>10}{row.seconds:>9.2f}"
              f"{row.products:>10}")


if __name__ == "__main__":
    main()
