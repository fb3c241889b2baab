"""Golden vectors: stable, whole, readable without NumPy, and right to more digits than they have."""

import decimal
import hashlib
import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from refimpl import __main__ as command
from refimpl.testing import cases, export_vectors, models, read_vectors
from tests.testing._plain import leaves, plain

READER = Path(read_vectors.__file__)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    directory = tmp_path_factory.mktemp("export") / "vectors"
    export_vectors(directory)
    return directory


def as_lists(value):
    """An argument as nested lists: an array, or batches of unequal size."""
    if isinstance(value, tuple):
        return [each.tolist() for each in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def read(directory):
    """What plain Python without NumPy says of an export."""
    return subprocess.run([sys.executable, "-I", "-S", READER, directory], capture_output=True, text=True,
                          encoding="utf-8")


@pytest.fixture(scope="module")
def said(vectors):
    return read(vectors)


def contents(directory):
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def test_the_same_bytes_every_time_and_in_a_fresh_process(vectors, tmp_path):
    some = ["TwoMinima", "TwoLayerCNN"]
    code = f"from refimpl.testing import export_vectors; export_vectors({str(tmp_path / 'again')!r}, {some!r})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=READER.parents[2],
                   env=os.environ | {"PYTHONHASHSEED": "7"})
    again, before = contents(tmp_path / "again"), contents(vectors)
    del again["manifest.json"]   # which lists fewer models
    assert again == {path: content for path, content in before.items() if path in again} and len(again) >= 20
    assert export_vectors(tmp_path / "whole").read_bytes() == before["manifest.json"]


def test_manifest_lists_every_file_with_its_hash(vectors):
    manifest = json.loads((vectors / "manifest.json").read_text(encoding="utf-8"))
    found = contents(vectors)
    del found["manifest.json"]
    assert manifest["sha256"] == {path: hashlib.sha256(content).hexdigest() for path, content in found.items()}
    assert list(manifest["conventions"]) == list(models())
    for case in cases():
        assert {key.split(":")[0] for key in case.expected} <= set(manifest["definitions"][case.model]), case.name
    assert {"large-lr-refimpl", "numpy", "scipy"} == set(manifest["versions"]) and manifest["format"] == 2
    assert {f"cases/{case.name}.json" for case in cases()} | {"schema.json"} <= set(found)


def test_the_reader_without_numpy_gets_every_number(vectors):
    for case in cases():
        document = read_vectors.read_case(vectors / "cases" / f"{case.name}.json")
        assert document["dtype"] == case.dtype and set(document["expected"]) == set(case.expected)
        for part in "wxyv":
            value = getattr(case, part)
            assert document["inputs"][part] == (None if value is None else value.tolist()), (case.name, part)
        for quantity, each in case.expected.items():
            written = document["expected"][quantity]
            assert written["value"] == each.value.tolist()
            assert written["tolerance"] == np.asarray(each.tolerance).tolist()
            assert set(written["arguments"]) == set(each.arguments)
            for name, value in each.arguments.items():
                assert written["arguments"][name] == as_lists(value)


def test_decimals_are_the_hexadecimals_and_archives_need_no_pickle(vectors):
    def walk(node):
        if isinstance(node, dict) and "hex" in node:
            pairs = zip(node["decimal"], node["hex"]) if "shape" in node else [(node["decimal"], node["hex"])]
            assert all(float(number) == float.fromhex(text) for number, text in pairs)
        elif isinstance(node, dict):
            for part in node.values():
                walk(part)

    for path in vectors.rglob("*.json"):
        if path.parent.parent.name == "cases":
            walk(json.loads(path.read_text(encoding="utf-8")))
    archives = list(vectors.rglob("*.npz"))
    assert len(archives) >= 3
    for path in archives:
        with np.load(path, allow_pickle=False) as archive:
            assert archive.files and all(archive[name].size > 512 for name in archive.files)


def test_documents_follow_the_schema(vectors):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((vectors / "schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    for path in (vectors / "cases").rglob("*.json"):
        validator.validate(json.loads(path.read_text(encoding="utf-8")))


def test_the_reader_runs_on_plain_python(said):
    assert said.stdout.endswith(" values agree, 0 differ\n") and said.returncode == 0


def test_the_reader_sees_a_file_that_is_changed_and_a_value_that_differs(tmp_path, capsys, monkeypatch):
    """Least squares with and without its ½, labels or none; a file that is not that of the manifest; every gradient
    twice as large."""
    export_vectors(tmp_path, ["LinearRegression", "LeastSquares"])
    count = 3 * len(cases("LinearRegression") + cases("LeastSquares"))
    assert read_vectors.main(tmp_path) == 0 and capsys.readouterr().out == f"{count} values agree, 0 differ\n"
    right = read_vectors.least_squares

    def twice(*given):
        predicted, loss, gradient = right(*given)
        return predicted, loss, [2 * part + 1 for part in gradient]

    monkeypatch.setattr(read_vectors, "least_squares", twice)
    assert read_vectors.main(tmp_path) == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == f"{count * 2 // 3} values agree, {count // 3} differ" and len(lines) == count // 3
    assert "differs: LeastSquares/n1-d1 gradient" in lines
    path = tmp_path / "cases" / "LeastSquares" / "n1-d1.json"
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert read_vectors.main(tmp_path) == 1
    assert capsys.readouterr().out == "not what the manifest says: cases/LeastSquares/n1-d1.json\n"


def test_the_readers_count_nan_and_infinity_as_differences():
    """`max(1e-12, nan)` is 1e-12, and NaN ≤ 1 is false: only a test written the second way sees it."""
    nan, inf = float("nan"), float("inf")
    for got in (nan, [1.0, nan], [nan, 1.0], [1.0, inf], [1.0], 1.0, [[1.0], 1.0]):
        assert not read_vectors.agrees(got, [1.0, 1.0] if got is not nan else 1.0, 0.5)
    for tolerance, which in (([0.5, 0.1], [True, False]), ([0.1, 0.5], [False, True]), ([0.5], [True, True])):
        assert [read_vectors.agrees(got, [1.0, 1.0], tolerance) for got in ([1.4, 1.0], [1.0, 1.4])] == which
    assert read_vectors.agrees([1.25, 1.0], [1.0, 1.0], 0.5) and read_vectors.agrees([[1.25]], [[1.0]], [[0.5]])


def test_the_reader_in_c_agrees_and_counts_nan(vectors, said, tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    source = READER.with_suffix(".c").read_text(encoding="utf-8")
    wrong = source.replace("residual = predicted[i]", "residual = NAN * predicted[i]")
    assert wrong != source
    found = []
    for name, text in (("right", source), ("wrong", wrong)):
        (tmp_path / f"{name}.c").write_text(text, encoding="utf-8")
        subprocess.run([compiler, "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Werror", tmp_path / f"{name}.c",
                        "-lm", "-o", tmp_path / name], check=True)
        found.append(subprocess.run([tmp_path / name, vectors], capture_output=True, text=True))
    assert found[0].returncode == 0 and found[0].stdout == said.stdout
    assert found[1].returncode == 1 and found[1].stdout.count("loss") == found[1].stdout.count("gradient") >= 20


def test_an_earlier_export_is_replaced_and_nothing_else_is(vectors, tmp_path):
    target = tmp_path / "v"
    target.mkdir()
    export_vectors(target, ["Quadratic"])
    export_vectors(target, ["TwoMinima"])
    assert [path.name for path in (target / "cases").iterdir()] == ["TwoMinima"] and len(list(tmp_path.iterdir())) == 1
    (target / "mine.txt").write_text("keep me")
    before = contents(target)
    with pytest.raises(ValueError, match="only an earlier export, got .* with mine.txt"):
        export_vectors(target)
    assert contents(target) == before
    other = tmp_path / "other"
    other.mkdir()
    (other / "manifest.json").write_text('{"sha256": 3}')
    with pytest.raises(ValueError, match="only an earlier export"):
        export_vectors(other)
    with pytest.raises(ValueError, match="got the file"):
        export_vectors(other / "manifest.json")


def test_an_interrupted_export_leaves_the_old_one(vectors, tmp_path, monkeypatch):
    export_vectors(tmp_path / "v", ["TwoMinima"])
    before = contents(tmp_path / "v")

    def full(descriptor):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            export_vectors(tmp_path / "v", ["Quadratic"])
        with pytest.raises(OSError, match="no space left"):
            export_vectors(tmp_path / "new", ["TwoMinima"])
    assert contents(tmp_path / "v") == before and len(list(tmp_path.iterdir())) == 1

    rename = Path.rename

    def stuck(self, target):
        if self.name.endswith(".new"):
            raise OSError("stuck")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", stuck)
        with pytest.raises(OSError, match="stuck"):
            export_vectors(tmp_path / "v", ["Quadratic"])
    assert contents(tmp_path / "v") == before and len(list(tmp_path.iterdir())) == 1


def test_command_line(tmp_path, capsys):
    assert command.main(["export", str(tmp_path / "v"), "--model", "TwoMinima"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "v" / "manifest.json")
    with pytest.raises(SystemExit) as stopped:
        command.main(["export", str(Path(__file__))])
    assert stopped.value.code == 2 and "directory must be a directory" in capsys.readouterr().err


# Independent recomputation from the files: exact where a model is polynomial, with 40 digits elsewhere.

POLYNOMIAL = ("LinearRegression", "Quadratic", "TwoMinima", "LeastSquares", "TwoLayerCNN", "MLP", "LinearNet")
DIGITS = ("MLP", "ConvNet")


def converted(node, number):
    if isinstance(node, list):
        return [converted(part, number) for part in node]
    return number(node) if isinstance(node, float) else node


def recompute(document, number, quantities):
    """(name, exact numbers, document's numbers, tolerances) of the quantities of a case, recomputed in `number`."""
    model = plain(document["model"], document["settings"], exact=True)
    inputs = {part: converted(value, number) for part, value in document["inputs"].items()}
    w, x, y, v = (inputs[part] for part in "wxyv")
    for name in quantities:
        if name not in document["expected"]:
            continue
        given = {"predict": (w, x), "hvp": (w, x, y, v)}.get(name, (w, x, y))
        each = document["expected"][name]
        arguments = {key: converted(value, number) for key, value in each["arguments"].items()}
        if name.startswith("sgd"):
            arguments = {key: value[:2] if isinstance(value, list) else value for key, value in arguments.items()}
            got, wanted = leaves(model.sgd(*given, **arguments)), leaves(each["value"][:3])
            allowed = max(leaves(each["tolerance"]))
        else:
            got, wanted, allowed = leaves(getattr(model, name)(*given)), leaves(each["value"]), each["tolerance"]
        yield name, got, wanted, allowed


def polynomial(case):
    if case.model == "LinearNet":
        return case.settings["width"] in (1, 4)                   # √m is a number
    return case.model in POLYNOMIAL and (case.model != "MLP" or (case.settings["activation"] != "tanh"
                                                                 and case.settings["loss_kind"] == "squared"))


def small(case):
    return case.w.size * len(case.x) <= 200 and case.dtype == "float64"


def test_polynomial_models_agree_with_exact_rational_arithmetic(vectors):
    """To a thousandth of the tolerance that others get, and to 1e-12 of the largest entry."""
    seen = set()
    for case in cases():
        if not polynomial(case) or not small(case):
            continue
        document = read_vectors.read_case(vectors / "cases" / f"{case.name}.json")
        names = ("predict", "losses", "loss", "gradient", "hvp", "sgd:with-replacement", "sgd:noise-and-decay")
        for name, got, wanted, allowed in recompute(document, Fraction, names):
            gap = max(abs(a - Fraction(b)) for a, b in zip(got, wanted, strict=True))
            assert gap <= Fraction(allowed) / 1000, (case.name, name)
            seen.add((case.model, name))
    assert len(seen) == 7 * len(POLYNOMIAL) - 1   # TwoMinima has no Hessian-vector product


def test_other_models_agree_with_forty_digits(vectors):
    seen = set()
    with decimal.localcontext() as context:
        context.prec = 40
        for case in cases():
            if case.model not in DIGITS or not small(case):
                continue
            document = read_vectors.read_case(vectors / "cases" / f"{case.name}.json")
            names = ("predict", "losses", "loss", "gradient", "hvp")
            for name, got, wanted, allowed in recompute(document, Decimal, names):
                gap = max(abs(a - Decimal(b)) for a, b in zip(got, wanted, strict=True))
                assert gap <= Decimal(allowed) / 1000, (case.name, name)
                seen.add((case.model, name))
    assert len(seen) == 5 * len(DIGITS)
