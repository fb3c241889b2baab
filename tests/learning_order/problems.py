"""A problem small enough to be stepped by hand."""

from refimpl import learning_order as simulated


def tiny(rng, block=True, n=12, d=4):
    """A small problem with all kinds of examples: model, data, start."""
    data = simulated.sample(simulated.Distribution(d, 0.3, 0.3, 0.5), n, rng)
    model = simulated.TwoLayerReLU(d, 5, 8, 1.5, 2.5, 0.7, block)
    return model, data, model.init(rng)
