"""First-order passes against a complex step, exact fractions and decimals; shapes, replicas and refusals."""

from decimal import Decimal, localcontext
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chi2

from refimpl import images, network, sgd
from refimpl.linear_stability import LinearRegression
from tests import support
from tests.network.nets import NETS, complex_gradient, plain_loss, problem

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("WME18.fig1-growth")
@pytest.mark.parametrize("activation, loss, outputs", NETS)
def test_loss_and_gradient_equal_a_complex_step(rng, activation, loss, outputs):
    model, w, x, y = problem(rng, activation, loss, outputs)
    assert_allclose(model.loss(w, x, y), plain_loss(model, w, x, y), rtol=1e-13)
    exact = complex_gradient(model, w, x, y)
    assert_allclose(model.gradient(w, x, y), exact, rtol=1e-11, atol=1e-13)
    for wrong in (2 * exact, exact * len(x), -exact):
        assert not np.allclose(model.gradient(w, x, y), wrong, rtol=1e-3)


@pytest.mark.claim("WME18.fig1-growth")
@pytest.mark.parametrize("activation, loss, outputs", NETS)
def test_jacobian_and_gram_equal_a_complex_step(rng, activation, loss, outputs):
    model, w, x, y = problem(rng, activation, loss, outputs)
    jacobian = model.jacobian(w, x).reshape(len(x), outputs, -1)
    twin = network.MLP(model.widths, activation=activation)
    for i in range(len(x)):
        for j in range(outputs):
            # the derivative of ½‖f − y‖² at y = f − e_j is that of f_j
            label = twin.predict(w, x[i:i + 1]).reshape(1, outputs) - np.eye(outputs)[j]
            assert_allclose(jacobian[i, j], complex_gradient(twin, w, x[i:i + 1], label), rtol=1e-10, atol=1e-12)
    rows = jacobian.reshape(-1, len(w))
    assert_allclose(model.gram(w, x), rows @ rows.T, rtol=1e-12, atol=1e-13)


@pytest.mark.claim("WME18.fig1-growth")
def test_factors_of_the_cross_entropy_square_to_its_second_derivative(rng):
    model, w, x, y = problem(rng, "tanh", "cross-entropy", 3)
    outputs = model.predict(w, x)
    share = np.exp(outputs) / np.exp(outputs).sum(axis=-1, keepdims=True)
    second = share[:, :, None] * np.eye(3) - share[:, :, None] * share[:, None, :]
    jacobian, factors = model.jacobian(w, x), model.factors(w, x)
    expected = np.einsum("nka,nkl,nlb->nab", jacobian, second, jacobian)
    assert_allclose(factors.swapaxes(1, 2) @ factors, expected, atol=1e-13 * np.abs(expected).max())


@pytest.mark.claim("WME18.fig1-growth")
@pytest.mark.parametrize("gap", [40, 300])
@pytest.mark.parametrize("label", [0, 2])
def test_cross_entropy_keeps_its_digits_far_below_rounding(gap, label):
    """Loss, gradient, H v and factors in the outputs' offsets, in both models, against 400-digit decimals.

    log Σ e^f − f_y and p − 1 in doubles, which are 0 for the label with the largest score, are caught.
    """
    scores, v = np.array([0.25, -gap, 0.5 - gap]), np.array([0.5, -1.0, 2.0])
    with localcontext(prec=400):
        powers = [Decimal(value).exp() for value in scores.tolist()]
        share = [power / sum(powers) for power in powers]
        loss = float(-share[label].ln())
        slope = [float(p - (c == label)) for c, p in enumerate(share)]
        mean = sum(p * Decimal(u) for p, u in zip(share, v.tolist()))
        turned = [float(p * (Decimal(u) - mean)) for p, u in zip(share, v.tolist())]
    dense = network.MLP((1, 3), loss_kind="cross-entropy")
    image = images.ConvNet(channels=1, height=2, width=2, classes=3, size=2, filters=1)
    for model, x in ((dense, np.ones((1, 1))), (image, np.zeros((1, 1, 2, 2)))):
        w, direction = np.zeros((2, *model.parameter_shape))
        w[-3:], direction[-3:], y = scores, v, np.array([label])
        assert_allclose(model.loss(w, x, y), loss, rtol=1e-14)
        assert_allclose(model.gradient(w, x, y)[-3:], slope, rtol=1e-13)
        assert_allclose(model.hvp(w, x, y, direction)[-3:], turned, rtol=1e-13)
    factors = dense.factors(np.concatenate([np.zeros(3), scores]), np.ones((1, 1)))[0, :, -3:]
    assert_allclose(factors.T @ (factors @ v), turned, rtol=1e-12)
    if label == 0:
        assert np.log(np.exp(scores - 0.25).sum()) == 0 and slope[0] != 0


@pytest.mark.claim("WME18.fig1-growth")
@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.sampled_from(["tanh", "relu", "identity"]),
       st.sampled_from(["squared", "cross-entropy"]), st.integers(1, 4), st.lists(st.integers(1, 3), max_size=2),
       st.sampled_from([np.float32, np.float64]), support.seeds())
def test_shapes_types_and_replicas(widths, activation, loss, n, lead, dtype, seed):
    """Every method broadcasts over leading axes as a loop over replicas does, and keeps float32."""
    if loss == "cross-entropy":
        widths = [*widths[:-1], widths[-1] + 1]
    model = network.MLP(tuple(widths), activation=activation, loss_kind=loss)
    rng, k = np.random.default_rng(seed), widths[-1]
    size, tail = model.parameter_shape[0], () if k == 1 else (k,)
    assert size == sum((a + 1) * b for a, b in zip(widths, widths[1:])) == model.init(rng).size
    w, v = rng.standard_normal((2, *lead, size)).astype(dtype)
    x = rng.standard_normal((n, widths[0])).astype(dtype)
    y = rng.integers(k, size=n) if loss == "cross-entropy" else rng.standard_normal((n, *tail)).astype(dtype)
    shapes = {"predict": (n, *tail), "loss": (), "gradient": (size,), "hvp": (size,), "mean_square_hvp": (size,),
              "jacobian": (n, *tail, size), "gram": (n * k, n * k)}
    tolerance = 2e-3 if dtype == np.float32 else 1e-10
    for name, shape in shapes.items():
        arguments = {"predict": (x,), "jacobian": (x,), "gram": (x,), "loss": (x, y), "gradient": (x, y)}.get(name)
        together = getattr(model, name)(w, *(arguments or (x, y, v)))
        assert together.shape == (*lead, *shape) and together.dtype == dtype
        for place in np.ndindex(*lead):
            alone = getattr(model, name)(w[place], *(arguments or (x, y, v[place])))
            assert_allclose(together[place], alone, rtol=tolerance, atol=tolerance * (1 + np.abs(alone).max()))


def equals_each_alone(method, arguments, moving):
    """A pass of the arguments, those at the places `moving` stacked, is that of each replica."""
    alone = [method(*(part[i] if k in moving else part for k, part in enumerate(arguments)))
             for i in range(len(arguments[moving[0]]))]
    assert_allclose(method(*arguments), alone, rtol=1e-11, atol=1e-13)


@pytest.mark.claim("WME18.fig1-growth")
def test_replicas_with_data_of_their_own_and_blocks_of_replicas(rng):
    """Stacked data, many directions at one point, and stacks too large for the cache all equal one at a time."""
    model, w, x, y = problem(rng, n=6)
    stack = w + 0.1 * rng.standard_normal((4, len(w)))
    xs, ys = x + rng.standard_normal((4, 6, 3)), y + rng.standard_normal((4, 6))
    equals_each_alone(model.gradient, (stack, xs, ys), (0, 1, 2))
    equals_each_alone(model.hvp, (stack, x, y, w), (0,))
    equals_each_alone(model.hvp, (w, xs, y, stack[0]), (1,))
    wide = network.MLP((3, 64, 64, 1))
    starts, x, y = np.stack([wide.init(rng) for _ in range(3)]), rng.standard_normal((500, 3)), rng.standard_normal(500)
    equals_each_alone(wide.gradient, (starts, x, y), (0,))
    equals_each_alone(wide.gradient, (starts, x, rng.standard_normal((3, 500))), (0, 2))
    equals_each_alone(wide.gradient, (starts, rng.standard_normal((3, 500, 3)), y), (0, 1))
    equals_each_alone(wide.gradient, (starts[0], x, rng.standard_normal((3, 500))), (2,))
    one, many = wide.gradient(starts[:1], np.stack([x] * 3), y), wide.gradient(starts[0], x, y)
    assert_allclose(one, np.stack([many] * 3), rtol=1e-11, atol=1e-14)
    with pytest.raises(ValueError, match="w must have leading axes"):      # of three sets of labels two would be taken
        wide.gradient(starts[:2], x, np.stack([y] * 3))
    with pytest.raises(ValueError, match="x must hold real numbers, got list"):     # ragged: no axes to speak of
        wide.gradient(starts, [[1.0, 2.0], [3.0]], y)
    for loss, outputs, labels in (("squared", 2, np.stack([y, -y], axis=1)), ("cross-entropy", 3, np.arange(500) % 3)):
        wide = network.MLP((3, 64, 64, outputs), loss_kind=loss)     # labels of two axes, and of one, for all replicas
        equals_each_alone(wide.gradient, (np.stack([wide.init(rng) for _ in range(3)]), x, labels), (0,))


@pytest.mark.claim("WME18.fig1-growth")
def test_bad_input_is_refused_with_a_remedy(rng):
    model, w, x, y = problem(rng)
    classes = network.MLP((3, 2), loss_kind="cross-entropy")
    cases = [(lambda: network.MLP((3,)), "widths"), (lambda: network.MLP((3, 0)), "widths"),
             (lambda: network.MLP((3, 1), activation="sine"), "activation"),
             (lambda: network.MLP((3, 1), loss_kind="cross-entropy"), "widths"),
             (lambda: network.MLP((3, 1), gain=-1), "gain"),
             (lambda: model.loss(w[1:], x, y), "w must"), (lambda: model.gradient(w, x[:, :2], y), "x must"),
             (lambda: model.gradient(w, x, y[:-1]), "y must"), (lambda: model.hvp(w, x, y, w[:-1]), "v must"),
             (lambda: classes.loss(np.zeros(8), x, np.full(5, 2)), "class numbers 0…1, got 2"),
             (lambda: network.MLP((3, 1), init_kind="orthogonal"), "init_kind"),
             (lambda: network.polish(classes, np.zeros(8), x, np.zeros(5)), "squared"),
             (lambda: network.teacher_set(flipped=1.0), "flipped"), (lambda: network.teacher_set(0), "n must"),
             (lambda: network.sharpness(model), "w and x"),
             (lambda: network.top_eigenpairs(model, w, x, y, k=0), "k must"),
             (lambda: network.sharpness(network.Operator(2, lambda v: v), w), "leave out"),
             (lambda: network.non_uniformity(network.Operator(2, lambda v: v)), "square_product"),
             (lambda: network.operator(LinearRegression(3), np.ones(3), x, curvature="gauss-newton"), "linearize"),
             (lambda: network.operator(model, w, x, y, curvature="fisher"), "curvature"),
             (lambda: network.operator(model, w * np.nan, x, y), "finite")]
    for call, word in cases:
        support.refused(word, call)


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.tab1-gd")
def test_initial_weights_have_the_stated_spread(rng):
    """Mean square gain²/fan-in within exact errors, biases 0; 1/fan-in for its root, or fan-out, is outside."""
    model = network.MLP((100, 200, 50), gain=0.6)
    w = model.init(rng)
    for first, middle, last, inputs, outputs in model.layers:
        count, variance = inputs * outputs, 0.36 / inputs
        low, high = chi2.ppf([support.FALSE_ALARM / 4, 1 - support.FALSE_ALARM / 4], count) / count
        measured = (w[first:middle] ** 2).mean() / variance
        assert low <= measured <= high < 1.1
        assert not w[middle:last].any()
        for wrong in (0.36 / inputs**2, 0.36 / outputs, 1 / inputs):   # off by a factor of 2 and more
            assert not 0.9 < measured * variance / wrong < 1.1


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.tab1-gd")
def test_uniform_starts_have_the_stated_spread(rng):
    """W and b within ±gain/√fan-in, mean square a third of that, within exact errors; the normal start's is outside."""
    model = network.MLP((100, 200, 50), gain=0.6, init_kind="uniform")
    w = model.init(rng)
    for first, middle, last, inputs, _ in model.layers:
        bound = 0.6 / sqrt(inputs)
        for part in (w[first:middle], w[middle:last]):
            limit = sqrt(log(8 / support.FALSE_ALARM) / (2 * len(part))) * bound**2   # Hoeffding, four means
            assert np.abs(part).max() <= bound
            assert abs((part**2).mean() - bound**2 / 3) <= limit
        assert abs((w[first:middle] ** 2).mean() - bound**2) > limit


def test_labels_that_no_pass_could_use_are_refused_before_the_first_step(rng):
    """By value where they have one: a class that is not there, though no batch of the run would draw it; 0/1 for ±1."""
    classes, y = network.MLP((3, 3), loss_kind="cross-entropy"), np.zeros(1000, int)
    y[999] = 3
    x = rng.standard_normal((1000, 3))
    support.refused("class numbers 0…2, got 3", classes.check_data, x, y)
    support.refused("not one-hot rows", classes.check_data, x, np.eye(3)[y % 3])
    single = network.MLP((3, 1))
    for call in (single.check_data, lambda x, y: single.accuracy(single.init(rng), x, y),
                 lambda x, y: single.loss(single.init(rng), x, y)):
        support.refused("without a last axis of 1", call, x, np.ones((1000, 1)))
    support.refused("labels ±1 for an accuracy, got 0", single.accuracy, single.init(rng), x, y == 3)
    support.refused("y must be given", single.check_data, x, None)
    single.check_data(x, np.ones(1000)), classes.check_data(x, np.zeros(1000))
    for each in (single, classes):                  # data of two replicas, of which no class but 0 is seen
        each.check_data(np.stack([x, x]), np.zeros((2, 1000)))
        support.refused(r"x must have shape \(…, n, 3\), got \(3,\)", each.check_data, x[0], y)


def test_accuracy_counts_the_right_side(rng):
    """One output by its sign, several by the largest; the complement is caught."""
    single, several = network.MLP((2, 1)), network.MLP((2, 3), loss_kind="cross-entropy")
    x = rng.standard_normal((40, 2))
    w, v = single.init(rng), several.init(rng)
    y, classes = np.where(single.predict(w, x) > 0, 1, -1).astype(np.int8), several.predict(v, x).argmax(axis=-1)
    y[:10] *= -1
    assert single.accuracy(w, x, y) == 0.75
    assert_array_equal(single.accuracy(np.stack([w, w, w]), x, y), [0.75] * 3)
    classes[:10] = (classes[:10] + 1) % 3
    assert several.accuracy(v, x, classes) == 0.75
    both = np.stack([classes, several.predict(v, x).argmax(axis=-1)])
    assert_array_equal(several.accuracy(np.stack([v, v]), x, both), [0.75, 1.0])
    assert network.MLP((2, 3)).accuracy(v, x, np.eye(3)[classes]) == 0.75


@pytest.mark.filterwarnings("ignore")  # those of torch itself, when it is imported
def test_a_trajectory_of_torch_in_float32():
    """100 steps of torch.optim.SGD from its own default start: its loss is 2/k of ours, so its η is ours times k/2."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = network.MLP((5, 8, 8, 4), activation="relu", init_kind="uniform")
    layers = [torch.nn.Linear(a, b) for a, b in ((5, 8), (8, 8), (8, 4))]
    net = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    x, y = torch.randn(30, 5), torch.nn.functional.one_hot(torch.arange(30) % 4).float()

    def flat():
        return np.concatenate([part.detach().numpy().T.ravel()
                               for layer in layers for part in (layer.weight, layer.bias)])

    start, optimiser = flat(), torch.optim.SGD(net.parameters(), lr=0.2)
    for _ in range(100):
        optimiser.zero_grad()
        ((net(x) - y) ** 2).mean().backward()
        optimiser.step()
    run = sgd.run(model, start, x.numpy(), y.numpy(), lr=0.2 * 2 / 4, steps=100)
    assert run.w.dtype == np.float32
    assert_allclose(run.w, flat(), atol=1e-5)
    assert np.abs(sgd.run(model, start, x.numpy(), y.numpy(), lr=0.2, steps=100).w - flat()).max() > 1e-2
    for first, middle, last, inputs, _ in model.layers:     # its start is what init_kind="uniform" draws from
        assert 0.6 / sqrt(inputs) < np.abs(start[first:last]).max() <= 1 / sqrt(inputs)
