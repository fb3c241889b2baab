"""Write convex_annealing.json: ``python -m tests.reference.make_convex_annealing``."""

from fractions import Fraction
from math import comb

import mpmath as mp

from tests.reference._brute_force import matrix
from tests.reference._table import exact, rows_of, write

mp.mp.dps = 80
row = rows_of("theory.convex_annealing")
SLIDES = [[4 / 3, 0.0], [0.0, 2 / 3]]
IDENTITY = [[1.0, 0.0], [0.0, 1.0]]
SKEW, OTHER, START = [[3.0, 1.0], [1.0, 2.0]], [[1.0, -0.5], [-0.5, 4.0]], [1.0, -2.0]


def form(hessian, r):
    """½ rᵀHr."""
    n = len(r)
    return mp.fsum(mp.mpf(hessian[i][j]) * r[i] * r[j] for i in range(n) for j in range(n)) / 2


def basis(hessian, start):
    """Eigenvalues, eigenvectors as lists and the start's coefficients."""
    values, vectors = mp.eigsy(matrix(hessian))
    columns = [[vectors[i, j] for i in range(len(start))] for j in range(len(start))]
    return list(values), columns, [mp.fsum(a * mp.mpf(b) for a, b in zip(column, start)) for column in columns]


def paths():
    yield from [row("sample_hessian", [[2, 1]], [[mp.mpf(4) / 3, 0], [0, mp.mpf(2) / 3]], 1e-15),
                row("sample_hessian", [[1, 0, 6]], [[mp.mpf(2) / 7, 0, 0], [0, 0, 0], [0, 0, mp.mpf(12) / 7]], 1e-15),
                row("population_hessian", [3], [[mp.mpf(2) / 3 if i == j else 0 for j in range(3)] for i in range(3)],
                    1e-15)]
    for hessian, r in ((SKEW, START), (SLIDES, [1e-80, 1e-70]), (SLIDES, [1e80, 1e70]), (OTHER, [0.0, 3.0]),
                       ([[1e300, 0.0], [0.0, 1e290]], [1e-200, -1e-200]), ([[1e-300]], [1e200]), ([[0.0]], [1e308])):
        yield row("quadratic_loss", [hessian, r], form(hessian, [mp.mpf(x) for x in r]), 1e-14)
    for hessian, lr in ((SLIDES, [1.3] * 6 + [0.1] * 4), (SLIDES, [1e-9] * 5), (SKEW, [0.4, 0.1, 0.5])):
        r, path = [mp.mpf(x) for x in START], [[mp.mpf(x) for x in START]]
        for rate in lr:
            gradient = [mp.fsum(mp.mpf(h) * x for h, x in zip(one, r)) for one in hessian]
            r = [x - mp.mpf(rate) * g for x, g in zip(r, gradient)]
            path.append(r)
        yield row("gradient_descent", [hessian, START, lr], path, 1e-13)
    for hessian, times in ((SLIDES, [0.0, 1e-12, 3.0, 100.0]), (SKEW, [0.5, 4.0])):
        values, columns, coefficients = basis(hessian, START)
        flow = [[mp.fsum(c * mp.exp(-value * mp.mpf(time)) * column[i]
                         for value, column, c in zip(values, columns, coefficients)) for i in range(2)]
                for time in times]
        yield row("gradient_flow", [hessian, START, times], flow, 1e-13)


def stops():
    """Steps and losses of descent by bisection over its number of steps, of the flow by bisection over its time."""
    for hessian, test, lr, target in (
            (SLIDES, IDENTITY, 1e-9, 1e-3), (SLIDES, IDENTITY, 1e-5, 1e-3), (SLIDES, IDENTITY, 0.1, 1e-2),
            (SLIDES, IDENTITY, 1.4999, 1e-8), (SKEW, OTHER, 0.3, 1e-6), (SKEW, OTHER, 1e-7, 1e-6),
            (SLIDES, IDENTITY, None, 1e-2), (SKEW, OTHER, None, 1e-12), (SLIDES, IDENTITY, 1e-12, 1e-3)):
        values, columns, coefficients = basis(hessian, START)

        def shrunk(amount):
            factors = [mp.exp(-value * amount) if lr is None else mp.power(1 - mp.mpf(lr) * value, int(amount))
                       for value in values]
            return [mp.fsum(c * factor * column[i] for c, factor, column in zip(coefficients, factors, columns))
                    for i in range(2)]

        low, high = mp.mpf(0), mp.mpf(1)
        while form(hessian, shrunk(high)) > mp.mpf(target):
            high *= 2
        for _ in range(200):
            middle = (low + high) / 2 if lr is None else mp.floor((low + high) / 2)
            low, high = (middle, high) if form(hessian, shrunk(middle)) > mp.mpf(target) else (low, middle)
            if lr is not None and high - low <= 1:
                break
        r = shrunk(high)
        loss, risk = form(hessian, r), form(test, r)
        digits = 1e-14 if hessian is SLIDES else 1e-13
        for attribute, value, rtol in (("steps", high if lr else 0, 0.0), ("time", 0 if lr else high, digits),
                                       ("train_loss", loss, 1e-12), ("loss_ratio", risk / loss, 1e-12),
                                       ("target_ratio", risk / mp.mpf(target), 1e-12)):
            options = {} if lr is None else {"lr": lr}
            yield (row("stopping_point", [hessian, test, START, target], value, rtol, **options)
                   | {"attribute": attribute})
        if lr is not None:
            yield row("steps_to_loss", [hessian, START, lr, target], high, 0.0)
    steep, near = [[1e300, 0.0], [0.0, 1e299]], [1e-200, 2e-200]      # L = 7e-101, and H r² with r² below all floats
    after = form(steep, [mp.mpf(r) * (1 - mp.mpf(1e-300) * mp.mpf(h[j])) for j, (r, h) in enumerate(zip(near, steep))])
    for attribute in ("train_loss", "test_loss"):
        yield row("stopping_point", [steep, steep, near, 2e-101], after, 1e-13, lr=1e-300) | {"attribute": attribute}


def slides():
    cases = [(2 / 3, 1 / 3, target) for target in (0.9999999, 0.1, 1e-3, 1e-12, 1e-300)]
    cases += [(1e-80, 1e80, 1.0), (1e80, 1e-80, 1e-3), (0.0, 1.0, 0.5), (1.0, 0.0, 0.5), (1e-150, 1e-150, 1e-170)]
    cases += [(0.5, 0.25, 0.75 * (1 - share)) for share in (1e-12, 1e-6, 1e-2)]
    for sharp, flat, target in cases:
        a, b, e = mp.mpf(sharp), mp.mpf(flat), mp.mpf(target)
        root = mp.sqrt(b * b + 4 * a * e)
        yield row("flow_loss_ratio", [sharp, flat, target], mp.mpf(3) / 4 * (1 + 2 * b / (b + root)), 2e-15)
        yield row("flow_stop_time", [sharp, flat, target], -mp.mpf(3) / 4 * mp.log(2 * e / (b + root)),
                  1e-14 if target != 0.9999999 else 1e-8)
    for lr, steps, target in ((1.3, 2, 1e-8), (1.4999999, 50, 1e-3), (0.75 + 1e-9, 3, 1e-4), (1e-9, 10**9, 1e-3),
                              (1.0, 0, 0.5), (0.75, 1, 1e-3), (1e-3, 5000, 2e-4)):
        a, b = (mp.mpf(loss) * (1 - mp.mpf(lr) * n / 3) ** (2 * steps) for loss, n in ((2 / 3, 4), (1 / 3, 2)))
        promise = 1e-14 * (1 + steps * float(abs(mp.log(abs(1 - 4 * mp.mpf(lr) / 3)))) if lr != 0.75 else 1)
        share = 2 * b / (b + mp.sqrt(b * b + 4 * a * mp.mpf(target)))
        yield row("annealed_loss_ratio", [2 / 3, 1 / 3, target, lr, steps], mp.mpf(3) / 4 * (1 + share), promise)
        if b <= a and 2 * b * b / a > 1e-300:
            yield row("reversal_target", [2 / 3, 1 / 3, lr, steps], 2 * b * b / a, 3 * promise)
    yield row("reversal_target", [0.6, 0.3], 2 * mp.mpf(0.3) ** 2 / mp.mpf(0.6), 2e-15)


def limits():
    for hessian, test in ((SLIDES, IDENTITY), (SKEW, OTHER), ([[1e-8, 0.0], [0.0, 1.0]], OTHER)):
        values, columns, _ = basis(hessian, START)
        yield row("limit_ratios", [hessian, test], [2 * form(test, columns[k]) / values[k] for k in (0, 1)], 1e-13)
        yield row("crossover_lr", [hessian], 2 / (values[0] + values[1]), 2e-15)
        inverse = mp.inverse(mp.cholesky(matrix(hessian)))
        bounds = mp.eigsy(inverse * matrix(test) * inverse.T, eigvals_only=True)
        yield row("ratio_bounds", [hessian, test], list(bounds), 1e-13 * float(values[1] / values[0]))
    far = [[3e-200, 0.0], [0.0, 1e-200]], [[7e50, 1e50], [1e50, 5e50]]
    yield row("limit_ratios", far, [mp.mpf(far[1][k][k]) / mp.mpf(far[0][k][k]) for k in (1, 0)], 1e-14,
              start=[1e-200, 3e-200])
    three = [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]]
    yield row("limit_ratios", [three, three], [1, 1], 1e-14, start=[0.0, 1.0, 1.0])
    yield row("crossover_lr", [three], mp.mpf(2) / 5, 1e-15, start=[0.0, 1.0, 1.0])
    for n in (2, 3, 10, 101, 1000):
        benefit = sum(Fraction(comb(n, c) * min(c, n - c), (2**n - 2) * max(c, n - c)) for c in range(1, n))
        yield row("mean_benefit", [n], exact(benefit), 1e-14)


def samples():
    for counts, size, replacement in (([2, 1], 1, False), ([2, 1], 2, False), ([2, 1], 3, False), ([2, 1], 2, True),
                                      ([1, 5, 3], 4, False)):
        n = sum(counts)
        p = Fraction(1, size) if replacement else Fraction(n - size, size * (n - 1))
        h = [Fraction(2 * c, n) for c in counts]
        for lr in (1e-9, 0.25, 1.0, 1.25):
            rate = Fraction(lr)
            growth = [(1 - rate * a) ** 2 + rate**2 * p * a * (2 - a) for a in h]
            yield row("mean_square_multipliers", [counts, lr, size], [exact(q) for q in growth], 1e-14,
                      replacement=replacement)
        for name, together in (("mean_square_lr", max(h)), ("mean_square_crossover", max(h) + min(h))):
            yield row(name, [counts, size], exact(2 / (2 * p + (1 - p) * together)), 1e-15, replacement=replacement)
    for size, lr, target in ((1, 0.2, 1e-3), (1, 0.45, 1e-8), (2, 0.3, 1e-4), (2, 1.25, 1e-6), (3, 0.1, 1e-3)):
        mean, square = law(size, lr, target)
        for attribute, value in (("mean", mean), ("std", mp.sqrt(square - mean**2))):
            if attribute == "mean" or size < 3:
                yield (row("sgd_stopping_law", [2 / 3, 1 / 3, target, size], value, 1e-9, lr=lr)
                       | {"attribute": attribute})


def law(size, lr, target):
    """Mean of P/L and of its square at the stop, by the chances of all counts of batches of the first kind."""
    kinds = {1: ((2, (2, 0)), (1, (0, 2))), 2: ((1, (2, 0)), (2, (1, 1))),
             3: ((3, (mp.mpf(4) / 3, mp.mpf(2) / 3)), (0, (0, 0)))}[size]
    factors = [[(1 - mp.mpf(lr) * curvature) ** 2 for curvature in kind] for _, kind in kinds]
    going, step, mean, square = {0: mp.mpf(1)}, 0, mp.mpf(0), mp.mpf(0)
    while going and sum(going.values()) > mp.mpf(10) ** -18:
        step, grown = step + 1, {}
        for firsts, chance in going.items():
            for (weight, _), more in zip(kinds, (1, 0)):
                if weight:
                    grown[firsts + more] = grown.get(firsts + more, 0) + chance * weight / 3
        going = {}
        for firsts, chance in grown.items():
            sharp, flat = (mp.mpf(loss) * factors[0][j] ** firsts * factors[1][j] ** (step - firsts)
                           for j, loss in enumerate((2 / 3, 1 / 3)))
            if sharp + flat <= mp.mpf(target):
                ratio = mp.mpf(3) / 4 * (1 + flat / (sharp + flat))
                mean, square = mean + chance * ratio, square + chance * ratio**2
            else:
                going[firsts] = chance
    return mean, square


if __name__ == "__main__":
    write("convex_annealing", [*paths(), *stops(), *slides(), *limits(), *samples()])
