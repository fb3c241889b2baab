"""The house: who may import whom, and what is installed."""

import ast
import builtins
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import refimpl
import theory

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for package in ("refimpl", "theory") for path in (ROOT / package).rglob("*.py"))
RUNTIME = {"numpy", "scipy", "refimpl", "theory"}
DRAWS = {"_command.py": {"matplotlib"}}  # inside a function: the command draws where it is asked to
FRONTS = {"pytest", "hypothesis"}  # of the conformance kit, inside functions: it is imported without them


@cache
def parsed(source):
    """The tree of a file; five tests look at it."""
    return ast.parse(source)


def imported(path):
    """Full names of the modules that a file imports."""
    names = set()
    for node in ast.walk(parsed(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def violations(path, package):
    """Imports that cross the wall between prediction and simulation, or leave NumPy and SciPy."""
    other = {"theory": "refimpl", "refimpl": "theory"}[package]
    names = imported(path)
    across = {name for name in names if name.split(".")[0] == other and "testing" not in path.parts}
    if package == "refimpl":
        across -= {"theory._checks"}
    fronts = FRONTS if "testing" in path.parts else set()
    known = RUNTIME | sys.stdlib_module_names | DRAWS.get(path.name, set()) | fronts
    foreign = {name for name in names if name.split(".")[0] not in known}
    return across | foreign


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_prediction_and_simulation_share_no_code(path):
    assert not violations(path, path.relative_to(ROOT).parts[0])


def test_a_crossing_import_would_be_seen(tmp_path):
    for line in ("from refimpl import sgd", "import refimpl.sgd", "from refimpl.sgd import run", "import torch"):
        path = tmp_path / "wrong.py"
        path.write_text(line)
        assert violations(path, "theory"), line
    path.write_text("from theory import linear_stability")
    assert violations(path, "refimpl")


@pytest.mark.parametrize(("package", "other", "allowed"), [
    (theory, "refimpl", []),
    (refimpl, "theory", ["theory",
                         *(f"theory._checks{file}" for file in ("", "._arguments", "._hessians", "._public",
                                                                "._renamed", "._standard_streams"))])])
def test_at_run_time_neither_loads_the_other(package, other, allowed):
    """After importing every study of one, nothing of the other is there but the argument checks (the kit excepted)."""
    names = ", ".join(f"{package.__name__}.{name}" for name in package.__all__ if name != "testing")
    code = f"import sys, {names}; print(sorted(name for name in sys.modules if name.split('.')[0] == {other!r}))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert output.strip() == str(allowed)


@pytest.mark.parametrize("package", [theory, refimpl], ids=["theory", "refimpl"])
def test_studies_are_found_by_name(package):
    """`import theory; theory.linear_stability` works, dir() lists the studies, public names say where they are from."""
    assert set(package.__all__) <= set(dir(package))
    for study in package.__all__:
        module = getattr(package, study)
        for name in module.__all__:
            assert getattr(module, name) is not None
            home = getattr(getattr(module, name), "__module__", None)
            assert home is None or "._" not in home, f"{module.__name__}.{name} says that it is from {home}"
    with pytest.raises(AttributeError, match="its studies are"):
        package.linear_stabilty


def test_the_conformance_kit_needs_neither_pytest_nor_hypothesis():
    """It is imported without them, checks without them, and says what is missing where one is asked for."""
    code = ("import sys; sys.modules |= {'pytest': None, 'hypothesis': None}\n"
            "from refimpl.testing import check_model, parametrize_with_checks, strategies\n"
            "from refimpl.linear_stability import TwoMinima\n"
            "assert check_model(TwoMinima(), 'TwoMinima').ok\n"
            "fronts = (lambda: parametrize_with_checks(TwoMinima(), 'TwoMinima'),\n"
            "          lambda: strategies.instances('MLP'))\n"
            "for front in fronts:\n"
            "    try: front()\n"
            "    except ImportError as error: print(error)\n")
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert "needs pytest; install it" in output and "needs hypothesis; install it" in output


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_names_are_documented(path):
    tree = parsed(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def test_both_packages_are_typed_and_versioned():
    assert refimpl.__version__
    for package in (refimpl, theory):
        assert (Path(package.__file__).parent / "py.typed").exists()


def bends(path, source):
    """Where a file is longer than a reader's patience: lines, functions, modules, calls by position."""
    tree, top = parsed(source), path.relative_to(ROOT).parts[0]
    found = [f"line {k} has {len(line)} characters" for k, line in enumerate(source.split("\n"), 1) if len(line) > 120]
    if source.count("\n") > (350 if top == "tests" else 300):
        found.append(f"{source.count(chr(10))} lines: one room or two?")
    for node in ast.walk(tree) if top != "tests" else ():
        if isinstance(node, ast.FunctionDef):
            first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
            if node.end_lineno - first.lineno + 1 > 45:
                found.append(f"{node.name} has {node.end_lineno - first.lineno + 1} lines of code")
        if isinstance(node, ast.Call) and len(node.args) > 8:
            found.append(f"a call with {len(node.args)} positional arguments in line {node.lineno}")
    return found


FILES = sorted(path for top in ("theory", "refimpl", "figures", "tests") for path in (ROOT / top).rglob("*.py"))


def test_files_functions_and_lines_fit_a_reader():
    found = {str(path.relative_to(ROOT)): bends(path, path.read_text(encoding="utf-8")) for path in FILES}
    assert not {name: words for name, words in found.items() if words}


def test_what_does_not_fit_is_seen():
    long = "def f():\n" + "    x = 1\n" * 46 + "f(1, 2, 3, 4, 5, 6, 7, 8, 9)\n" + "#" * 121 + "\n" * 300
    assert len(bends(ROOT / "theory" / "wrong.py", long)) == 4


def undefined(source):
    """Names that a file uses and binds nowhere, in no scope of it."""
    used, bound = set(), set(dir(builtins)) | {"__file__"}
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        else:
            names = (getattr(node, "arg", None), getattr(node, "asname", None), getattr(node, "name", None))
            bound |= {name.split(".")[0] for name in names if isinstance(name, str)}
    return used - bound


def test_every_name_is_defined():
    """In branches that no run takes as well, such as a verdict on other data; one that is not is seen."""
    assert not {str(path.relative_to(ROOT)): names for path in FILES
                if (names := undefined(path.read_text(encoding="utf-8")))}
    assert undefined("def f(x):\n    if x:\n        return [STEPS for _ in x]\n    return len(x)") == {"STEPS"}


def reaches(imports):
    """Pairs of modules that import each other, over any number of steps."""
    grown = {name: set(others) for name, others in imports.items()}
    for middle in grown:
        for name in grown:
            if middle in grown[name]:
                grown[name] |= grown[middle]
    return sorted(name for name in grown if name in grown[name])


def test_no_module_imports_itself_over_others():
    """Between files; a package's `__init__` gathers its files and is left out. The null: two files that do are seen."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in FILES
             if path.name != "__init__.py"}
    imports = {name: {whole if whole in names else whole.rpartition(".")[0] for whole in imported(path)} & set(names)
               for name, path in names.items()}
    assert not reaches(imports)
    assert reaches({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c"]


def arguments(function):
    return {argument.arg for argument in function.args.args + function.args.kwonlyargs}


def without_rate(source):
    """Random tests of a file that do not say how often they fail by chance: no mark `chance`, or one that says nothing.

    Random are those that take `rng`, `rng_seed` or `example`, a fixture of the file that
    does, or what hypothesis draws.
    """
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    drawn = {"rng", "rng_seed", "example"}
    for _ in range(2):  # a fixture over another
        drawn |= {name for name, node in functions.items() if arguments(node) & drawn and not name.startswith("test_")}
    whole = any("mark.chance('exact')" in ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign))
    found = []
    for name, node in functions.items():
        words = [ast.unparse(one) for one in node.decorator_list]
        if name.startswith("test_") and (arguments(node) & drawn or any(word.startswith("given(") for word in words)):
            kinds = [word for word in words if "mark.chance(" in word]
            if not (any(kind.endswith(("('law')", "('exact')")) or "('measured', '" in kind for kind in kinds)
                    or whole and not kinds):
                found.append(name)
    return found


def test_random_tests_state_how_often_they_fail_by_chance():
    """By law, measured, or never but for rounding: see README.md; one that says nothing is seen, however drawn."""
    found = {path.name: without_rate(path.read_text(encoding="utf-8")) for path in FILES if path.match("test_*.py")}
    assert not {name: tests for name, tests in found.items() if tests}
    for head in ("def test_x(rng): pass", "@given(st.floats())\ndef test_x(x): pass",
                 "def runs(rng_seed): return rng_seed\ndef test_x(runs): pass",
                 "@pytest.mark.chance('measured')\ndef test_x(rng): pass"):
        assert without_rate(head) == ["test_x"]
    assert not without_rate("@pytest.mark.chance('measured', '5 errors of 9 seeds')\ndef test_x(rng): pass")
