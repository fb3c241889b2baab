"""Write one_dimension.json: ``python -m tests.reference.make_one_dimension``.

Moments, exponents and limits of |1 − ηh_B| over every batch, and the toy's exit times, in 60 digits.
"""

from itertools import combinations, product

import mpmath as mp

from tests.reference._table import rows_of, write

row = rows_of("theory.linear_stability")
CASES = (([0.2, 3.8], 1, False), ([1.0, 1.0, 1.0], 2, False), ([0.0, 1.0, 3.0, 3.5], 2, True),
         ([1e-80, 3e-80], 1, False), ([1e80, 2.5e80, 4e80], 2, False), ([1.0, 1.0 + 2.0**-30, 2.0], 1, False),
         ([2e-151, 3.8e-150, 7e-151], 1, False), ([2e149, 3.8e150, 7e149], 2, True))


def means(curvatures, size, replacement):
    draw = product(curvatures, repeat=size) if replacement else combinations(curvatures, size)
    return [mp.fsum(mp.mpf(one) for one in batch) / size for batch in draw]


def average(values):
    values = list(values)
    return mp.fsum(values) / len(values)


def exponent(h, lr):
    return average(mp.log(abs(1 - mp.mpf(lr) * one)) for one in h)


def almost_sure(h):
    """The first zero of the exponent: bisection between 2E[h]/E[h²] and the first change of sign on a fine grid."""
    low = 2 * average(h) / average(one**2 for one in h)
    if all(one == h[0] for one in h):
        return low
    high = low
    while exponent(h, high) < 0:
        low, high = high, high * (1 + mp.mpf(10)**-4)
    for _ in range(170):
        middle = (low + high) / 2
        low, high = (middle, high) if exponent(h, middle) < 0 else (low, middle)
    return high


def of_multiplier(curvatures, lr, size, orders, **options):
    """Λ and moments of |1 − ηh|, to what rounding ηh and its logarithm costs a batch, by its share of the moment."""
    pairs = [(mp.mpf(lr) * one, abs(1 - mp.mpf(lr) * one)) for one in means(curvatures, size, **options)]
    costs = [abs(mp.log(left)) + rate / left if left else mp.inf for rate, left in pairs]
    value = average(mp.log(left) if left else -mp.inf for _, left in pairs)
    if mp.isfinite(value):
        yield row("lyapunov_exponent", [curvatures, lr, size], value, float(1e-15 * average(costs) / abs(value)),
                  **options)
    for order in orders:
        shares = [left**mp.mpf(order) for _, left in pairs]
        cost = mp.fsum(share * cost for share, cost in zip(shares, costs) if share) / mp.fsum(shares)
        yield row("absolute_moment", [curvatures, lr, size, order], average(shares), float(1e-15 * (4 + order * cost)),
                  **options)


def escape(h, lr):
    logs = [mp.log(abs(1 - mp.mpf(lr) * one)) for one in h]

    def excess(power):
        return average(mp.expm1(power * one) for one in logs) / power

    low, high = mp.mpf(10)**-30 / max(logs), 1 / max(logs)
    while excess(high) < 0:
        high *= 2
    for _ in range(250):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return high


def moments():
    for curvatures, size, replacement in CASES:
        h, options = means(curvatures, size, replacement), {"replacement": replacement}
        limit = almost_sure(h)
        edge = 2 * average(h) / average(one**2 for one in h)
        yield row("almost_sure_lr", [curvatures, size], limit, 1e-13, **options)
        for share in (1e-9, 0.3, 1 - 2.0**-40, 2.0):
            lr = float(edge * share)
            yield from of_multiplier(curvatures, lr, size, (0.0, 1.0, 2.0, 7.5), **options)
        for share in (0.5, 1e-6):                       # between both limits, and just below the almost sure one
            lr = float(limit - (limit - edge) * share)
            logs = [mp.log(abs(1 - mp.mpf(lr) * one)) for one in h]
            if limit == edge or max(logs) <= 0:
                continue
            spread = 1 + average(abs(one) for one in logs)
            promise = 1e-14 * (1 + spread / abs(average(logs)) + spread / max(logs))
            yield row("escape_exponent", [curvatures, lr, size], escape(h, lr), float(promise), **options)


EDGES = (([0.2, 3.8], 1e-17, 1, 1e17), ([0.2, 3.8], 1e-9, 2, 3.0), ([0.2, 3.8], 2 / 3.8 * (1 + 1e-13), 1, 1e13),
         ([1e-80, 3e-80, 7e-80], 4e79, 2, 5.0), ([1e80, 3e80], 3e-81, 1, 0.5), ([0.0, 2.0, 2.0], 0.5 + 1e-9, 1, 0.1),
         ([1.0, 5.0, 6.0, 6.0], 1e60, 3, 2.0), ([0.0, 1.0], 1.0, 1, 1e-300), ([1e100, 3e100], 1.0, 1, 3.0))


def edges():
    """Multipliers next to 0 and 1 at orders up to 1e17, and far beyond 1.

    Exponents from 2e-12 to 5e12, next to the almost-sure limit and to the first batch that grows.
    """
    for curvatures, lr, size, order in EDGES:
        for replacement in (False, True):
            yield from of_multiplier(curvatures, lr, size, [order], replacement=replacement)
    three = [0.2, 3.8, 0.7]
    limit = almost_sure([mp.mpf(one) for one in three])
    for share in (1e-3, 1e-8, 1e-12):
        for lr in (float(limit * (1 - mp.mpf(share))), 2 / 3.8 * (1 + share)):
            left = [abs(1 - mp.mpf(lr) * mp.mpf(one)) for one in three]
            logs = [mp.log(one) for one in left]
            spread = 1 + average(abs(log) + max(1, one) / one for log, one in zip(logs, left))
            promise = 1e-15 * (1 + spread / abs(average(logs)) + spread / max(logs))
            yield row("escape_exponent", [three, lr, 1], escape([mp.mpf(one) for one in three], lr), float(promise))


def toy():
    limits = (1, 1, 1), (1, 4 / (mp.mpf("7.24")), (4 - mp.sqrt(mp.mpf("9.92"))) / mp.mpf("1.52"))
    for place, values in enumerate(limits):
        for attribute, value in zip(("gd_lr", "mean_square_lr", "almost_sure_lr"), values):
            yield row("two_minima", [], value, 4e-16) | {"entry": place, "attribute": attribute}
    width = 1 / (1 + mp.sqrt(mp.mpf("1.9")))
    for distance, lr in ((0.4, 0.7), (1e-9, 0.7), (-1e-80, 0.99), (1e-3, 0.5595)):
        growth = exponent([mp.mpf(0.2), mp.mpf(3.8)], lr)
        cost = average(abs(mp.log(abs(1 - mp.mpf(lr) * mp.mpf(one)))) for one in (0.2, 3.8)) + 3
        yield row("mean_exit_time", [distance, lr], mp.log(width / abs(mp.mpf(distance))) / growth,
                  float(2e-15 * (1 + cost / growth)))
    for distance, lr, steps in ((0.4, 0.7, 12), (-0.05, 0.6, 14), (2.6, 0.99, 6), (1e-3, 0.1, 5), (0.4, 0.5, 10)):
        yield row("exit_time", [distance, lr, steps], survival(distance, lr, steps), 1e-15 * steps)


def survival(distance, lr, steps):
    """Every sequence of the two functions, followed until f₂ is left."""
    root = mp.sqrt(mp.mpf("1.9"))
    left, right = root / (root + 1) - 1, root / (root - 1) - 1
    alive, result = [mp.mpf(distance)], [mp.mpf(1)]
    for t in range(1, steps + 1):
        alive = [(1 - mp.mpf(lr) * h) * x for x in alive for h in (mp.mpf("0.2"), mp.mpf("3.8"))]
        alive = [x for x in alive if left < x < right]
        result.append(mp.mpf(len(alive)) / 2**t)
    return result


def paths():
    """Log losses along given batches, whole matrices in 60 digits; the second path is over 1e300 in size."""
    factors, batches = [[1.0, 0.5], [0.0, 2.0], [1.0, -1.0]], [[0, 1], [2, 2], [1, 2], [0, 0], [1, 1]]
    for lr, start, repeats in ((0.75, [1.0, -1.0], 1), (300.0, [1e80, 1e-80], 40), (1e-9, [1e-150, 0.0], 1)):
        indices, x, logs = batches * repeats, [mp.mpf(one) for one in start], []
        for batch in [None, *indices]:
            if batch is not None:
                pulls = [[mp.fsum(mp.mpf(g) * y for g, y in zip(factors[i], x)), factors[i]] for i in batch]
                x = [y - mp.mpf(lr) * mp.fsum(q * mp.mpf(g[j]) for q, g in pulls) / len(batch) for j, y in enumerate(x)]
            loss = mp.fsum(mp.fsum(mp.mpf(g) * y for g, y in zip(one, x))**2 for one in factors) / 6
            logs.append(mp.log(loss))
        yield row("path_log_loss", [{"factors": factors}, lr, indices, start], logs, 1e-13) | {"of": "largest entry"}


if __name__ == "__main__":
    mp.mp.dps = 60
    write("one_dimension", [*moments(), *edges(), *toy(), *paths()])
