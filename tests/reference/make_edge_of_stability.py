"""Write edge_of_stability.json: ``python -m tests.reference.make_edge_of_stability``. Exact maps in 80 digits."""

from itertools import product

import mpmath as mp

from tests.reference._table import rows_of, write

mp.mp.dps = 80
row = rows_of("theory.edge_of_stability")


def step(f, kernel, lr, width):
    square = lr * f**2 / width
    return f * (1 - lr * kernel + lr * square), kernel + square * (lr * kernel - 4)


def rows():
    for f, kernel, lr, width in (
        (0.5, 3.0, 1.0, 4),
        (1e-80, 2.5e80, 1e-80, 9),
        (1.0, 1.0, 3.5, 4),
        (-0.3, 2.0, 0.5, 1),
        (1e307, 1.5e308, 1e-308, 10**4),
    ):
        args = [mp.mpf(value) for value in (f, kernel, lr, width)]
        yield row("catapult_step", [f, kernel, lr, width], list(step(*args)), 1e-14)
        yield row("flow_kernel", [f, kernel, width], mp.sqrt(args[1] ** 2 - 4 * args[0] ** 2 / width), 2e-15)
    for f, kernel, lr, width in ((1e-3, 2.5, 1.0, 1), (1.45, 3.0, 1.0, 1), (1e-8, 2.1, 1.0, 1), (0.4, 1.0, 1.5, 7),
                                 (1e-6, 3.5, 1.0, 1), (1e-200, 2.5, 1.0, 1)):
        state = mp.mpf(f), mp.mpf(kernel)
        while abs(state[0]) > mp.mpf(10) ** -40 or lr * state[1] > 2:
            state = step(*state, mp.mpf(lr), width)
        yield row("final_kernel", [f, kernel, lr, width], state[1], 1e-12)


def held():
    """The oscillation that holds the edge, and the flow along it, from their vectors written out."""
    for gradient, third, top in (
        ([0.0, -0.5], [3.0, 4.0], [1.0, 0.0]),
        ([0.25, -0.5, 2.0], [0.3, 4.0, -1.0], [0.6, 0.0, 0.8]),
        ([1e-80, -3e-80, 1e-90], [1e-40, 2e-40, 5e-40], [0.0, 0.0, 1.0]),
        ([1e80, -3e80, 2e80], [1.0, 2.0**-20, 0.0], [1.0, 0.0, 0.0]),
        ([-1e308, -1.1e308, -1e308], [1e308, 1.5e308, 0.0], [0.0, 0.0, 1.0]),
        ([1e-310, -3e-310], [1e-310, 2e-300], [1.0, 0.0]),
    ):
        g, bend, v = (mp.matrix(part) for part in (gradient, third, top))
        v = v / mp.norm(v)
        across = bend - v * (v.T * bend)[0]
        along = (across.T * g)[0] / (across.T * across)[0]
        yield row("stabilised_amplitude", [gradient, third, top], mp.sqrt(-2 * along), 1e-13)
        yield row("constrained_velocity", [gradient, third, top], list(v * (v.T * g)[0] + across * along - g), 1e-13)


def oscillations():
    """The coefficient and the amplitude from H, T and F written out, with H⁻¹ by elimination and v by Jacobi."""
    one = [[2.0]], [[[3.0]]], [[[[6.0]]]]
    two = ([[2.0, 0.5], [0.5, 1.0]], [[[1.0, 0.5], [0.5, -0.25]], [[0.5, -0.25], [-0.25, 2.0]]],
           [[[[1.0, 0.25], [0.25, 0.5]], [[0.25, 0.5], [0.5, 0.125]]],
            [[[0.25, 0.5], [0.5, 0.125]], [[0.5, 0.125], [0.125, -1.0]]]])
    steep = [[2e80]], [[[3e120]]], [[[[6e160]]]]
    flat = [[1.0, 0.0], [0.0, 1e-6]], two[1], two[2]
    for hessian, third, fourth in (one, two, steep, flat):
        values, vectors = mp.eigsy(mp.matrix(hessian))
        d, top, v = len(hessian), values[len(hessian) - 1], vectors[:, len(hessian) - 1]
        every = [range(d)] * 2
        bend = mp.matrix([mp.fsum(mp.mpf(third[i][j][k]) * v[j] * v[k] for j, k in product(*every)) for i in range(d)])
        quartic = mp.fsum(mp.mpf(fourth[i][j][k][m]) * v[i] * v[j] * v[k] * v[m]
                          for i, j, k, m in product(*every, *every))
        answer = 3 * (bend.T * mp.lu_solve(mp.matrix(hessian), bend))[0]
        promise = float(mp.mpf(10)**-13 * (answer + abs(quartic)) / abs(answer - quartic))
        args = [hessian, {"third": third}, {"fourth": fourth}]
        yield row("oscillation_coefficient", args, answer - quartic, promise)
        for delta in (1e-3, 2.0**-30):
            lr = float(2 / top * (1 + mp.mpf(delta)))
            above = top - 2 / mp.mpf(lr)
            yield row("oscillation_amplitude", [*args, lr], mp.sqrt(6 * above / (answer - quartic)),
                      promise + 1e-15 / delta)
        yield row("oscillation_amplitude", [*args, float(1 / top)], 0, 0)


if __name__ == "__main__":
    write("edge_of_stability", [*rows(), *held(), *oscillations()])
