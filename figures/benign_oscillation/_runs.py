"""Runs of benign oscillation that its figures and tests share: orbits, one example, data sets."""

from dataclasses import replace

import numpy as np

from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as predicted

KAPPA = 0.01
SMALL = np.array([1e-4, 1e-6, 5e-5, 5e-7])   # α, β, α⁻, β⁻
SIGNS = np.array([1.0, 1.0, -1.0, -1.0])
ONSET, DOUBLING, LIMIT = predicted.OSCILLATION_ONSET, predicted.PERIOD_DOUBLING, predicted.SIGN_STABILITY_LIMIT
N, DIM = 16, 64                              # examples and dimensions of the data sets


def outputs(c, begin, skip, steps):
    """Simulated outputs of the strong feature after `skip` steps, (steps + 1, *S); c and starts broadcast to S."""
    state = np.zeros((*np.broadcast_shapes(np.shape(c), np.shape(begin)), 4))
    state[..., 0] = begin
    last = simulated.descend_reduced(state, c, KAPPA, skip, record_every=max(skip, 1))[-1]
    return simulated.descend_reduced(last, c, KAPPA, steps)[..., 0]


def gaussian(model, rng, size):
    """Filters as the study draws them."""
    return model.init_std * rng.standard_normal((*size, *model.parameter_shape))


def balanced(model, rng, size=()):
    """Gaussian filters whose signs along u = e₁ alternate and along v = e₂ alternate in pairs.

    With fair signs a class would be left without a filter once in 2^m, and
    that is another story.
    """
    w = gaussian(model, rng, size)
    filters = np.arange(model.width)
    w[..., 0] = np.abs(w[..., 0]) * (1 - 2 * (filters % 2))
    w[..., 1] = np.abs(w[..., 1]) * (1 - 2 * (filters // 2 % 2))
    return w


def network(c, rng, *, dim=20, width=8):
    """A run of the network on one example until all is learned: (path of four strengths, outputs, training)."""
    model = simulated.TwoLayerCNN(dim, width)
    data = simulated.two_patches(np.eye(dim)[0], 0.1 * np.eye(dim)[1])
    w0 = balanced(model, rng)
    if c > 1:
        alpha, beta = (simulated.strengths(w0 @ feature)[0][0] for feature in (data.strong_vector, data.weak_vector))
        steps = int(2.3 * predicted.weak_half_time(c, KAPPA, alpha, beta))
    else:
        steps = int(40 / c)
    run = simulated.train(model, data, w0, lr=c * width / 4, steps=steps, record_every=1)
    parts = [simulated.strengths(values) for values in (run.strong, run.weak)]
    four = np.stack([parts[0][0][..., 0], parts[1][0][..., 0], parts[0][1][..., 0], parts[1][1][..., 0]], axis=-1)
    return four, 1 - run.residuals[:, 0], run


def iterate(state, c, steps):
    """The theory's map, step by step."""
    path = [state]
    for _ in range(steps):
        path.append(predicted.feature_map(path[-1], c, KAPPA))
    return np.array(path)


def noise_std(ratio):
    """σ_p for |ξ|² = ratio·|v|², on average."""
    return np.sqrt(ratio * KAPPA / (DIM - 2))


def sets(ratio, n_weak, seeds, width, rng, start=gaussian):
    """(model, data, starts) of independent seeds: |u| = 1, |v| = 0.1, σ₀ = 0.01, alternating labels."""
    model = simulated.TwoLayerCNN(DIM, width)
    data = simulated.sample(N, dim=DIM, noise_std=noise_std(ratio), n_weak=n_weak, size=(seeds,), rng=rng)
    return model, data, start(model, rng, (seeds,))


def unseen(ratio, count, rng, share=1.0):
    """A test set of which this share, on average, has the weak feature alone."""
    return simulated.sample(count, dim=DIM, noise_std=noise_std(ratio), weak_share=share, labels="random", rng=rng)


def strong_and_weak(ratio, count, rng):
    """Two such sets: all strong, all weak."""
    return [unseen(ratio, count, rng, share) for share in (0.0, 1.0)]


def epochs_to(c, n_c=8):
    """Epochs by which the oscillation at c has long ended, from small filters; 600 at small rates."""
    return 600 if c <= 1 else int(3.0 * predicted.data_half_time(c, KAPPA, 5e-5, 5e-7, n_c))


def orthogonal(examples, square, rng):
    """The examples with their noise patches replaced by orthogonal ones of length² `square`."""
    x = examples.x.copy()
    basis = np.linalg.qr(rng.standard_normal((len(x), DIM - 2, N)))[0]
    x[:, :, 2] = 0
    x[:, :, 2, 2:] = basis.swapaxes(1, 2) * np.sqrt(square)
    return replace(examples, x=x)
