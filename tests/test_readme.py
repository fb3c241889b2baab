"""The READMEs: their Python runs and prints what they say, their commands are the ones that are checked, links lead
somewhere."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from figures import _all, _gallery
from figures._command import arguments
from theory.__main__ import main as theory_main
from theory.claims import CLAIMS

ROOT = Path(__file__).parent.parent
FOLDERS = ("", "theory", "refimpl", "refimpl/testing", "figures", "tests")
TEXTS = {folder or "top": (ROOT / folder / "README.md").read_text(encoding="utf-8") for folder in FOLDERS}
TOP = TEXTS["top"]
BLOCK = re.compile(r"(?:<!-- (command|needs): (\w+) -->\n)?```(\w+)\n(.*?)```(?:\n```text\n(.*?)```)?", flags=re.DOTALL)
BLOCKS = [(folder, *block) for folder, text in TEXTS.items() for block in BLOCK.findall(text)]
PYTHON = [(folder, code, printed) for folder, mark, _, kind, code, printed in BLOCKS if kind == "python" and not mark]
OPTIONAL = [(folder, name, code, printed) for folder, mark, name, _, code, printed in BLOCKS if mark == "needs"]


def run(code):
    """What a piece of Python prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    return said.getvalue()


@pytest.mark.parametrize(("folder", "code", "printed"), PYTHON,
                         ids=[f"{block[0]}-{k}" for k, block in enumerate(PYTHON)])
def test_python_examples_print_what_they_say(folder, code, printed):
    assert run(code) == printed
    assert bool(printed) == ("print(" in code)  # nothing is printed that is not shown


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(("folder", "needs", "code", "printed"), OPTIONAL,
                         ids=[f"{block[0]}-{block[1]}-{k}" for k, block in enumerate(OPTIONAL)])
def test_examples_that_need_another_package_run_where_it_is(folder, needs, code, printed, tmp_path, monkeypatch):
    """And fail, with the cause that the text promises, when the ½ is dropped."""
    needed = pytest.importorskip(needs)
    if needs == "jax":
        needed.config.update("jax_enable_x64", False)               # other packages turn it on where they are imported
    monkeypatch.chdir(tmp_path)                                     # some draw a picture
    assert len(code.splitlines()) <= 40
    assert run(code) == printed if printed else " 0 failed" in run(code)
    promised = re.search(r"Without the `(.*?)` it raises, and says `(likely cause in .*?)`", TEXTS[folder])
    if promised and promised[1] in code:
        with pytest.raises(AssertionError, match=re.escape(promised[2])):
            run(code.replace(promised[1], ""))


def test_the_oracle_example_can_fail():
    """The null: the same example with a wrong step in the code under test raises."""
    code = next(code for _, code, _ in PYTHON if "def mine" in code)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        run(code.replace("w - 0.1 *", "w - 0.05 *"))


def test_the_two_commands_are_complete():
    """Those that .ci/run takes from the front page."""
    named = {name: code for folder, mark, name, _, code, _ in BLOCKS if mark == "command"}
    assert set(named) == {"tests", "figures"}
    for code in named.values():
        assert code.count("\n") == 1 and code.startswith("python3 -m venv .venv && .venv/bin/python -m pip install")


SHELL = [(code, printed) for _, mark, _, language, code, printed in BLOCKS if language == "sh" and not mark]


@pytest.mark.parametrize(("code", "printed"), SHELL, ids=range(len(SHELL)))
def test_other_commands_make_sense(code, printed, capsys):
    """Commands of theory run and print what is shown; those of figures parse; pip and the others are not run."""
    words = shlex.split(code)[:shlex.split(code).index("&&")] if "&&" in code else shlex.split(code)
    python, words = words[0], words[2:]
    assert python.endswith(("python", "python3"))
    if words[0] == "figures":
        arguments(words[1:])
    elif words[0] == "theory" and printed:
        assert theory_main(words[1:]) == 0 and capsys.readouterr().out == printed
    else:
        assert words[0] in ("venv", "pip", "theory", "refimpl", "tests.benchmarks", "pytest")


@pytest.mark.parametrize("folder", TEXTS)
def test_every_block_is_of_a_kind_that_is_checked(folder):
    blocks = [block for block in BLOCKS if block[0] == folder]
    assert {block[3] for block in blocks} <= {"python", "sh"}
    assert TEXTS[folder].count("```") == 2 * len(blocks) + 2 * sum(bool(block[5]) for block in blocks)


@pytest.mark.parametrize("folder", FOLDERS)
def test_links_and_pictures_lead_somewhere(folder):
    for target in re.findall(r"\[[^]]*\]\(([^)#]+)\)", TEXTS[folder or "top"]):
        assert (ROOT / folder / target).exists(), target


def test_the_front_page_is_one_screen_and_its_ids_are_in_the_ledger():
    assert len(TOP.splitlines()) <= 110 and len(TOP.split()) <= 1100
    corrections = re.findall(r"^\d\. `(.*?)`", TOP, flags=re.MULTILINE)
    status = {claim.id: claim.status for claim in CLAIMS}
    assert len(corrections) == 5 and all(status[claim] in ("corrected", "not reproduced") for claim in corrections)


def test_counts_on_the_front_page_are_those_of_the_ledger():
    """`python -m figures --gallery` writes them."""
    assert _gallery.between(TOP, "<!-- counts -->\n", "<!-- /counts -->\n") == _gallery.counts()


def test_the_gallery_shows_the_figures_that_there_are():
    """Titles, captions and pictures, in order, and no others; `python -m figures --gallery` writes them."""
    shown = _gallery.between(TEXTS["figures"], _gallery.BEGIN, _gallery.END)
    described = ["\n".join(_gallery.described(figure)) for figure in _all.FIGURES]
    places = [shown.find(words) for words in described]
    assert -1 not in places and places == sorted(places) and shown.count("![") == len(described)
    assert {path.stem for path in _gallery.PICTURES.glob("*.png")} == {figure.name for figure in _all.FIGURES}


def test_files_without_a_test_of_their_own_name_are_in_the_table():
    studies = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")} - {"testing"}
    for path in (path for package in ("theory", "refimpl") for path in (ROOT / package).glob("*/_[a-z]*.py")):
        if (study := path.parent.name) in studies and not (ROOT / "tests" / study / f"test{path.name}").exists():
            assert f"`{path.stem}`" in TEXTS["tests"], path
