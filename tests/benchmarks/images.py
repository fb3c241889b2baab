"""The training step of the convolutional network: momentum, weight decay, float32, batches given."""

from functools import partial

import numpy as np

from refimpl.images import ConvNet, synthetic_images, train
from tests.benchmarks._case import Case, Scaling
from tests.benchmarks._measure import load

N, LR, MOMENTUM, DECAY = 2000, 0.02, 0.9, 2e-3


def _set(net, batch, steps):
    """Images, labels, start and batches (steps, B), the same for every contender."""
    rng = np.random.default_rng(0)
    x, y, _ = synthetic_images(N, size=net.height, rng=rng)
    w0 = net.init(rng).astype(np.float32)
    return x.astype(np.float32), y, w0, rng.integers(0, N, (steps, batch))


def steps_of(net, batch, steps):
    """{contender: function that returns the last parameters}.

    The other frameworks do their own convolution; the data set is moved into
    their memory before the clock starts, as ours is cut into blocks within it.
    """
    x, y, w0, indices = _set(net, batch, steps)

    def ours():
        return train(net, w0, x, y, lr=LR, epochs=1, momentum=MOMENTUM, weight_decay=DECAY, indices=indices[None],
                     record_every=None).w

    found = {"ours": ours}
    for name, make in (("torch", _torch), ("torch, blocks cut beforehand", _torch_blocks), ("jax", _jax)):
        module = load(name.split(",")[0])
        if module is not None:
            found[name] = make(module, net, x, y, w0, indices)
    return found


def _torch(torch, net, x, y, w0, indices, beforehand=False):
    torch.set_num_threads(1)
    functional = torch.nn.functional
    images = torch.from_numpy(net.blocks(x) if beforehand else x)
    labels, batches = torch.from_numpy(y), torch.from_numpy(indices)
    filters, head, bias = (torch.from_numpy(part.copy()) for part in net.split(w0))
    side = net.size

    def scores(parts, batch):
        if beforehand:
            hidden = torch.relu(batch @ parts[0]).reshape(len(batch), -1)
        else:
            kernel = parts[0].T.reshape(net.filters, net.channels, side, side)
            hidden = functional.conv2d(batch, kernel, stride=net.stride or side)
            hidden = torch.relu(hidden).permute(0, 2, 3, 1).reshape(len(batch), -1)
        return torch.addmm(parts[2], hidden, parts[1])

    def run():
        parts = [part.clone().requires_grad_() for part in (filters, head, bias)]
        optimiser = torch.optim.SGD(parts, lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
        for batch in batches:
            optimiser.zero_grad()
            functional.cross_entropy(scores(parts, images[batch]), labels[batch]).backward()
            optimiser.step()
        return np.concatenate([part.detach().numpy().ravel() for part in parts])

    return run


_torch_blocks = partial(_torch, beforehand=True)


def _jax(jax, net, x, y, w0, indices):
    jnp = jax.numpy
    table, labels, start, batches = (jnp.asarray(part) for part in (net.blocks(x), y, w0, indices))
    places = net.split(np.arange(w0.size, dtype=float))     # a tracer is no array that `split` would take
    cuts = [(int(part.flat[0]), part.shape) for part in places]

    def loss(w, rows, their):
        filters, head, bias = (w[first:first + np.prod(shape)].reshape(shape) for first, shape in cuts)
        scores = jnp.maximum(rows @ filters, 0).reshape(len(their), -1) @ head + bias
        return -jnp.take_along_axis(jax.nn.log_softmax(scores), their[:, None], axis=1).mean()

    def step(state, batch):
        w, velocity = state
        velocity = MOMENTUM * velocity + jax.grad(loss)(w, table[batch], labels[batch]) + jnp.float32(DECAY) * w
        return (w - jnp.float32(LR) * velocity, velocity), None

    whole = jax.jit(lambda w, indices: jax.lax.scan(step, (w, jnp.zeros_like(w)), indices)[0][0])
    return lambda: np.asarray(whole(start, batches).block_until_ready())


def training():
    """A step at the size of the study, and around it."""
    for filters, batch, steps in ((256, 64, 60), (64, 64, 120), (1024, 64, 20), (256, 512, 10)):
        net = ConvNet(filters=filters)
        rows = batch * net.block_count
        flops = steps * (4 * rows * net.inputs * filters + 6 * batch * net.features * net.classes)
        # The machine's rate is that of float64 products; float32 ones take half the time: half is counted.
        yield Case(f"{filters} filters, B = {batch}", "step", steps, partial(steps_of, net, batch, steps),
                   flops=flops / 2, rtol=1e-3, note="ours cuts the images into blocks within the time")


def scale():
    """Cost against filters."""

    def run(filters):
        net = ConvNet(filters=filters)
        x, y, w0, indices = _set(net, 64, 30)
        return lambda: train(net, w0, x, y, lr=LR, epochs=1, momentum=MOMENTUM, indices=indices[None],
                             record_every=None).w

    yield Scaling("filters (30 steps, B = 64)", "filters", (64, 256, 1024), run)


BENCHMARKS = {"images": training, "images-scale": scale}
