"""The ledger is complete: every claim has a test and a figure, and neither names a claim that is not there."""

import ast
from pathlib import Path

import pytest

from figures._all import FIGURES
from theory import claims

TESTS = Path(__file__).parent


def marks(source):
    """{test function: ids of its claims} of a test file's source, read without running it."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            found[node.name] = [constant.value for decorator in node.decorator_list if isinstance(decorator, ast.Call)
                                and ast.unparse(decorator.func) == "pytest.mark.claim"
                                for constant in decorator.args]
    return found


def faults(tests, drawn, ledger):
    """What is missing or dangling, as sentences."""
    tested = {claim for ids in tests.values() for claim in ids}
    return ([f"no claim {claim} is in the ledger, but a test names it" for claim in sorted(tested - ledger)]
            + [f"{claim} has no test" for claim in sorted(ledger - tested)]
            + [f"{claim} has no figure" for claim in sorted(ledger - drawn)]
            + [f"no claim {claim} is in the ledger, but a figure names it" for claim in sorted(drawn - ledger)])


def test_every_claim_has_a_test_and_a_figure():
    tests = {f"{path}::{name}": ids for path in TESTS.rglob("test_*.py")
             for name, ids in marks(path.read_text(encoding="utf-8")).items()}
    drawn = {claim for figure in FIGURES for claim in figure.claims}
    assert not faults(tests, drawn, {claim.id for claim in claims.CLAIMS})


def test_gaps_are_seen():
    source = "@pytest.mark.claim('A', 'X')\ndef test_one(): pass\n\ndef test_two(): pass\n"
    assert faults(marks(source), {"A", "Y"}, {"A", "B"}) == [
        "no claim X is in the ledger, but a test names it", "B has no test", "B has no figure",
        "no claim Y is in the ledger, but a figure names it"]


def test_ids_are_unique_and_carry_their_source():
    ids = [claim.id for claim in claims.CLAIMS]
    assert len(set(ids)) == len(ids)
    assert all(claim.id.split(".")[0] in claims.__doc__ for claim in claims.CLAIMS)


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.id)
def test_each_claim_names_a_function_that_exists(claim):
    import importlib

    module, name = claim.formula.split(".")
    assert callable(getattr(importlib.import_module(f"theory.{module}"), name))
    assert claims.get(claim.id) is claim


def test_an_unknown_claim_is_refused():
    with pytest.raises(KeyError, match="WME18.eq4"):
        claims.get("WME18.none")


@pytest.mark.parametrize("changes", [{"status": "true"}, {"status": "corrected", "regime": "r"}, {"status": "holds"},
                                     {"status": "exact", "correction": "c"}])
def test_an_incomplete_row_is_refused(changes):
    row = {"id": "A", "equation": "1", "statement": "s", "status": "exact", "formula": "f"}
    claims.Claim(**row)
    with pytest.raises(ValueError, match="A"):
        claims.Claim(**{**row, **changes})
