"""Defaults are part of an answer: none changes unseen."""

import pytest

from tests.reference._defaults import MODULES, TABLE, defaults

LINES = TABLE.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("module", MODULES)
def test_defaults_are_those_of_the_table(module):
    """A changed number, flag or choice is seen, and so is a function that is new, renamed or gone."""
    assert defaults(module) == [line for line in LINES if line.startswith(f"{module}.")]


def test_the_table_is_of_these_modules():
    assert len(LINES) > 100 and all(line.startswith(tuple(f"{module}." for module in MODULES)) for line in LINES)
