"""Write learning_order.json: ``python -m tests.reference.make_learning_order``. Formulas as in the paper, in 80
digits."""

from itertools import product

import mpmath as mp

from tests.reference._table import rows_of, write

row = rows_of("theory.learning_order")


def kernel(degree, cosine):
    angle = mp.acos(cosine)
    if cosine == -1:
        return mp.mpf(0)
    if degree == 0:
        return (mp.pi - angle) / (2 * mp.pi)
    return (mp.sin(angle) + (mp.pi - angle) * mp.cos(angle)) / (2 * mp.pi)


def entries(rho, r):
    """⟨x_i, x_j⟩ k₀(ρ cos θ_ij) on z − ζ, z, z + ζ."""
    x = [(1, -r), (1, 0), (1, r)]
    inner = [[a[0] * b[0] + a[1] * b[1] for b in x] for a in x]
    return [[inner[i][j] * kernel(0, rho * (1 if i == j else inner[i][j] / mp.sqrt(inner[i][i] * inner[j][j])))
             for j in range(3)] for i in range(3)]


def lag_kernel(rho, r):
    k, c = entries(mp.mpf(rho), mp.mpf(r)), (1, -2, 1)
    return mp.fsum(c[i] * c[j] * k[i][j] for i, j in product(range(3), repeat=2))


def over_lags(summand, lr, decay, steps=None, explicit=400):
    """Σ η q^{k−1} summand(q^k), the first terms one by one and the others by Euler and Maclaurin with four
    corrections."""
    lr, decay = mp.mpf(lr), mp.mpf(decay)
    q = 1 - lr * decay
    f = lambda k: lr * q**(k - 1) * summand(q**k)  # noqa: E731
    last = steps or int(mp.ceil(80 / -mp.log(q)))
    total = mp.fsum(f(k) for k in range(1, min(last, explicit) + 1))
    if last <= explicit:
        return total
    edges = [mp.mpf(explicit)]
    while edges[-1] < last:
        edges.append(min(3 * edges[-1], mp.mpf(last)))
    total += mp.quad(f, edges) + (f(last) - f(explicit)) / 2
    for order in (2, 4, 6, 8):
        slopes = [mp.diff(f, end, order - 1, h=mp.mpf(10)**-6 * end) for end in (explicit, last)]
        total += mp.bernoulli(order) / mp.factorial(order) * (slopes[1] - slopes[0])
    return total


def integral(r, digits):
    """∫ C(ρ) dρ from 0 to 1."""
    with mp.workdps(digits):
        return mp.quad(lambda rho: lag_kernel(rho, r), [0, 0.5, *(1 - mp.mpf(10)**-k for k in range(1, 12)), 1])


def answering(scale, r, decay, lr, alpha, square, fraction):
    """D with slopes that answer to g, the 3 × 3 system as it is written."""
    with mp.workdps(40):
        shares, labels, lags, matrix = [0.25, 0.5, 0.25], [-1, 1, -1], {}, mp.matrix(3)
        r = mp.mpf(r)
        for i, j in product(range(3), repeat=2):
            key = tuple(sorted((i, j)))
            if key not in lags:
                lags[key] = over_lags(lambda rho: entries(rho, r)[i][j], lr, decay)  # noqa: B023
            matrix[i, j] = mp.mpf(scale)**2 * lags[key]
        b = mp.matrix([-mp.mpf(fraction) * share * label * mp.mpf(alpha) / 2 for share, label in zip(shares, labels)])
        answer = mp.diag([mp.mpf(fraction) * mp.mpf(square) * share / 4 for share in shares])
        g = mp.lu_solve(mp.eye(3) + matrix * answer, -(matrix * b))
        return g[0] + g[2] - 2 * g[1]


def linear_error(cosine, margin, dim):
    """The defining integral ∫ 2φ(a) Φ(−cot φ (γ₀√d + a)) da, on panels that grow from the layer's width."""
    c = mp.mpf(cosine)
    slope, shift = c / mp.sqrt(1 - c * c), mp.mpf(margin) * mp.sqrt(dim)
    width = min(1, 1 / abs(slope)) if slope else mp.mpf(1)
    edges = [mp.mpf(0)] + [width * mp.mpf(2)**k for k in range(-6, 200) if width * mp.mpf(2)**(k - 1) < 60]
    first = mp.erfc(slope * shift / mp.sqrt(2))  # the quadrature stops at an absolute error
    return first * mp.quad(lambda a: mp.npdf(a) * mp.erfc(slope * (shift + a) / mp.sqrt(2)) / first, edges)


def noise():
    for lr, decay, std in ((0.1, 0.01, 2.0), (1e-8, 1e-6, 1.0), (1e-150, 1e-150, 1e80), (1e80, 1e-90, 1e-80),
                           (1.0, 1.0, 3.0),
                           (1.5, 1.25, 1.0), (0.025, 7.5e-4, 0.2)):
        product_ = mp.mpf(lr) * mp.mpf(decay)
        root = mp.sqrt(product_ * (2 - product_))
        promise = float(1e-15 / (2 - product_))
        yield from [row("stationary_std", (lr, decay, std), mp.mpf(lr) * mp.mpf(std) / root, promise),
                    row("noise_std", (lr, decay, std), mp.mpf(std) * root / mp.mpf(lr), promise)]
    for lr, decay, lag in ((1e-8, 1e-6, 1e14), (1e-8, 1e-6, 1e16), (0.5, 0.2, 2), (0.025, 7.5e-4, 53333),
                           (0.5, 0.75, 40),
                           (1e-3, 1e-3, 1), (1.0, 0.4375, 33), (1.0, 1.0, 3), (1.0, 1.0, 0), (1.5, 1.0, 3),
                           (1.0, 1.75, 101)):
        product_ = mp.mpf(lr) * mp.mpf(decay)
        yield row("noise_autocorrelation", (lr, decay, lag), (1 - product_)**mp.mpf(lag),
                  1e-15 * (2 + float(lag * product_)))
    for lr, decay, left in ((0.025, 7.5e-4, 0.5), (1e-8, 1e-8, 0.1), (1.0, 0.5, 1e-9), (0.5, 0.25, 1 - 2.0**-40)):
        yield row("mixing_time", (lr, decay, left),
                  mp.log(mp.mpf(left)) / mp.log(1 - mp.mpf(lr) * mp.mpf(decay)), 1e-15)
    for rho in (-1.0, -0.3, 0.0, 0.7, 1 - 1e-6, 1 - 2.0**-52, 1.0):
        yield row("pattern_turnover", (rho,), mp.acos(mp.mpf(rho)) / mp.pi, 1e-15)


def decoupling():
    for signal, out, std in (([1e-3], [1.0], 1.0), ([0.5, -2.0, 1e-8, 0.0], [0.1, -3.0, 2.0, 1.0], 0.7),
                             ([30.0, 80.0], [1.0, -1.0], 1.0),
                             ([1e-40, 3e-40], [1.0, 2.0], 1e-38)):
        total = mp.mpf(0)
        for b, u in zip(signal, out):
            end = abs(mp.mpf(b)) / mp.mpf(std)
            edges = [end * mp.mpf(k) / 40 for k in range(41)]
            if end:
                total += mp.mpf(u)**2 * end**3 * mp.quad(lambda t: (1 - t / end)**2 * mp.npdf(t) / end,
                                                         edges)  # noqa: B023
        yield row("decoupling_error", (signal, out, std), mp.mpf(std) * mp.sqrt(total), 1e-12)
    half = mp.mpf(1e200) * mp.mpf(1e-100) / mp.sqrt(2)      # half of the neurons change by all of their signal
    yield row("decoupling_error", ([1e200], [1e-100], 1e-200), half, 1e-12)


def kernels():
    near = [1 - 10.0**-k for k in (2, 6, 10, 14)]
    yield from [row("arc_cosine_kernel", (degree, sign * c), kernel(degree, mp.mpf(sign * c)), 4e-15)
                for degree in (0, 1) for c in (0.0, 0.25, 0.8, *near, 1.0) for sign in (1, -1) if c or sign > 0]
    yield from [row("lag_kernel", (rho, r), lag_kernel(rho, r), 1e-13)
                for rho in (-1.0, -0.5, 1e-8, 0.5, 0.9, 1 - 1e-6, 1 - 2.0**-53, 1.0)
                for r in (1e-9, 1e-4, 1e-3, 0.02, 0.2, 1.0, 3.0, 1e6)]


def curvature():
    name = "curvature_prediction"
    for scale, r, decay, lr, steps in (
            (5.0, 0.1, 3.3e-3, 0.25, None), (750**0.5, 0.02, 7.5e-4, 1e-5, None), (1.0, 1e-3, 1e-4, 0.1, None),
            (3.0, 0.2, 0.1, 0.5, 1), (3.0, 0.4, 0.5, 1.0, None), (5.0, 0.05, 1e-4, 0.5, 100_000),
            (1.0, 1e-4, 1e-6, 1e-3, 1_000_000)):
        with mp.workdps(50):
            total = over_lags(lambda rho: lag_kernel(rho, r), lr, decay, steps)  # noqa: B023
        yield row(name, (scale, r, decay), -mp.mpf(scale)**2 / 16 * total, 1e-12, lr=lr, steps=steps)
    for scale, r, decay, lr, alpha, square, share in (
            (5.0, 0.1, 3.3e-3, 0.25, 0.5, 0.375, 0.75), (750**0.5, 0.02, 7.5e-4, 0.01, 0.5, 0.3125, 0.75),
            (20.0, 1e-3, 1e-2, 0.05, 0.5, 0.5, 0.75), (4.0, 0.2, 0.02, 0.1, 0.5, 0.25, 0.75),
            (4.0, 0.2, 0.02, 0.1, 0.6, 0.4, 0.8)):
        yield row(name, (scale, r, decay), answering(scale, r, decay, lr, alpha, square, share), 1e-10, lr=lr,
                  fraction=share, mean_alpha=alpha, mean_square_alpha=square)
    for r, decay in ((1e-3, 1e-4), (0.02, 7.5e-4), (0.2, 0.01)):
        limit = mp.mpf(r)**3 / mp.mpf(decay) / (12 * mp.pi)
        yield row(name, (1.0, r, decay), -limit, 1e-15)
        yield row(name, (1.0, r, decay), -integral(r, 50) / mp.mpf(decay) / 16, 1.1 * r)   # to which the sum tends
        yield row("curvature_bound", (2.0, r, decay), 4 * mp.mpf(r)**2 / mp.mpf(decay), 1e-15)
    yield row("curvature_bound", (1e200, 1e-190, 1e-10), (mp.mpf(1e200) * mp.mpf(1e-190))**2 / mp.mpf(1e-10), 1e-15)


def networks():
    yield from [row("linear_error", case, linear_error(*case), 1e-12) for case in (
            (0.99999, 0.0, 50), (0.99999, 1e-3 / 50**0.5, 50), (0.99999, 1e-3, 50), (0.9, 0.1, 100), (0.1, 0.1, 100),
            (0.0, 0.1, 100), (-0.5, 0.1, 100), (-0.99999, 1e-3, 50), (1e-8, 5.0, 100), (1 - 1e-14, 1e-8, 50),
            (0.7, 3.0, 100),
            (0.9999, 0.01, 100), (0.5, 1e-200, 3))]
    yield from [row("linear_error", (1.0, 0.1, 2), 0, 0), row("linear_error", (-1.0, 0.1, 2), 1, 0)]
    yield from [row("memorising_error", (rho,), mp.mpf(rho) / 2, 1e-16) for rho in (1e-12, 0.1, 0.75, 1 - 2.0**-53)]
    yield from [row("effective_samples", (n, p, q), [(1 - mp.mpf(q)) * n, mp.mpf(p) * n], 4e-16)
                for n, p, q in ((100, 0.25, 0.25), (1, 0.0, 1.0), (10**9, 1e-9, 0.3), (7, 0.3, 0.7))]
    yield from [row("odd_part", (w, u), [mp.fsum(mp.mpf(u[j]) * mp.mpf(w[j][i]) for j in range(len(u))) / 2
                                                for i in range(len(w[0]))], 1e-15)
                for w, u in (([[1.0, 0.0], [0.0, 2.0]], [1.0, -1.0]), ([[1e80, 3.0], [0.1, -0.7], [0.2, 0.3]],
                                                                       [0.5, 1.0, -2.0]))]
    yield from [row("least_dimension", (kappa, q), (4 / (mp.mpf(kappa)**6 * mp.mpf(q)**3))**16, 1e-13)
                for kappa, q in ((0.5, 0.5), (0.999, 0.999), (0.05, 0.9), (0.9, 1e-4))]


def theorems():
    """Conditions of visibility, powers of d and κ under Assumption 3.3, and the outputs of the memorising net."""
    name = "visibility"
    for dim, r, v, decay, lr, small, mean, square in ((200, 0.02, 750**0.5, 7.5e-4, 0.025, 1e-6, 0.75, 7 / 12),
                                                      (2, 1e-4, 1.0, 1e-8, 0.5, 0.5, 0.5, 1 / 3)):
        r_, v_, decay_, ratio = mp.mpf(r), mp.mpf(v), mp.mpf(decay), mp.mpf(lr) / mp.mpf(small)
        values = {"speed": (v_**2 * r_ * dim, 1e-14), "decay": (mp.mpf("2.25") * dim * decay_, 1e-14),
                  "stability": (mp.mpf(lr) * v_**2 * mp.mpf(square) / 16, 1e-14),
                  "curvature": (v_**2 * mp.mpf(mean) * integral(r, 40) / decay_ / 8, 1.1 * r),
                  "residence": (mp.log(1 + r_**2 * ratio) * v_**2 * mp.mpf(mean) * r_ / (64 * mp.pi * decay_), 1e-14)}
        options = {"mean_alpha": mean, "mean_square_alpha": square}
        yield from [row(name, [dim, r, v, decay, lr, small], value, rtol, **options) | {"attribute": attribute}
                    for attribute, (value, rtol) in values.items()]
    powers = {"annealing time (4.1)": (1, 0), "signal norm squared (4.1)": (1, 0), "curvature bound (4.2)": (-0.25, 0),
              "curvature law": (-1, 0), "memorising time (4.3)": (0.75, 0), "1 / (r d)": (-0.25, 0),
              "signal change squared (4.3)": (0.75, 0), "signal of M2 (5.2)": (15 / 32, 0),
              "fitting time of P-only examples (5.1)": (1, 0), "norm of alpha (5.3)": (0.5, 0),
              "error of L-S (3.4)": (0, 3), "error of S (3.5)": (0, 2), "ratio of errors": (0, 1),
              "stated condition, lambda / r^2": (0.25, 0), "d lambda": (-0.25, 0), "lambda / r": (-0.5, 0)}
    yield from [row("asymptotic_exponents", [], list(value), 1e-15) | {"entry": key} for key, value in powers.items()]
    for r, offset, homogeneous in ((0.5, 0.25, False), (1e-4, 0.5, True), (2.0**-20, 1e-9, False)):
        points, rho = [[1.0, -r], [1.0, 0.0], [1.0, r], [0.5, 0.5 * r]], mp.mpf(offset)
        outputs = [rho * (x if homogeneous else 1) - mp.fsum(max(sign * 2 * mp.mpf(y) / r - x, 0) for sign in (-1, 1))
                   for x, y in points]
        yield (row("memorising_network", [r, offset], outputs, 4e-16, homogeneous=homogeneous)
               | {"attribute": "predict", "with": [points]})


if __name__ == "__main__":
    mp.mp.dps = 80
    write("learning_order", [*noise(), *decoupling(), *kernels(), *curvature(), *networks(), *theorems()])
