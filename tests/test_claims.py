"""The ledger is complete: every claim has a test and a figure, and neither names a claim that is not there."""

import ast
import importlib
from pathlib import Path

import pytest

from figures import edge_of_stability, images, network
from figures._all import FIGURES
from theory import claims
from theory.claims._claim import Elsewhere

TESTS = Path(__file__).parent


def marks(source):
    """{test function: ids of its claims, and those of its file} of a file's source, read without running it."""
    def ids(nodes):
        return [constant.value for node in nodes for call in ast.walk(node) if isinstance(call, ast.Call)
                and ast.unparse(call.func) == "pytest.mark.claim" for constant in call.args]

    body = ast.parse(source).body
    whole = ids(node for node in body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark")
    return {node.name: whole + ids(node.decorator_list) for node in body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def faults(tests, drawn, ledger):
    """What is missing or dangling, as sentences."""
    tested = {claim for ids in tests.values() for claim in ids}
    shown = {claim.id: claim for claim in ledger if claim.shown}
    named = {(name.split("::")[-1], claim) for name, ids in tests.items() for claim in ids}
    return ([f"no claim {claim} is in the ledger, but a test names it" for claim in sorted(tested - set(shown))]
            + [f"{claim} has no test {row.test}" for claim, row in shown.items() if (row.test, claim) not in named]
            + [f"{claim} is not in the figure {row.figure}" for claim, row in shown.items()
               if claim not in drawn.get(row.figure, ())]
            + [f"no claim {claim} is in the ledger, but the figure {name} names it"
               for name, ids in drawn.items() for claim in ids if claim not in shown])


def test_every_claim_has_its_test_and_its_figure():
    tests = {f"{path}::{name}": ids for path in TESTS.rglob("test_*.py")
             for name, ids in marks(path.read_text(encoding="utf-8")).items()}
    assert not faults(tests, {figure.name: figure.claims for figure in FIGURES}, claims.CLAIMS)


def row(**changes):
    return claims.Claim(**{"id": "A", "equation": "1", "statement": "s", "status": "exact", "formula": faults,
                           "evidence": "proved", "test": "test_one", "figure": "f", **changes})


def test_gaps_are_seen():
    source = "pytestmark = [pytest.mark.claim('A')]\n@pytest.mark.claim('X')\ndef test_one(): pass\n"
    idle = row(id="C", status="not tested", formula=None, evidence="not tested as stated", test="", figure="",
               regime="r")
    assert faults(marks(source), {"f": ("A", "Y")}, [row(), row(id="B"), idle]) == [
        "no claim X is in the ledger, but a test names it", "B has no test test_one", "B is not in the figure f",
        "no claim Y is in the ledger, but the figure f names it"]


def test_ids_are_unique_and_carry_their_source():
    ids = [claim.id for claim in claims.CLAIMS]
    assert len(set(ids)) == len(ids)
    assert all(claim.id.split(".")[0] in claims.__doc__ for claim in claims.CLAIMS)


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.id)
def test_each_claim_s_function_is_a_public_one(claim):
    if claim.shown:
        module, name = claim.function.rsplit(".", 1)
        public = importlib.import_module(module)
        assert getattr(public, name) is claim.formula and name in public.__all__
    assert claims.get(claim.id) is claim


def test_an_unknown_claim_is_refused():
    with pytest.raises(KeyError, match="WME18.eq4"):
        claims.get("WME18.none")


@pytest.mark.parametrize("changes", [
    {"status": "true"}, {"status": "corrected", "regime": "r"}, {"status": "holds"}, {"correction": "c"},
    {"formula": None},
    {"evidence": "believed"}, {"evidence": "not tested as stated"}, {"test": ""}, {"figure": ""},
    {"status": "out of reach", "regime": "r"}])
def test_an_incomplete_row_is_refused(changes):
    with pytest.raises(ValueError, match="A"):
        row(**changes)


def test_a_claim_whose_figure_reads_data_says_what_was_found_on_the_real_set():
    """Named, judged and measured; what is empty, or judged in other words, is refused."""
    figures = (*network.FIGURES, *images.FIGURES, *edge_of_stability.FIGURES)
    reads = {claim for figure in figures if figure.reads_data for claim in figure.claims}
    told = {claim.id for claim in claims.CLAIMS if "FashionMNIST" in [one.data_set for one in claim.elsewhere]}
    assert told == {claim.id for claim in claims.CLAIMS if claim.id in reads and claim.status != "exact"}
    for wrong in ({"verdict": "holds"}, {"regime": ""}):
        with pytest.raises(ValueError, match="FashionMNIST must"):
            Elsewhere(**{"data_set": "FashionMNIST", "verdict": "seen", "regime": "r", **wrong})
