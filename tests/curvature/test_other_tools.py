"""Sharpness and trace of one PyTorch net beside PyHessian and curvlinops, where they are installed.

Each tool is given the same loss; the exact Hessian of the small net, by PyTorch, is the judge of all.
"""

import numpy as np
import pytest

from refimpl.curvature import Operator, sharpness, trace

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of the other tools


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 12), torch.nn.Tanh(), torch.nn.Linear(12, 1)).double()
    x, y = torch.randn(40, 4).double(), torch.randn(40, 1).double()
    names, shapes = zip(*[(name, value.shape) for name, value in model.named_parameters()])
    w = torch.cat([value.detach().ravel() for value in model.parameters()])

    def loss(w):
        parts = w.split([shape.numel() for shape in shapes])
        given = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes)}
        return ((torch.func.functional_call(model, given, x) - y) ** 2).mean()

    return model, x, y, w, loss, torch.func.hessian(loss)(w).numpy()


def ours(net):
    *_, w, loss, _ = net
    gradient = torch.func.grad(loss)
    return Operator(len(w), lambda v: torch.func.jvp(gradient, (w,), (torch.from_numpy(v),))[1])


def test_ours_is_that_of_the_exact_hessian(net):
    values = np.linalg.eigvalsh(net[-1])
    assert sharpness(ours(net), rng=0).value == pytest.approx(values[-1], rel=1e-8)
    assert trace(ours(net), method="exact").value == pytest.approx(values.sum(), rel=1e-10)


def test_pyhessian_agrees_to_its_own_tolerance(net):
    tool = pytest.importorskip("pyhessian")
    model, x, y = net[:3]
    found = tool.hessian(model, torch.nn.MSELoss(), data=(x, y), cuda=False)
    assert found.eigenvalues(maxIter=500, tol=1e-8)[0][0] == pytest.approx(sharpness(ours(net), rng=0).value, rel=1e-3)


def test_curvlinops_agrees(net):
    tool = pytest.importorskip("curvlinops")
    model, x, y = net[:3]
    operator = tool.HessianLinearOperator(model, torch.nn.MSELoss(), [p for p in model.parameters()], [(x, y)])
    product = operator.to_scipy() if hasattr(operator, "to_scipy") else operator
    dense = product @ np.eye(len(net[3]))
    assert np.linalg.eigvalsh((dense + dense.T) / 2)[-1] == pytest.approx(sharpness(ours(net), rng=0).value, rel=1e-6)
