"""The benchmark frame: it compares answers before it times, and writes what it measured. No test reads a time."""

import json

import numpy as np
import pytest

from tests.benchmarks import _bare
from tests.benchmarks._bare import BARE
from tests.benchmarks._before import BEFORE, State
from tests.benchmarks._case import Case, Footprint, Scaling, grown, record_of, timed
from tests.benchmarks._output import kept, lines, save

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


EARLIER = """
class Row:
    def __init__(self, name, make):
        self.name, self.make = name, make

def rows():
    yield Row("sum", lambda: {"ours": lambda: 10.0, "torch": None})
    yield Row("line", lambda size: lambda: sum(range(size)))

BENCHMARKS = {"rows": rows}
"""


def test_an_earlier_state_is_timed_in_its_own_process_and_held_to_the_same_answer(tmp_path):
    package = tmp_path / "tests" / "benchmarks"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "earlier.py").write_text(EARLIER, encoding="utf-8")
    state = State(tmp_path, ["earlier"])
    record = timed(case(), LIMITS, earlier=state)
    assert list(record["contenders"]) == ["ours", BEFORE, "torch"] and record["contenders"][BEFORE]["seconds"] > 0
    line = grown(Scaling("line", "n", (10, 20, 40), lambda n: lambda: np.ones(n), rounds=1), earlier=state)
    assert min(line[BEFORE]) > 0 and state.contender("no such row") == {}
    other = Case("sum", "entry", 10, lambda: {"ours": lambda: 11.0})
    with pytest.raises(AssertionError, match="sum: before differs from ours by 9"):
        timed(other, LIMITS, earlier=state)
    state.process.communicate()                             # ends when nobody asks any more
    assert state.process.returncode == 0


@pytest.mark.parametrize("path", ["_rank_one_rows", "_rank_one_columns", "_rank_one_counts", "_dense_rows",
                                  "_dense_columns", "_dense_in_place"])
def test_limits_make_the_steps_that_they_limit(path):
    rng = np.random.default_rng(0)
    factors, w0, indices = rng.standard_normal((5, 3)), rng.standard_normal((7, 3)), rng.integers(0, 5, (4, 7, 2))
    data = factors if "rank_one" in path else factors[:, :, None] * factors[:, None]
    found = _bare._run(getattr(_bare, path), data, w0, indices, 0.1, 0.9, 4)()
    w, v = w0.copy(), 0.0
    for batch in indices:
        v = 0.9 * v + np.einsum("rbd,rbe,re->rd", factors[batch], factors[batch], w) / 2
        w = w - 0.1 * v
    np.testing.assert_allclose(found, w, rtol=1e-12)
    assert not np.allclose(found, w + 0.1 * v)              # a step fewer is not taken for it


def test_what_is_written(tmp_path):
    limited = Case("limited", "entry", 10, lambda: {"ours": lambda: np.ones(10), BARE: lambda: None}, rounds=1)
    records = [
        timed(case(), LIMITS),
        timed(limited, LIMITS),
        grown(Scaling("line", "n", (1000, 2000, 4000), lambda n: lambda: np.ones(n), rounds=1)),
        record_of(Footprint("nothing", "x = bytearray(10**8)"), LIMITS),
    ]
    assert records[-1]["peak_memory"] > 1e8
    assert "bare NumPy calls" in lines(records[1])[0] and "machine's rates" in lines(records[0])[0]
    save(records, {"NumPy": np.__version__}, tmp_path / "new")
    written = json.loads((tmp_path / "new" / "results.json").read_text(encoding="utf-8"))
    assert [record["name"] for record in written["records"]] == [record["name"] for record in records]
    assert kept(tmp_path / "new") == written["records"] and kept(tmp_path) == kept(None) == []
    text = (tmp_path / "new" / "table.md").read_text(encoding="utf-8")
    assert all(record["name"] in text for record in records)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"results.json", "table.md"}
    for record in records:
        assert lines(record)[0].startswith(record["name"])
