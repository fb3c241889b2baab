"""Sharpness, trace and density of one PyTorch net beside PyHessian, hessian-eigenthings and curvlinops.

The exact Hessian of the small net, by PyTorch, is the judge of all; tools that are not installed are left out.
"""

import numpy as np
import pytest

from refimpl.curvature import Operator, trace
from tests.benchmarks import other_tools

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of the other tools


@pytest.fixture(scope="module")
def net():
    return other_tools.Net(widths=(4, 12, 1), n=40, steps=50)


@pytest.fixture(scope="module")
def rows(net):
    return list(other_tools.rows(net))


def of(rows, quantity):
    return [row for row in rows if row.quantity == quantity]


def test_all_tools_find_the_same_sharpness(rows):
    """To their own tolerances; the mean loss without its 2, a ½ of MSELoss, would be off by half."""
    for row in of(rows, "sharpness"):
        assert row.error < (1e-9 if row.tool == "refimpl" else 1e-4) * row.value and row.residual < 1e-3, row.tool


def test_ours_is_that_of_the_exact_hessian(net):
    values = net.eigenvalues()
    assert trace(Operator(len(net.w), net.product), method="exact").value == pytest.approx(values.sum(), rel=1e-10)


def test_random_estimates_lie_within_their_standard_errors(net, rows):
    """Var zᵀHz ≤ 2 |H|² for random signs. Eight standard errors of 64: the heaviest tail, that of one eigenvalue, is
    χ²_64 beyond 154, 1e-9. The null, the trace of a loss with a 2 too many, lies further away."""
    values = net.eigenvalues()
    error = np.sqrt(2 * np.square(values).sum() / other_tools.PROBES)
    assert all(row.error < 8 * error for row in of(rows, "trace"))
    assert values.sum() > 8 * error


def test_densities_lie_near_the_exact_spectrum(net, rows):
    """In Wasserstein's distance; that of a spectrum at zero alone is more than twice as far."""
    nothing = np.abs(net.eigenvalues()).mean()
    assert all(row.error < nothing / 2 for row in of(rows, "density"))
