"""The kit on PyTorch and JAX, where they are installed: their derivatives against ours by hand."""

import numpy as np
import pytest

from refimpl.testing import cases, check_model

pytestmark = [pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("DeprecationWarning", "FutureWarning")]


def torch_mlp(widths, activation, loss_kind):
    """The fully connected net in PyTorch; only the forward pass is written out."""
    torch = pytest.importorskip("torch")
    act = {"tanh": torch.tanh, "relu": torch.relu, "identity": lambda z: z}[activation]

    def predict(w, x):
        first = 0
        for number, (a, b) in enumerate(zip(widths, widths[1:])):
            weight, bias = w[first:first + a * b].reshape(a, b), w[first + a * b:first + (a + 1) * b]
            x = (act(x) if number else x) @ weight + bias
            first += (a + 1) * b
        return x[:, 0] if widths[-1] == 1 else x

    def loss(w, x, y):
        if loss_kind == "cross-entropy":
            return torch.nn.functional.cross_entropy(predict(w, x), y)
        return ((predict(w, x) - y) ** 2).reshape(len(x), -1).sum(dim=1).mean() / 2

    return torch_functions(torch, predict, loss)


def torch_cnn(dim, width, activation):
    torch = pytest.importorskip("torch")
    act = {"relu2": lambda z: torch.relu(z) ** 2, "relu": torch.relu, "square": lambda z: z**2}[activation]

    def predict(w, x):
        both = act(torch.einsum("jrd,npd->njrp", w, x)).sum(dim=(2, 3)) / width
        return both[:, 0] - both[:, 1]

    return torch_functions(torch, predict, lambda w, x, y: ((predict(w, x) - y) ** 2).mean())


def torch_functions(torch, predict, loss):
    """Everything that the kit asks for, from a forward pass and a loss."""
    gradient = torch.func.grad(loss)

    def hvp(w, x, y, v):
        return torch.func.jvp(lambda w: gradient(w, x, y), (w,), (v,))[1]

    def sgd(w, x, y, *, lr, indices, noise=None, weight_decay=0.0, momentum=0.0, nesterov=False, dampening=0.0):
        w = w.clone().requires_grad_(True)
        path = [w.detach().clone()]
        optimizer = torch.optim.SGD(
            [w], lr=float(lr[0]), weight_decay=weight_decay, momentum=momentum, nesterov=nesterov, dampening=dampening
        )
        for t, batch in enumerate(indices):
            optimizer.param_groups[0]["lr"] = float(lr[t])
            optimizer.zero_grad()
            loss(w, x[batch], y[batch]).backward()
            if noise is not None:
                w.grad += noise[t]
            optimizer.step()
            path.append(w.detach().clone())
        return torch.stack(path)

    return {"predict": lambda w, x: predict(w.requires_grad_(True), x), "loss": loss, "gradient": gradient, "hvp": hvp,
            "losses": lambda w, x, y: [loss(w, x[i:i + 1], y[i:i + 1]) for i in range(len(x))], "sgd": sgd}


@pytest.mark.parametrize(("model", "candidate"), [("MLP", torch_mlp), ("TwoLayerCNN", torch_cnn)])
def test_pytorch(model, candidate):
    torch = pytest.importorskip("torch")
    functions = ("predict", "losses", "loss", "gradient", "hvp", "sgd")
    report = check_model(candidate, model, convert=torch.from_numpy, functions=functions)
    assert report.counts["passed"] == len(report.records) > 100


def test_pytorch_in_single_precision_is_told():
    torch = pytest.importorskip("torch")
    report = check_model(torch_mlp, "MLP", functions=("gradient",), on_fail=None,
                         convert=lambda array: torch.from_numpy(array).to(
                             torch.float32 if array.dtype.kind == "f" else torch.int64))
    assert "single precision" in report.causes["gradient"]


def jax_mlp(widths, activation, loss_kind):
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    act = {"tanh": jnp.tanh, "relu": jax.nn.relu, "identity": lambda z: z}[activation]

    def predict(w, x):
        first = 0
        for number, (a, b) in enumerate(zip(widths, widths[1:])):
            x = (act(x) if number else x) @ w[first:first + a * b].reshape(a, b) + w[first + a * b:first + (a + 1) * b]
            first += (a + 1) * b
        return x[:, 0] if widths[-1] == 1 else x

    def loss(w, x, y):
        outputs = predict(w, x)
        if loss_kind == "cross-entropy":
            return -jnp.take_along_axis(jax.nn.log_softmax(outputs), y[:, None], axis=1).mean()
        return jnp.square(outputs - y).reshape(len(x), -1).sum(axis=1).mean() / 2

    gradient = jax.grad(loss)
    return {"predict": predict, "loss": loss, "gradient": gradient,
            "hvp": lambda w, x, y, v: jax.jvp(lambda w: gradient(w, x, y), (w,), (v,))[1]}


def test_jax():
    """Some of the cases: JAX compiles every operation again for every shape."""
    jax = pytest.importorskip("jax")
    some = [case for case in cases("MLP") if case.name.split("/")[1] in (
        "n1-1-1", "n3-3-3-2", "tie", "cross-entropy-n4-3-4-3", "huge-margin")]
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        report = check_model(jax_mlp, "MLP", cases=some, convert=jax.numpy.asarray,
                             functions=("predict", "loss", "gradient", "hvp"))
    finally:
        jax.config.update("jax_enable_x64", before)
    assert report.counts["passed"] == len(report.records) == 20


def test_dlpack_alone_is_enough():
    """An array that only speaks DLPack."""
    class Exported:
        def __init__(self, array):
            self.array = np.asarray(array)

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

        def __array__(self, *given, **options):
            raise TypeError("not this way")

    report = check_model({"predict": lambda w, x: Exported(x @ w)}, "LinearRegression", functions=("predict",))
    assert report.counts["passed"] == len(report.records)
