"""SGD's second moment by enumeration of every batch, in mpmath: (x, ηv) ↦ M (x, ηv), E[M ⊗ M].

Nothing of the project.
"""

from itertools import combinations, permutations, product

import mpmath as mp
import numpy as np


def matrix(rows):
    return mp.matrix([[mp.mpf(value) for value in row] for row in rows])


def squares(factors):
    """H_i = J_iᵀ J_i from factors (n, k, d), or (n, d)."""
    blocks = [one if isinstance(one[0], list) else [one] for one in factors]
    return [matrix(block).T * matrix(block) for block in blocks]


def mean(matrices):
    total = mp.zeros(*_shape(matrices[0]))
    for one in matrices:
        total += one
    return total / len(matrices)


def _shape(one):
    return one.rows, one.cols


def batches(n, size, replacement=False):
    return list(product(range(n), repeat=size) if replacement else combinations(range(n), size))


def kron(a, b):
    result = mp.matrix(a.rows * b.rows, a.cols * b.cols)
    for i, j, k, m in product(range(a.rows), range(a.cols), range(b.rows), range(b.cols)):
        result[i * b.rows + k, j * b.cols + m] = a[i, j] * b[k, m]
    return result


def noise_factor(n, size, replacement):
    return mp.mpf(1) / size if replacement else mp.mpf(n - size) / (size * (n - 1))


def step(h, lr, momentum, nesterov, dampening, weight_decay):
    """(x, ηv) ↦ the next, for the gradient (h + wd) x."""
    d = h.rows
    gradient, mu = h + mp.mpf(weight_decay) * mp.eye(d), mp.mpf(momentum)
    moved = (1 - mp.mpf(dampening)) * gradient
    first, second = (gradient + mu * moved, mu**2) if nesterov else (moved, mu)
    whole = mp.zeros(2 * d)
    for i, j in product(range(d), repeat=2):
        whole[i, j] = (i == j) - lr * first[i, j]
        whole[i, d + j] = -second * (i == j)
        whole[d + i, j], whole[d + i, d + j] = lr * moved[i, j], mu * (i == j)
    return whole


def operator(hessians, lr, size, *, momentum=0.0, nesterov=False, dampening=0.0, weight_decay=0.0, replacement=False):
    """E[M ⊗ M] over all batches on symmetric matrices; on x alone without momentum."""
    maps = []
    for batch in batches(len(hessians), size, replacement):
        whole = step(mean([hessians[i] for i in batch]), mp.mpf(lr), momentum, nesterov, dampening, weight_decay)
        maps.append(kron(whole, whole) if momentum else kron(*[whole[:whole.rows // 2, :whole.rows // 2]] * 2))
    return on_symmetric(mean(maps))


def pairs(count):
    return [(i, j) for i in range(count) for j in range(i, count)]


def on_symmetric(whole):
    """X ↦ Q(X) on the entries i ≤ j of symmetric matrices, where a map that keeps the cone has its radius."""
    count = int(mp.sqrt(whole.rows))
    half = mp.matrix(len(pairs(count)))
    for (row, (k, m)), (column, (i, j)) in product(enumerate(pairs(count)), repeat=2):
        half[row, column] = whole[k * count + m, i * count + j] + (whole[k * count + m, j * count + i] if i < j else 0)
    return half


def radius(matrix_):
    if matrix_.rows == 1:
        return abs(matrix_[0])
    return max(abs(value) for value in mp.eig(matrix_, left=False, right=False))


def rate(hessians, lr, size, **step_):
    return radius(operator(hessians, lr, size, **step_))


def edge(hessians, size, near, **step_):
    """The rate η near `near` at which E[M ⊗ M] has the eigenvalue 1; its radius must be 1 there and above it beyond."""
    def excess(lr):
        whole = operator(hessians, lr, size, **step_)
        return mp.det(whole - mp.eye(whole.rows))

    found = mp.findroot(excess, (near, near * (1 + mp.mpf(10)**-9)), tol=mp.mpf(10)**-90, verify=False)
    assert abs(found / near - 1) < mp.mpf(10)**-4, (found, near)
    assert abs(rate(hessians, found, size, **step_) - 1) < mp.mpf(10)**-20
    assert rate(hessians, found * (1 + mp.mpf(10)**-6), size, **step_) > 1 + mp.mpf(10)**-12
    return found


def limit(hessians, size, **options):
    """Mean-square limit: bisection on the radius in float64, then the root of det(E[M ⊗ M] − 1)."""
    momentum, dampening = (mp.mpf(options.get(name, 0.0)) for name in ("momentum", "dampening"))
    low, high = mp.mpf(0), 4 * (1 + abs(momentum)) / ((1 - dampening) * top(hessians, options.get("weight_decay", 0.0)))
    for _ in range(40):
        middle = (low + high) / 2
        whole = np.array(operator(hessians, middle, size, **options).tolist(), float)
        low, high = (middle, high) if np.abs(np.linalg.eigvals(whole)).max() < 1 else (low, middle)
    return edge(hessians, size, high, **options)


def top(hessians, weight_decay=0.0):
    return max(mp.eigsy(mean(hessians), eigvals_only=True)) + mp.mpf(weight_decay)


def variance(hessians):
    whole = mean(hessians)
    return mean([one * one for one in hessians]) - whole * whole


def inverse_root(symmetric):
    values, vectors = mp.eigsy(symmetric)
    return vectors * mp.diag([1 / mp.sqrt(value) for value in values]) * vectors.T


def orders(n, size):
    """Batches of every epoch: all n! orders, the last batch short where B does not divide n."""
    for order in permutations(range(n)):
        yield [order[start:start + size] for start in range(0, n, size)]


def epoch_rate(hessians, lr, size):
    maps, steps = [], -(-len(hessians) // size)
    for order in orders(len(hessians), size):
        whole = mp.eye(hessians[0].rows)
        for batch in order:
            whole = (mp.eye(whole.rows) - mp.mpf(lr) * mean([hessians[i] for i in batch])) * whole
        maps.append(kron(whole, whole))
    return radius(on_symmetric(mean(maps))) ** (mp.mpf(1) / steps)


def stationary(hessians, gradients, lr, size, *, momentum=0.0, weight_decay=0.0, replacement=False):
    """E[x xᵀ] of z ← M z + c, from vec(Z) = E[M ⊗ M] vec(Z) + E[c ⊗ c]; E[z] = 0."""
    lr, d = mp.mpf(lr), hessians[0].rows
    maps, pushes = [], []
    for batch in batches(len(hessians), size, replacement):
        whole = step(mean([hessians[i] for i in batch]), lr, momentum, False, 0.0, weight_decay)
        pull = [mp.fsum(mp.mpf(gradients[i][j]) for i in batch) / size for j in range(d)]
        push = lr * mp.matrix([-one for one in pull] + pull)
        maps.append(kron(whole, whole))
        pushes.append(kron(push, push))
    flat = mp.lu_solve(mp.eye(maps[0].rows) - mean(maps), mean(pushes))
    return [[flat[i * 2 * d + j] for j in range(d)] for i in range(d)]
