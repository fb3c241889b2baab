"""Write edge_of_stability.json: ``python -m tests.reference.make_edge_of_stability``. Exact maps in 80 digits."""

import mpmath as mp

from tests.reference._table import row, write

mp.mp.dps = 80
NAME = "theory.edge_of_stability."


def step(f, kernel, lr, width):
    square = lr * f**2 / width
    return f * (1 - lr * kernel + lr * square), kernel + square * (lr * kernel - 4)


def rows():
    for f, kernel, lr, width in (
        (0.5, 3.0, 1.0, 4),
        (1e-80, 2.5e80, 1e-80, 9),
        (1.0, 1.0, 3.5, 4),
        (-0.3, 2.0, 0.5, 1),
    ):
        args = [mp.mpf(value) for value in (f, kernel, lr, width)]
        yield row(NAME + "catapult_step", [f, kernel, lr, width], list(step(*args)), 1e-14)
        flow = mp.sqrt(args[1] ** 2 - 4 * args[0] ** 2 / width)
        yield row(NAME + "flow_kernel", [f, kernel, width], flow, 2e-15)
    for f, kernel, lr, width in ((1e-3, 2.5, 1.0, 1), (1.45, 3.0, 1.0, 1), (1e-8, 2.1, 1.0, 1), (0.4, 1.0, 1.5, 7),
                                 (1e-6, 3.5, 1.0, 1)):
        state = mp.mpf(f), mp.mpf(kernel)
        while abs(state[0]) > mp.mpf(10) ** -40:
            state = step(*state, mp.mpf(lr), width)
        yield row(NAME + "final_kernel", [f, kernel, lr, width], state[1], 1e-12)


if __name__ == "__main__":
    write("edge_of_stability", list(rows()))
