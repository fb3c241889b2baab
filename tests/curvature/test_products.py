"""What products may return: tensors and reused buffers give the right value, all else is refused by name."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl.curvature import Operator, non_uniformity, sharpness, spectral_density, trace
from tests.network.nets import problem
from tests.support import refused

pytestmark = pytest.mark.chance("exact")

VALUES = np.linspace(0, 3.034, 100)
ESTIMATES = {"sharpness": sharpness, "density": spectral_density, "trace": trace,
             "non-uniformity": lambda source: non_uniformity(Operator(source.size, lambda v: v, source.product))}


@pytest.mark.parametrize("size", [5, 100])
@pytest.mark.parametrize("estimate", ESTIMATES.values(), ids=ESTIMATES)
@pytest.mark.parametrize("wrong, message", [
    (lambda v: v[:, None], "must return shape"), (lambda v: v[1:], "must return shape"), (lambda v: None, "got None"),
    (lambda v: np.where(np.arange(len(v)) == 3, np.nan, v), "infinity at index [3]"),
    (lambda v: v * np.nan, "must return finite numbers, got NaN or infinity at index"), (lambda v: v * 1j, "complex"),
    (lambda v: "v", "must return real numbers"), (lambda v: np.ma.masked_array(v), "masked")])
def test_a_product_that_is_no_vector_is_refused_by_name(estimate, size, wrong, message):
    """Below and above the size up to which the whole matrix is taken; the identity, of the right form, is accepted."""
    assert np.isfinite(float(sharpness(Operator(size, lambda v: v))))
    with pytest.raises(ValueError, match=r"source\.(square_)?product .*") as refusal:
        estimate(Operator(size, wrong))
    assert message in str(refusal.value)


def test_a_buffer_that_is_used_again_gives_the_right_value():
    """One buffer for all products, written over by the next, and an argument that is written into."""
    buffer = np.empty(100)

    def product(v):
        v *= VALUES
        buffer[:] = v
        return buffer

    source = Operator(100, product, lambda v: np.multiply(product(v), VALUES, out=buffer) + v / VALUES.max())
    assert_allclose(float(sharpness(source)), VALUES[-1], rtol=1e-11)
    exact = np.sqrt((VALUES / VALUES.max()).max())   # mean H_i² − H² is diag(v)/max by construction
    assert_allclose(float(non_uniformity(source)), exact, rtol=1e-9)
    assert_allclose(np.nanmax(spectral_density(source).nodes), VALUES[-1], rtol=1e-9)


@pytest.mark.parametrize("framework", ["torch", "jax"])
@pytest.mark.filterwarnings("ignore")  # those of the framework itself, when it is imported
def test_tensors_are_taken_as_they_are(framework):
    """No warning, the value of a NumPy product, and the default tolerance of the precision, which the message says."""
    module = pytest.importorskip(framework)
    if framework == "torch":
        tensor = module.linspace(0, 3.034, 100)
        products = {np.float32: lambda v: tensor * module.from_numpy(v),
                    np.float64: lambda v: tensor.double() * module.from_numpy(v)}
    else:
        tensor = module.numpy.linspace(0, 3.034, 100, dtype="float32")
        products = {np.float32: lambda v: tensor * v}
    for dtype, product in products.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = sharpness(Operator(100, product, dtype=dtype), rng=0)
        assert found.converged
        assert_allclose(found.value, 3.034, rtol=1e-4 if dtype == np.float32 else 1e-6)
        assert ("tolerance 0.0003" in found.message) == (dtype == np.float32)


@pytest.mark.filterwarnings("ignore")
def test_a_tensor_that_requires_grad_is_refused(rng):
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=r"requires grad; call \.detach\(\)"):
        sharpness(Operator(100, lambda v: torch.from_numpy(v).requires_grad_()))
    model, w, x, y = problem(rng)
    refused(r"w must not carry a gradient", sharpness, model, torch.from_numpy(w).requires_grad_(), x, y)
    tensors = (torch.from_numpy(array) for array in (w, x, y))
    assert_allclose(float(sharpness(model, *tensors)), float(sharpness(model, w, x, y)), rtol=1e-12)
    refused("bfloat16", sharpness, Operator(100, lambda v: torch.from_numpy(v).bfloat16()))


def test_a_point_in_float32_is_treated_in_float32(rng):
    """The model sees float32 vectors only, and the estimate is that of float64 to the default 1e-4."""
    model, w, x, y = problem(rng, n=6, hidden=(7, 7))
    single = [np.asarray(array, np.float32) for array in (w, x, y)]
    found, exact = sharpness(model, *single, rng=0), sharpness(model, w, x, y, rng=0)
    assert found.converged and exact.converged
    assert_allclose(found.value, exact.value, rtol=1e-3)
    seen = set()
    sharpness(Operator(60, lambda v: seen.add(v.dtype) or v, dtype=np.float32))
    assert seen == {np.dtype(np.float32)}


@pytest.mark.parametrize("size", [5, 60])
def test_the_default_tolerance_is_that_of_the_precision(size):
    for dtype, tolerance in ((np.float64, "1e-06"), (np.float32, "0.0001")):
        assert sharpness(Operator(size, lambda v: v, dtype=dtype)).message.endswith(f"tolerance {tolerance}")
    assert spectral_density(Operator(100, lambda v: VALUES * v)).nodes.shape == (4, 64)


@pytest.mark.parametrize("single", ["product", "square"])
def test_a_difference_is_as_precise_as_its_worse_part(single):
    """Equal examples: mean H_i² − H² is rounding, that of float32 where either product has it, and not converged."""
    values = np.linspace(1, 2, 60)
    parts = {"product": lambda v: values * v, "square": lambda v: values**2 * v}
    parts[single] = lambda v, exact=parts[single]: exact(v).astype(np.float32)
    found = non_uniformity(Operator(60, parts["product"], parts["square"]), rng=0)
    assert not found.converged and found.value**2 < 1e-5
