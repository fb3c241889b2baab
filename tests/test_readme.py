"""The README: its Python runs, its commands are the ones that are checked, its picture exists."""

import re
import shlex
from pathlib import Path

import pytest

from figures._command import arguments

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(<!-- (?:command|needs): (\w+) -->\n)?```(\w+)\n(.*?)```", README, flags=re.DOTALL)
PYTHON = [code for _, needs, language, code in BLOCKS if language == "python" and not needs]
OPTIONAL = [(needs, code) for _, needs, language, code in BLOCKS if language == "python" and needs]


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_examples_run(code, capsys):
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize(("needs", "code"), OPTIONAL, ids=[needs for needs, _ in OPTIONAL])
def test_examples_that_need_another_framework_run_where_it_is(needs, code, capsys):
    """And fail, with the cause that the text promises, when the ½ is dropped."""
    pytest.importorskip(needs)
    assert len(code.splitlines()) <= 40
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert " 0 failed" in capsys.readouterr().out
    promised = re.search(r"Without the `(.*?)` it raises, and says `(likely cause in .*?)`", README)
    with pytest.raises(AssertionError, match=re.escape(promised[2])):
        exec(compile(code.replace(promised[1], ""), "README.md", "exec"), {"__name__": "readme"})


def test_the_oracle_example_can_fail():
    """The null: the same example with a wrong step in the code under test raises."""
    code = next(code for code in PYTHON if "def mine" in code)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        exec(compile(code.replace("w - 0.1 *", "w - 0.05 *"), "README.md", "exec"), {"__name__": "readme"})


def test_shell_blocks_are_the_two_commands_and_figure_calls():
    """The marked commands are run by .ci/run; any other shell line must be a figures call that parses."""
    named = {name: code for _, name, language, code in BLOCKS if language == "sh" and name}
    assert set(named) == {"tests", "figures"}
    for code in named.values():
        assert code.count("\n") == 1 and code.startswith("python3 -m venv .venv && .venv/bin/python -m pip install")
    for _, name, language, code in BLOCKS:
        if language == "sh" and not name:
            words = shlex.split(code)
            assert words[:3] == [".venv/bin/python", "-m", "figures"]
            arguments(words[3:])


def test_every_block_is_of_a_kind_that_is_checked():
    assert {language for _, _, language, _ in BLOCKS} == {"python", "sh"}
    assert README.count("```") == 2 * len(BLOCKS)


def test_pictures_exist():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert pictures and all((ROOT / picture).exists() for picture in pictures)
