"""Write linear_stability.json: ``python -m tests.reference.make_linear_stability`` (some minutes).

Second moments by enumeration of every batch in 50 digits, nothing of the project and no formula of its docstrings
but for eq. 4: limits are where E[M ⊗ M] has the eigenvalue 1, rates its radius.
"""

from fractions import Fraction

import mpmath as mp

from tests.reference import _brute_force as brute
from tests.reference._table import rows_of, write

row = rows_of("theory.linear_stability")
TOY = [[[0.2]], [[3.8]]]
TWIN = [[[2.0]], [[2.0]], [[2.0]]]
PLAIN = [[0.0, 3.0], [2.0, -2.0], [3.0, 0.0]]
PARALLEL = [[1.0, 0.0], [1.0, 2.0**-20], [1.0, -(2.0**-20)]]
TINY = [[2.0, 1e-7], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
HEAVY = [[1e-4, 1.0], [1.0, 1e-4], [1e3, 2e3]]
TWO_OUTPUTS = [[[1.0, 0.5], [0.0, 2.0]], [[1.0, -1.0], [0.25, 0.25]], [[0.0, 0.0], [0.0, 0.0]]]
REPEATED = [[1.0, 1.0], [1.0, 1.0], [1.0, -2.0], [0.0, 0.0]]
SINGULAR = [[3.0, 6.0], [1.0, 2.0], [-2.0, -4.0]]           # H has rank one
FACTORS = (PLAIN, PARALLEL, TINY, HEAVY, TWO_OUTPUTS, REPEATED)


def given(factors):
    return {"factors": factors}


def dense(factors):
    """H_i as floats, exact for small whole numbers."""
    return [[[float(value) for value in line] for line in one.tolist()] for one in brute.squares(factors)]


def ranged(factors):
    """The H_i on range(H): those of SINGULAR are multiples of one matrix."""
    if factors is not SINGULAR:
        return brute.squares(factors)
    return [brute.matrix([[5 * mp.mpf(line[0])**2]]) for line in factors]


def sampling():
    for n, size in ((1, 1), (5, 2), (7, 7), (7, 1), (10**9, 3), (2, 1)):
        yield row("sampling_factor", [n, size], brute.noise_factor(n, size, False) if n > 1 else 0, 4e-16)
        yield row("sampling_factor", [n, size], mp.mpf(1) / size, 4e-16, replacement=True)


def eq4(hessians, lr, size, replacement=False):
    whole = brute.mean(hessians)
    left = mp.eye(whole.rows) - mp.mpf(lr) * whole
    return left * left + mp.mpf(lr)**2 * brute.noise_factor(len(hessians), size, replacement) * brute.variance(hessians)


def largest(symmetric):
    return max(mp.eigsy(symmetric, eigvals_only=True))


def curvatures():
    for factors in (*FACTORS, SINGULAR):
        hessians, mine = brute.squares(factors), given(factors)
        size = max(abs(value) for value in brute.mean(hessians))
        yield row("sharpness", [mine], largest(brute.mean(hessians)), 1e-14)
        yield row("non_uniformity", [mine], mp.sqrt(largest(brute.variance(hessians))), 1e-13)
        for lr, batch in ((float(1 / size), 1), (float(3 / size), 2)):
            whole = eq4(hessians, lr, batch)
            yield row("stability_matrix", [mine, lr, batch], whole.tolist(), 1e-13) | {"of": "largest entry"}
            yield row("lambda_max", [mine, lr, batch], largest(whole), 1e-13)
    for scale in (1e-80, 1e80):
        yield row("sharpness", [[[[scale]], [[3 * scale]]]], (mp.mpf(scale) + mp.mpf(3 * scale)) / 2, 1e-14)
        yield row("non_uniformity", [[[[scale]], [[3 * scale]]]], (mp.mpf(3 * scale) - mp.mpf(scale)) / 2, 1e-13)
    for near in (1e-9, 1e-15):
        stack = [[[1.0 + near]], [[1.0 - near]]]
        exact = [mp.mpf(1.0 + near), mp.mpf(1.0 - near)]
        yield row("non_uniformity", [stack], (exact[0] - exact[1]) / 2, 1e-13)
    yield row("non_uniformity", [TWIN], 0, 0)
    for lr in (1e-300, 0.7, 1e80):
        yield row("sharpness_limit", [lr], 2 / mp.mpf(lr), 4e-16)
        for n, size, replacement in ((5, 2, False), (200, 4, True), (10**6, 1, False)):
            p = brute.noise_factor(n, size, replacement)
            yield row("non_uniformity_limit", [lr, n, size], 1 / (mp.mpf(lr) * mp.sqrt(p)), 1e-15,
                      replacement=replacement)
            for a in (1e-9 / lr, 1 / lr, 1.9999999 / lr):
                side = mp.mpf(lr) * mp.mpf(a)
                yield row("mean_square_non_uniformity", [a, lr, n, size],
                          mp.sqrt(side * (2 - side) / p) / mp.mpf(lr), float(mp.mpf(2e-15) / min(1, 2 - side)),
                          replacement=replacement)


STEPS = ({}, {"momentum": 0.5}, {"momentum": -0.75}, {"momentum": 0.96875, "weight_decay": 0.125},
         {"momentum": 0.5, "dampening": 0.75}, {"momentum": 0.5, "nesterov": True},
         {"momentum": -0.5, "nesterov": True}, {"weight_decay": 2.0}, {"replacement": True})


def full_batch(momentum=0.0, nesterov=False, dampening=0.0, **_):
    """η a at which z² − (…)z + … of the noiseless mode has a root of size 1: at z = −1, or |z| = 1 by its product."""
    mu = mp.mpf(momentum)
    if nesterov:
        return 2 * (1 + mu) / (1 + 2 * mu) if mu >= -mp.mpf(1) / 3 else 1 + 1 / abs(mu)
    return 2 * (1 + mu) / (1 - mp.mpf(dampening))


def limits():
    for factors in (*FACTORS, SINGULAR):
        hessians, mine, n = ranged(factors), given(factors), len(factors)
        for number, options in enumerate(STEPS):
            if (factors in (PARALLEL, TINY, HEAVY) and options.get("momentum")) or (number > 1 and n > 3):
                continue
            edge = exact_edge(factors, 1, options)
            yield row("critical_lr", [mine, 1], edge, 1e-9, **options)
            full = full_batch(**options) / brute.top(hessians, options.get("weight_decay", 0.0))
            yield row("critical_lr", [mine, 1, "gd"], full, 1e-13, **options)
            if not options.get("replacement"):
                yield row("critical_lr", [mine, n], full, 1e-9, **options)
            for share, verdict in ((1 - 1e-6, "stable"), (1 + 1e-6, "unstable")):
                options_ = dict(options)
                yield {**row("certify", [mine, float(edge * share), 1], 0, 0.0, **options_),
                       "attribute": "verdict", "value": verdict}
        for batch in (1, 2):
            yield row("critical_lr", [mine, batch, "sufficient"], sufficient(hessians, batch), 1e-9)
    for scale in (2.0**-270, 2.0**270):
        scaled = [[value * scale for value in line] for line in PLAIN]
        yield row("critical_lr", [given(scaled), 1], exact_edge(PLAIN, 1, {}) / mp.mpf(scale)**2, 1e-9)
    yield row("critical_lr", [TOY, 1], brute.limit([brute.matrix(one) for one in TOY], 1), 1e-9)
    yield row("critical_lr", [dense(PLAIN), 2], exact_edge(PLAIN, 2, {}), 1e-9)


def exact_edge(factors, batch, options):
    """By the generalised eigenvalue of C⁻¹D where slow modes hide the edge, checked by enumeration."""
    hessians = ranged(factors)
    if options.get("momentum") or options.get("weight_decay"):
        return brute.limit(hessians, batch, **options)
    whole, p = brute.mean(hessians), brute.noise_factor(len(hessians), batch, options.get("replacement", False))
    values, vectors = mp.eigsy(whole)
    d = whole.rows
    turned = [vectors.T * one * vectors for one in hessians]
    image = p * brute.mean([brute.kron(one, one) for one in turned])
    image += (1 - p) * brute.kron(mp.diag(list(values)), mp.diag(list(values)))
    for i in range(d * d):
        for j in range(d * d):
            image[i, j] /= (values[i // d] + values[i % d]) / 2
    found = 2 / brute.radius(image)
    assert abs(brute.rate(hessians, found, batch, **options) - 1) < mp.mpf(10)**-25
    return found


def sufficient(hessians, batch):
    """The largest η with (1 − ηH)² + η²pΣ ≤ 1."""
    root = brute.inverse_root(brute.mean(hessians))
    middle = brute.mean(hessians) ** 2 + brute.noise_factor(len(hessians), batch, False) * brute.variance(hessians)
    return 2 / largest(root * middle * root)


def impulse_product(a, b, lr, options):
    """Σ_t of the products of two modes' displacements after a unit of noise, from one linear system of 2 × 2 maps."""
    mu, nesterov = mp.mpf(options.get("momentum", 0.0)), options.get("nesterov", False)
    steps = [brute.step(mp.matrix([[value]]), lr, mu, nesterov, 0.0, 0.0) for value in (a, b)]
    push = lr * mp.matrix([-(1 + mu if nesterov else 1), 1])
    return mp.lu_solve(mp.eye(4) - brute.kron(*steps), brute.kron(push, push))[0]


def necessary():
    for factors in (PLAIN, TWO_OUTPUTS, HEAVY):
        hessians, mine = brute.squares(factors), given(factors)
        values, vectors = mp.eigsy(brute.mean(hessians))
        p = brute.noise_factor(len(hessians), 1, False)
        turned = [vectors.T * one * vectors for one in hessians]
        along = [brute.mean([one[i:i + 1, i:i + 1]**2 for one in turned])[0] - values[i]**2 for i in range(2)]
        trace = mp.fsum(brute.variance(hessians)[i, i] for i in range(2))
        for options in ({}, {"momentum": 0.5}, {"momentum": 0.5, "nesterov": True}):
            full = full_batch(**options) / values[1]
            each = [root([values[i]], p * along[i], full_batch(**options) / values[i], options) for i in range(2)]
            both = root(list(values), p * trace, full, options)
            yield row("necessary_lr", [mine, 1, "eigenvector"], min(*each, full), 1e-12, **options)
            yield row("necessary_lr", [mine, 1, "trace"], both, 1e-12, **options)
            yield row("necessary_lr", [mine, 1], min(*each, both), 1e-12, **options)


def root(modes, noise, full, options):
    """The η at which Σ 1/k_ii over the modes is the noise."""
    def excess(lr):
        return mp.fsum(1 / impulse_product(a, a, lr, options) for a in modes) - noise

    low, high = full * mp.mpf(10)**-12, full * (1 - mp.mpf(10)**-25)
    if excess(high) > 0:
        return full
    for _ in range(190):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def rates():
    for factors in (PLAIN, TWO_OUTPUTS, REPEATED, SINGULAR):
        hessians, mine = ranged(factors), given(factors)
        for options in STEPS[:1] if len(factors) > 3 else STEPS:
            lr = float(exact_edge(factors, 1, options))
            for share in (0.5, 1.25):
                exact = brute.rate(hessians, share * lr, 1, **options)
                yield row("mean_square_rate", [mine, share * lr, 1], exact, 1e-9, **options)
    for factors in (PARALLEL, TINY):
        lr = float(exact_edge(factors, 1, {}))
        yield row("mean_square_rate", [given(factors), 2 * lr, 1], brute.rate(ranged(factors), 2 * lr, 1), 1e-9)
    lr = 2.0 / 3 * (1 - 2.0**-40)                       # just below gd's limit; 1 − ηλ is rounded if it is formed first
    for whole in ([[[3.0]]], [[[3.0, 0.0], [0.0, 0.5]]]):
        yield row("mean_square_rate", [whole, lr, 1], (1 - mp.mpf(lr) * 3)**2, 1e-13)
    for factors, batch in ((PLAIN, 1), (TWO_OUTPUTS, 2)):
        hessians = brute.squares(factors)
        lr = float(exact_edge(factors, batch, {}) * 1.25)
        whole = brute.operator(hessians, lr, batch)
        value, vectors = mp.eig(whole)
        best = max(range(len(value)), key=lambda i: abs(value[i]))
        upper = [mp.re(vectors[i, best] / (vectors[0, best] + vectors[2, best])) for i in range(3)]
        weight = [upper[:2], upper[1:]]
        args = [given(factors), lr, batch]
        yield row("perron_weight", args, weight, 1e-7) | {"of": "largest entry", "entry": 1}
        yield row("perron_weight", args, abs(value[best]), 1e-9) | {"entry": 0}


def enclosures():
    """Rates next to the slowest mode's own, where 1 − 2ηa/(1 − μ) is 1 to rounding: between lower and upper."""
    graded, faint = [[1.0, 0.0], [1e-3, 1e-3], [1e-6, 1e-6]], [[1.0, 1e-10], [1.0, 0.0], [0.5, 0.0]]
    close = [[1.0, 1e-7], [1.0, -1e-7], [1.0, 2e-7]]
    for factors, lr, options in ((faint, 0.0084, {"momentum": 0.999}), (graded, 0.0021, {"momentum": 0.999}),
                                 (graded, 0.133, {"momentum": 0.99, "nesterov": True}),
                                 (close, 2.4, {"momentum": 0.9, "weight_decay": 0.1}),
                                 (close, 1.5, {"momentum": -0.9, "nesterov": True}),
                                 (PLAIN, 0.19, {"momentum": 0.99}),
                                 (PLAIN, 0.19, {"momentum": 0.99, "nesterov": True})):
        exact = brute.rate(brute.squares(factors), lr, 1, **options)
        for attribute, relation in (("lower", "<="), ("upper", ">=")):
            yield (row("mean_square_rate", [given(factors), lr, 1], exact, 0.0, full_output=True, **options)
                   | {"entry": 1, "attribute": attribute, "relation": relation})
        yield row("mean_square_rate", [given(factors), lr, 1], exact, 1e-9, **options)


def moments():
    start = [[1.0, 0.5], [0.5, 2.0]]
    for factors in (PLAIN, TWO_OUTPUTS):
        for lr, batch in ((2.0**-6, 1), (0.25, 2)):
            whole = brute.operator(brute.squares(factors), lr, batch)
            upper, path = brute.matrix([[start[i][j]] for i, j in brute.pairs(2)]), []
            for _ in range(4):
                path.append([[upper[i + j] for j in range(2)] for i in range(2)])
                upper = whole * upper
            yield row("second_moment", [given(factors), lr, batch, start, 3], path, 1e-14) | {"of": "largest entry"}
    gradients = [[1.0, -1.0], [0.5, 3.0], [-1.5, -2.0]]
    bent = [[[2.0, 1.0], [1.0, -0.5]], [[1.0, 0.0], [0.0, 3.0]], [[3.0, -1.0], [-1.0, 2.0]]]     # one is indefinite
    for stack, lr, batch, options in ((bent, 2.0**-4, 1, {}), (bent, 2.0**-4, 2, {"momentum": 0.5}),
                                      (bent, 2.0**-6, 1, {"momentum": -0.5, "weight_decay": 1.0}),
                                      (bent, 2.0**-20, 1, {"replacement": True}), (bent, 2.0**-4, 3, {})):
        hessians = [brute.matrix(one) for one in stack]
        found = brute.stationary(hessians, gradients, lr, batch, **options)
        yield (row("stationary_covariance", [stack, gradients, lr, batch], found, 1e-10, **options)
               | {"of": "largest entry"})
        floor = mp.fsum(brute.mean(hessians)[i, j] * found[i][j] for i in range(2) for j in range(2)) / 2
        yield row("loss_floor", [stack, gradients, lr, batch], floor, 1e-10, **options)
    for points, loss in (([[0.2], [3.8]], [1.0, 1.0]), ([[3.0, 4.0]], [1e-80]),
                         ([[1e80, 0.0], [0.0, 1e80]], [1.0, 0.0])):
        square = sum(Fraction(value)**2 for line in points for value in line)
        value = square / (2 * sum(Fraction(one) for one in loss))
        yield row("gradient_ratio", [points, loss], mp.mpf(value.numerator) / value.denominator, 1e-15)


def brackets():
    """The exact rate, between both sides of the bracket."""
    for factors in (PLAIN, TWO_OUTPUTS, REPEATED):
        for options in ({}, {"momentum": 0.5}):
            if factors is REPEATED and options:
                continue
            edge = exact_edge(factors, 1, options)
            for attribute, relation in (("safe", "<="), ("unstable", ">=")):
                yield (row("lr_bracket", [{"products": factors}, 1], edge, 0.0, **options, rng=0)
                       | {"attribute": attribute, "relation": relation})
            gd = full_batch(**options) / brute.top(brute.squares(factors))
            yield row("lr_bracket", [{"products": factors}, 1], gd, 1e-2, **options, rng=0) | {"attribute": "gd"}


def epochs():
    for factors, batch in ((PLAIN, 1), (PLAIN, 2), (TWO_OUTPUTS, 1), (REPEATED, 2), (REPEATED, 3)):
        for lr in (0.125, 0.75):
            yield row("epoch_mean_square_rate", [given(factors), lr, batch],
                      max(brute.epoch_rate(brute.squares(factors), lr, batch), 0), 1e-12)
    one = [[[0.2]], [[3.8]], [[1.0]], [[0.0]], [[2.5]]]
    hessians = [brute.matrix(h) for h in one]
    for batch in (1, 2, 3, 5):
        for lr in (1e-9, 0.5, 0.75):
            yield row("epoch_mean_square_rate", [one, lr, batch], brute.epoch_rate(hessians, lr, batch), 1e-12)


if __name__ == "__main__":
    mp.mp.dps = 50
    write("linear_stability", [*sampling(), *curvatures(), *limits(), *necessary(), *rates(), *enclosures(),
                               *moments(), *brackets(), *epochs()])
