"""What the argument checks take and refuse, whatever the function: arrays, tensors, masks."""

import numpy as np
import pytest

from tests.support import refused
from theory import _checks
from theory.linear_stability import GaussNewton, critical_lr

pytestmark = pytest.mark.chance("exact")


class Tensor:
    """As much of a tensor of PyTorch as the checks look at."""

    def __init__(self, values, requires_grad=False, device="cpu"):
        self.values, self.requires_grad, self.dtype = np.asarray(values), requires_grad, "torch.float64"
        self.device = type("device", (), {"type": device})

    def cpu(self):
        return self.values

    def __array__(self, dtype=None, copy=None):
        if self.device.type != "cpu":
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()")
        return self.values


def test_tensors_are_read_where_they_are():
    values = np.ones((3, 2))
    assert np.shares_memory(_checks.array(Tensor(values), "x"), values)
    assert np.array_equal(_checks.real(Tensor(values, device="cuda"), "x"), values)


def test_a_tensor_in_the_middle_of_a_graph_is_refused():
    with pytest.raises(ValueError, match=r"jacobians must not carry a gradient, .*call \.detach\(\)"):
        GaussNewton(Tensor(np.ones((3, 2)), requires_grad=True))


def test_the_tensors_of_pytorch_and_jax_give_the_same_rate(rng):
    gradients = rng.standard_normal((6, 4))
    wanted = critical_lr(GaussNewton(gradients), 2)
    torch = pytest.importorskip("torch")
    assert critical_lr(GaussNewton(torch.from_numpy(gradients)), 2) == wanted
    refused(r"call \.detach\(\)", GaussNewton, torch.from_numpy(gradients).requires_grad_())
    refused("Tensor of dtype torch.bfloat16", GaussNewton, torch.from_numpy(gradients).bfloat16())


@pytest.mark.parametrize("value", [
    np.ma.masked_equal([1.0, 2.0], 2.0), [np.ma.masked_equal([1.0], 1.0)], [[1.0, np.ma.masked_equal([1.0], 1.0)]],
    [[np.ma.masked_equal([1.0], 1.0)], [[2.0]]]])
def test_a_mask_is_refused_at_any_depth_and_not_dropped(value):
    for check in (_checks.real, _checks.array):
        refused("x must hold a number in every place, got a masked array", check, value, "x")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_factors_are_the_ensemble_s_own(dtype, order):
    given = np.ones((3, 2), dtype, order)
    kept = GaussNewton(given).jacobians
    given[:] = 2
    assert (kept == 1).all() and kept.dtype == np.float64 and not kept.flags.writeable
