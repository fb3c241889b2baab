"""The benchmark frame: it compares answers before it times, and writes what it measured. No test reads a time."""

import json

import numpy as np
import pytest

from tests.benchmarks._case import Case, Scaling, grown, timed
from tests.benchmarks._output import lines, save

LIMITS = {"flops": 1e9, "bytes": 1e9, "normals": 1e8}


def case(other=1.0):
    return Case(
        "sum",
        "entry",
        10,
        lambda: {"ours": lambda: np.ones(10).sum(), "torch": lambda: other * np.ones(10).sum()},
        flops=100,
        normals=10,
        rounds=2,
    )


def test_contenders_must_give_the_same_answer():
    record = timed(case(), LIMITS)
    assert list(record["contenders"]) == ["ours", "torch"] and record["contenders"]["ours"]["ratio"] == 1
    assert record["limit"] == pytest.approx(100 / 1e9 + 10 / 1e8)
    with pytest.raises(AssertionError, match=r"sum: torch differs from ours by 1\.0e-06"):
        timed(case(other=1 + 1e-6), LIMITS)
    with pytest.raises(AssertionError, match="differs"):
        timed(case(other=np.nan), LIMITS)


def test_memory_exponents_are_those_of_the_allocation():
    record = grown(Scaling("square", "n", (100, 200, 400, 800), lambda n: lambda: np.ones((n, n)), rounds=1))
    assert record["memory_exponent"] == pytest.approx(2, abs=0.05)
    assert record["peak_memory"][-1] >= 8 * 800**2


def test_what_is_written(tmp_path):
    records = [
        timed(case(), LIMITS),
        grown(Scaling("line", "n", (1000, 2000, 4000), lambda n: lambda: np.ones(n), rounds=1)),
    ]
    save(records, {"NumPy": np.__version__}, tmp_path / "new")
    written = json.loads((tmp_path / "new" / "results.json").read_text(encoding="utf-8"))
    assert [record["name"] for record in written["records"]] == ["sum", "line"]
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"results.json", "ratios.png", "scaling.png"}
    for record in records:
        assert lines(record)[0].startswith(record["name"])
