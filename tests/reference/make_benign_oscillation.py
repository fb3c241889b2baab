"""Write benign_oscillation.json: ``python -m tests.reference.make_benign_oscillation``."""

import mpmath as mp

from tests.reference._table import rows_of, write

mp.mp.dps = 80
row = rows_of("theory.benign_oscillation")
EXACT = 4e-15
LIMIT = mp.mpf(3) / 2 * mp.sqrt(3) - 1
ALTERNATING = (1.0, 1 + 2.0**-52, 1 + 1e-15, 1.001, 1.1, 1.2, 1.2360)
CHAOTIC = (1.3, 1.5, 1.598, 1.5980762)
# rates of periodic windows beyond √5 − 1, with the period
CYCLES = ((1.24, 4), (1.295, 8), (1.3345, 6), (1.373, 7), (1.394, 5), (1.455, 3), (1.462, 6), (1.5065, 10), (1.548, 4),
          (1.566, 6))
SIGNS = (1, 1, -1, -1)


def strong(f, c):
    return f * (1 + c * (1 - f)) ** 2


def four(state, c, kappa):
    e = 1 - sum(s * a for s, a in zip(SIGNS, state))
    return [a * max(1 + s * c * k * e, 0) ** 2 for a, s, k in zip(state, SIGNS, (1, kappa, 1, kappa))]


def relative(absolute, value):
    """The relative error that an absolute one allows."""
    return absolute / max(abs(float(value)), 1e-300)


def orbits():
    for c in (*ALTERNATING, *CHAOTIC):
        s = mp.mpf(c)
        root = mp.sqrt((1 + s) ** 2 - 4)
        yield row("period_two_orbit", [c], [((1 + s) - root) / (2 * s), ((1 + s) + root) / (2 * s)], EXACT)
        multiplier = 9 - 2 * (1 + s) ** 2
        yield row("orbit_multiplier", [c], multiplier, relative(1e-14, multiplier))
        largest = 4 * (1 + s) ** 3 / (27 * s)
        yield row("attractor_bounds", [c], [strong(largest, s), largest], 1e-14)
    yield from [row("fixed_point_multiplier", [c], 1 - 2 * mp.mpf(c), EXACT) for c in (1e-300, 0.3, 1.0, 1.59, 1e10)]
    yield from [row("reduced_map", [f, c], strong(mp.mpf(f), mp.mpf(c)), 1e-14)
                for f, c in ((0.0, 1.0), (0.0, 1e308), (1e-300, 1.5), (0.5, 1.0), (1.25, 1.3), (1.5, 1.9))]
    yield from [row("feature_map", [state, c, kappa], four([mp.mpf(a) for a in state], mp.mpf(c), mp.mpf(kappa)), 1e-13)
                for state, c, kappa in (([0.5, 0.25, 0.0, 0.0], 1.0, 0.5), ([1e-12, 1e-14, 1e-12, 1e-14], 1.5, 0.01),
                                        ([0.25, 0.125, 0.0625, 0.5], 1.25, 0.01), ([3.0, 0.5, 0.0, 0.0], 1.5, 0.25))]
    yield from [row("effective_rate", [lr, norm, width], 4 * mp.mpf(lr) * mp.mpf(norm) ** 2 / width, 1e-15)
                for lr, norm, width in ((4.0, 1.0, 16), (0.3, 0.7, 3), (1e300, 1e-160, 8), (1e-300, 1e160, 8),
                                        (1e200, 1e60, 2**62))]


def averages():
    for c in ALTERNATING:
        s = mp.mpf(c)
        exponent = mp.log(abs(9 - 2 * (1 + s) ** 2)) / 2
        yield from [row("mean_residual", [c], (s - 1) / (2 * s), EXACT),
                    row("mean_square_residual", [c], (s * s - 1) / (2 * s * s), EXACT)]
        if exponent:
            yield row("lyapunov_exponent", [c], exponent, 1e-14 if c < 1.01 else relative(1e-14, exponent))
    for c in (1e-10, 0.3, 0.9, 1 - 1e-12):
        exponent = mp.log(abs(1 - 2 * mp.mpf(c)))
        yield from [row("mean_residual", [c], 0, 0.0), row("mean_square_residual", [c], 0, 0.0),
                    row("lyapunov_exponent", [c], exponent,
                        1e-14 if min(c, 1 - c) < 0.1 else relative(1e-14, exponent))]
    for c, period in CYCLES:
        s = mp.mpf(c)
        f = (1 + s) / (3 * s)
        for _ in range(400 * period):
            f = strong(f, s)
        cycle = [f]
        for _ in range(period):
            cycle.append(strong(cycle[-1], s))
        assert abs(cycle.pop() - f) < mp.mpf(10) ** -25, c
        mean, square = (sum(values) / period for values in zip(*((1 - f, (1 - f) ** 2) for f in cycle)))
        exponent = sum(mp.log(abs((1 + s * (1 - f)) * (1 + s - 3 * s * f))) for f in cycle) / period
        yield from [row("mean_residual", [c], mean, relative(3e-3, mean)),
                    row("mean_square_residual", [c], square, relative(3e-3, square)),
                    row("lyapunov_exponent", [c], exponent, relative(1e-2, exponent))]


def sums():
    for kappa in (1e-9, 0.01, 0.5, 1 - 1e-9):
        for x in (1e-300, -1e-12, 1e-3, 0.0999, 0.1001, 3.0, -0.999, 1e10):
            if kappa * x * x > 1e-290:
                exact = 2 * (mp.log1p(mp.mpf(kappa) * mp.mpf(x)) - mp.mpf(kappa) * mp.log1p(mp.mpf(x)))
                yield row("weak_excess", [x, kappa], exact, 1e-12)
    yield from [row("update_balance", [a, b, c], (mp.mpf(b) - mp.mpf(a)) / mp.mpf(c), 1e-15)
                for a, b, c in ((0.5, 1.5, 1.25), (1.0, 1 + 2.0**-52, 3.0), (1e-80, 1e80, 0.7), (-1e308, 1.5e308, 8.0))]
    for c, square, least, largest in ((1.2, 0.152778, -0.298548, 0.465215), (1.5, 1e-80, -0.5, 0.9),
                                      (1.0, 0.0, 0.0, 0.0), (1e200, 0.5, 0.0, 1e-10)):
        bounds = [mp.mpf(c) * mp.mpf(square) / (2 * (1 + mp.mpf(c) * mp.mpf(edge)) ** 2) for edge in (largest, least)]
        yield row("accumulation_bounds", [c, square, least, largest], bounds, 1e-14)


def weak():
    for c, kappa in ((1.0, 0.01), (1 + 1e-15, 0.01), (1.3, 0.01), (1.5, 0.5), (100.0, 0.01), (0.5, 0.9)):
        s, k = mp.mpf(c), mp.mpf(kappa)
        yield row("stable_weak_strength", [c, kappa], max(s - 1, 0) / (s * (1 - k)), 1e-15)
        for beta in (0.0, 0.2331, 1.0):
            exact = 1 - 2 * s * (1 - (1 - k) * mp.mpf(beta))
            yield row("interpolation_multiplier", [c, kappa, beta], exact, relative(1e-15 * (1 + 2 * c), exact))
    for c in (1.0, 1 + 1e-12, 1.2, 1.236):
        for kappa in (1e-12, 0.01, 0.1, 0.9):
            growth = mp.log1p(mp.mpf(kappa) * (1 - mp.mpf(kappa)) * (mp.mpf(c) - 1))
            yield row("weak_growth_rate", [c, kappa], growth, 1e-14)
            if growth:
                yield row("weak_drift", [c, kappa], growth, kappa / 5 if kappa <= 0.1 else kappa)
    for alpha, beta, kappa in ((1e-4, 1e-4, 0.01), (1e-300, 1e-300, 0.5), (0.9, 0.05, 0.999), (1e-6, 0.5, 0.01),
                               (5.0, 1e-9, 0.1),
                               (1e-2, 1e-12, 1e-9)):
        yield row("small_rate_limit", [alpha, beta, kappa], flow_end(alpha, beta, kappa), 1e-13)


def flow_end(alpha, beta, kappa):
    """The root of log β − κ log(1 − β), which rises with β, by halving."""
    offset = mp.log(mp.mpf(beta)) - mp.mpf(kappa) * mp.log(mp.mpf(alpha))
    low, high = min(offset - 1, mp.mpf(-1)) - 1, mp.mpf(0)
    for _ in range(300):
        middle = (low + high) / 2
        rest = -mp.expm1(middle)
        low, high = (low, middle) if middle - mp.mpf(kappa) * mp.log(rest) > offset else (middle, high)
    return mp.exp(low)


def runs():
    """Approximations against the map itself, run from small starts; the promise is the bound of the docstring."""
    with mp.workdps(30):
        for c, kappa in ((1.05, 0.2), (1.1, 0.1), (1.2, 0.1), (1.35, 0.2), (1.5, 0.1), (1.5, 0.05), (1.597, 0.2)):
            s, k = mp.mpf(c), mp.mpf(kappa)
            state = [mp.mpf("0.01"), (s - 1) / (s * (1 - k)) / 1000, mp.mpf(0), mp.mpf(0)]
            for _ in range(200_000):
                state = four(state, s, k)
                if abs(1 - state[0] - state[1]) < 1e-9:
                    break
            yield row("weak_limit", [c, kappa], state[1], kappa**2 * (c - 1) / 5)
        for c, kappa in ((1.05, 0.1), (1.2, 0.03), (1.2, 0.2), (1.236, 0.1), (1.3, 0.1)):
            s, k = mp.mpf(c), mp.mpf(kappa)
            state, half, steps = [mp.mpf(1e-4), mp.mpf(1e-6), mp.mpf(0), mp.mpf(0)], (s - 1) / (s * (1 - k)) / 2, 0
            while state[1] < half:
                state, steps = four(state, s, k), steps + 1
            yield row("weak_half_time", [c, kappa, 1e-4, 1e-6], steps, kappa / 2)
            yield row("data_half_time", [c, kappa, 1e-4, 1e-6, 8], mp.mpf(steps) / 8, kappa / 2)


def sets():
    yield from [row("full_batch_onset", [n, strong_ones], mp.mpf(n) / strong_ones, 1e-15)
                for n, strong_ones in ((16, 8), (3, 3), (10**6, 7))]
    yield from [row("accuracy_without_weak", [share], 1 - mp.mpf(share) / 2, 1e-15) for share in (1e-18, 0.125, 1.0)]
    for noise, weak_square, count, strong_square in ((0.08, 0.01, 8, None), (0.08, 0.01, 8, 1.0),
                                                     (1 - 1e-12, 0.01, 8, 1.0), (1e307, 1e307, 2**40, None),
                                                     (1e-80, 1e-82, 3, 1e-79)):
        power = mp.mpf(noise) / (count * mp.mpf(weak_square))
        if strong_square is not None:
            power *= (1 - mp.mpf(noise) / mp.mpf(strong_square)) / (1 - mp.mpf(weak_square) / mp.mpf(strong_square))
        yield row("memorisation_exponent", [noise, weak_square, count, strong_square], power, 1e-14)


if __name__ == "__main__":
    write("benign_oscillation", [*orbits(), *averages(), *sums(), *weak(), *runs(), *sets()])
