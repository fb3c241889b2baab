"""The command line: exit statuses, one line on standard error, templates that run at once."""

import json
import runpy

import pytest

from refimpl.__main__ import main
from refimpl.testing import _command_line as command, cases, conventions, models
from refimpl.testing._definitions import DEFINITIONS

RIGHT = """
from __future__ import annotations
import dataclasses
@dataclasses.dataclass
class Made:
    dim: int
    gradient = staticmethod(lambda *given: make(3)["gradient"](*given))
def make(dim):
    print("printed by the candidate")
    def gradient(w, x, y):
        return x.T @ (x @ w - (0 if y is None else y)) / len(x)
    return {"gradient": gradient}
half = lambda dim: {"gradient": lambda *given: make(dim)["gradient"](*given) / 2}
lists = {"predict": lambda w, x: [sum(a * b for a, b in zip(w, row)) for row in x]}
late = {"sgd": lambda w, x, y, learning_rate, indices: w}
lost = {"gradient": lambda w, x, y: w * float("nan"), "predict": lambda w, x: 1 / 0}
"""


@pytest.fixture
def candidates(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(RIGHT)
    return path


def refused(words, capsys):
    """The line on standard error of a command that could not begin."""
    with pytest.raises(SystemExit) as stopped:
        command.main(words)
    output = capsys.readouterr()
    assert stopped.value.code == 2 and not output.out and output.err.count("\n") == 1
    return output.err


def test_check_says_0_1_or_2(candidates, capsys):
    assert command.main(["check", f"{candidates}:make", "LinearRegression"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("LinearRegression: ") and "printed by" in output.err and "printed by" not in output.out
    assert command.main(["check", f"{candidates}:Made", "LinearRegression"]) == 0
    assert command.main(["check", f"{candidates}:half", "LinearRegression"]) == 1
    assert "a factor ½ too many" in capsys.readouterr().out
    assert "candidate's sgd must take lr, indices by keyword" in refused(
        ["check", f"{candidates}:late", "LinearRegression"], capsys)


def test_check_as_json(candidates, capsys):
    assert command.main(["check", f"{candidates}:half", "LinearRegression", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["ok"] and found["counts"]["failed"] == sum(each["status"] == "failed" for each in found["records"])
    assert found["causes"]["gradient"].startswith("a factor ½")
    assert command.main(["check", f"{candidates}:lost", "LinearRegression", "--json"]) == 1
    kinds = {(each["status"], each["where"] is None): (each["deviation"], each["traceback"] != "")
             for each in json.loads(capsys.readouterr().out)["records"]}
    assert kinds == {("failed", False): ("infinite", False), ("error", True): (None, True),
                     ("skipped", True): (None, False)}


@pytest.mark.parametrize(("words", "message"), [
    (["check", "missing.py:make", "MLP"], "candidate's file must exist"), (["check", "mine.py", "MLP"], "FILE.py:NAME"),
    (["check", "mine.py:", "MLP"], "FILE.py:NAME"), (["check", "notes.txt:make", "MLP"], "must be Python source"),
    (["check", "mine.py:make", "Nets"], "invalid choice: 'Nets'"),
    (["check", "mine.py:other", "MLP"], "there are annotations, dataclasses, Made, make"),
    (["check", "broken.py:make", "MLP"], "cannot be imported: SyntaxError"), (["template", "Nets"], "invalid choice"),
    (["check", "mine.py:make", "LinearRegression", "--functions", "grad"], "functions must be one of"),
    ([], "command"), (["check", "mine.py:make", "LinearRegression", "--rtol", "-1"], "rtol must be positive"),
])
def test_what_cannot_begin_is_said_in_one_line(words, message, candidates, capsys, monkeypatch):
    monkeypatch.chdir(candidates.parent)
    (candidates.parent / "broken.py").write_text("def make(:")
    (candidates.parent / "notes.txt").write_text("make = 1")
    assert message in refused(words, capsys)


def test_ctrl_c_is_one_line(candidates, capsys):
    candidates.write_text("def predict(w, x): raise KeyboardInterrupt\nmine = {'predict': predict}")
    assert main(["check", f"{candidates}:mine", "LinearRegression"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_models_lists_every_function_with_its_formula(capsys):
    assert command.main(["models"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for case in cases():
        assert all(f" {key.split(':')[0]}(" in text for key in case.expected)
        assert all(name in text for name in case.settings)
    assert command.main(["models", "MLP"]) == 0
    one = " ".join(capsys.readouterr().out.split())
    assert one.startswith("MLP: ") and one in text and "ConvNet" not in one


@pytest.mark.parametrize("model", models())
def test_a_template_says_what_is_not_implemented(model, tmp_path, capsys):
    assert command.main(["template", model]) == 0
    path, text = tmp_path / "mine.py", capsys.readouterr().out
    path.write_text(text)
    for said in (*DEFINITIONS[model].values(), f": {conventions(model).splitlines()[0]}"):
        assert " ".join(said.split(": ", 1)[1].split()) in " ".join(text.split())
    assert command.main(["check", f"{path}:make", model, "--functions", "predict", "sgd"]) == 1
    assert "not implemented: predict, sgd" in capsys.readouterr().out


def test_a_template_runs_at_once_and_is_green_when_filled_in(tmp_path, capsys):
    command.main(["template", "LinearRegression"])
    path, text = tmp_path / "mine.py", capsys.readouterr().out
    path.write_text(text)

    def run():
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(path), run_name="__main__")
        return ended.value.code, capsys.readouterr().out

    status, said = run()
    assert status == 1 and "not implemented: predict, losses" in said
    body, _, rest = text.partition('        raise NotImplementedError')
    rest = rest[rest.index("}", rest.index("    return {")) + 1:]
    path.write_text(body + '        return x @ w\n\n    return {"predict": predict}' + rest)
    status, said = run()
    assert status == 0, said


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_templates_of_frameworks_are_python_and_name_their_arrays(framework, capsys):
    assert command.main(["template", "MLP", "--framework", framework]) == 0
    text = capsys.readouterr().out
    compile(text, "mine.py", "exec")
    assert f"import {framework}" in text and "convert = " in text
