"""Write images.json: ``python -m tests.reference.make_images``. Formulas as in the docstrings, in fractions or 60
digits."""

from fractions import Fraction

import mpmath as mp

from tests.reference._table import exact, rows_of, write

row = rows_of("theory.images")
SIZES = ({"inputs": 147, "filters": 256, "blocks": 9, "classes": 10, "share": 0.8},
         {"inputs": 1, "filters": 1, "blocks": 1, "classes": 2, "share": 1.0},
         {"inputs": 10**6, "filters": 3, "blocks": 7, "classes": 1000, "share": 1e-6})


def shares():
    for a, p in ((0.8, 0.2), (0.0, 0.0), (1.0, 1.0), (0.3, 0.7), (1e-12, 0.5)):
        alone = Fraction(a) * Fraction(p)
        yield from [row("augmentation_shares", (a, p), [exact(1 - Fraction(a)), exact(alone),
                                                               exact(Fraction(a) - alone)], 4e-16),
                    row("picture_shares", (a, p), [exact(1 - Fraction(a)), exact(1 - alone)], 4e-16)]
    for parts, weights in (((0.8, 0.1, 0.75), (0.2, 0.16, 0.64)), ((1.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
                           ((1e-9, 0.5, 1.0), (0.5, 0.5, 0.0))):
        value = sum(Fraction(w) * Fraction(part) for w, part in zip(weights, parts))
        yield row("mixed_accuracy", (*parts, list(weights)), exact(value), 4e-16)
    yield from [row("linear_patch_limit", (c,), exact(Fraction(c + 1, 2 * c)), 1e-16) for c in (2, 4, 10, 10**6)]
    yield from [row("distinct_patches", (c, k), mp.mpf(2 * c * k), 0) for c, k in ((2, 1), (10, 3), (10**6, 10**6))]


def curvature(scale, sizes):
    s = mp.mpf(scale)
    return mp.mpf(sizes["share"]) / sizes["classes"] * (1 + s**2 / 2 * (sizes["filters"] + mp.mpf(sizes["inputs"])
                                                                        / sizes["blocks"]))


def limits():
    for sizes in SIZES:
        yield from [row("initial_patch_curvature", (s,), curvature(s, sizes), 2e-15, **sizes)
                    for s in (0.0, 1e-9, 2.2, 1e80)]
        for lr, mu, decay in ((0.2, 0.9, 0.0), (1e-3, 0.0, 2e-3), (0.019, 0.5, 0.01), (1e-30, 0.9, 0.0)):
            bracket = sizes["classes"] / mp.mpf(sizes["share"]) * (2 * (1 + mp.mpf(mu)) / mp.mpf(lr)
                                                                   - mp.mpf(decay)) - 1
            scale = mp.sqrt(2 * bracket / (sizes["filters"] + mp.mpf(sizes["inputs"]) / sizes["blocks"]))
            promise = float(4e-15 * (1 + 2 / (sizes["filters"] * scale**2)))
            yield row("critical_patch_scale", (lr,), scale, promise, **sizes, momentum=mu, weight_decay=decay)
    for k, mu, decay in ((4.0, 0.0, 0.0), (52.8, 0.9, 2e-3), (1e-80, 0.5, 0.0), (1e80, 1 - 2.0**-53, 1.0)):
        yield row("momentum_limit", (k, mu, decay), 2 * (1 + mp.mpf(mu)) / (mp.mpf(k) + mp.mpf(decay)), 1e-15)


def along_the_patch(base, filters, head, share):
    """(q/C) λmax(Π K Π) as it is written, by mpmath's eigenvalues."""
    d, m, classes = len(base), len(filters[0]), len(head[0])
    h = [max(mp.fsum(mp.mpf(base[i]) * mp.mpf(filters[i][j]) for i in range(d)), 0) for j in range(m)]
    square = mp.fsum(mp.mpf(value)**2 for value in base)
    k = mp.matrix(classes)
    for a in range(classes):
        for b in range(classes):
            k[a, b] = square * mp.fsum(mp.mpf(head[j][a]) * mp.mpf(head[j][b]) for j in range(m) if h[j] > 0)
            if a == b:
                k[a, b] += 1 + mp.fsum(value**2 for value in h)
    centre = mp.eye(classes) - mp.ones(classes) / classes
    return mp.mpf(share) / classes * max(mp.eigsy(centre * k * centre, eigvals_only=True))


def noises(active, head, std, form):
    classes = len(head[0][0])
    vectors = [[mp.mpf(active[k][j]) * mp.mpf(head[k][j][c]) for c in range(classes)] for k in range(len(head))
               for j in range(len(head[0]))]
    if form == "shared":
        m = len(head[0])
        vectors = [[mp.fsum(vectors[k * m + j][c] for j in range(m)) for c in range(classes)] for k in range(len(head))]
    return [[mp.mpf(std)**2 * mp.fsum(v[a] * v[b] for v in vectors) for b in range(classes)] for a in range(classes)]


def matrices():
    cases = (([3.0], [[1.0, -1.0]], [[0.0, 0.0], [1.0, -1.0]], 1.0),
             ([1.5, -0.25], [[1.0, 0.5, -2.0], [0.75, -1.0, 0.1]], [[0.3, -0.2, 0.7], [1.1, 0.4, -0.6],
                                                                    [5.0, 5.0, 5.0]], 0.8),
             ([1e-40, 0.0], [[1.0, 1.0], [0.0, 2.0]], [[1.0, 2.0], [1e40, -1e40]], 0.25),
             ([-1.0], [[1.0, 2.0]], [[1.0, -1.0], [3.0, 4.0]], 0.5),
             ([3e160, 0.0], [[-1.0], [0.0]], [[1.0, 2.0]], 1.0),
             ([2e-170], [[1e170]], [[1e165, 5e169]], 0.5),
             ([1e60], [[1e-20, 1e-20]], [[1e-3, 1.0, 2.0], [2.0, 1e-3, 1e3]], 1.0))
    yield from [row("patch_curvature", case, along_the_patch(*case), 1e-14 * len(case[2][0])) for case in cases]
    head = [[[1.0, 3.0], [0.5, -0.25]], [[-2.0, 1e-3], [4.0, 0.125]]]
    for active in ([[1.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]):
        yield from [row("noise_covariance", (active, head, std, form), noises(active, head, std, form), 1e-14)
                    for std in (0.0, 0.5, 1e-30) for form in ("shared", "independent")]
    far = [[1.0]], [[[1e150, 3e150]]], 1e-200, "shared"
    yield row("noise_covariance", far, noises(*far), 1e-14)


if __name__ == "__main__":
    mp.mp.dps = 60
    write("images", [*shares(), *limits(), *matrices()])
