"""What is shipped, what it says about itself, and what hides it."""

import configparser
import dataclasses
import importlib
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

import refimpl
from refimpl import linear_stability
from refimpl.testing import check_model

ROOT = Path(__file__).parent.parent
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_source_distribution_is_complete(tmp_path):
    """It holds all that git tracks but what runs the checks, so that tests and figures run from it."""
    pytest.importorskip("setuptools")
    words = ["git", "ls-files"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True) if shutil.which("git") else None
    if listed is None or listed.returncode or not listed.stdout:
        pytest.skip("needs git and its index")
    tracked = {name for name in listed.stdout.splitlines() if (ROOT / name).exists() and not name.startswith(".")}
    for name in tracked:
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / "tree" / name)
    subprocess.run([sys.executable, "-c", "from setuptools.build_meta import build_sdist; build_sdist('..')"],
                   cwd=tmp_path / "tree", check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        shipped = {name.partition("/")[2] for name in archive.getnames()}
    assert not tracked - shipped


def test_run_time_needs_no_matplotlib_and_extras_bring_it():
    options = configparser.ConfigParser(interpolation=None)
    options.read(ROOT / "setup.cfg", encoding="utf-8")
    named = {name: re.findall(r"^(\w+) >=", text, flags=re.MULTILINE) for name, text in
             {"run": options["options"]["install_requires"], **options["options.extras_require"]}.items()}
    assert named["run"] == ["numpy", "scipy"] and named["figures"] == ["matplotlib"] and "matplotlib" in named["test"]
    code = ("import sys; sys.modules['matplotlib'] = None\nimport theory, refimpl\n"
            "for package in (theory, refimpl):\n    for name in package.__all__: getattr(package, name)\n"
            "from theory.__main__ import main; sys.exit(main(['claims']))")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_changelog_and_citation_speak_of_this_version():
    """Headings are [Unreleased] or a version, newest first; sections are those of Keep a Changelog, each with an
    entry."""
    versions = re.findall(r"^## \[(.*?)\]", CHANGES, flags=re.MULTILINE)
    assert versions[0] == "Unreleased" and versions[1] == refimpl.__version__
    numbers = [tuple(map(int, version.split("."))) for version in versions[1:]]
    assert numbers == sorted(numbers, reverse=True)
    for section in re.split(r"^### ", CHANGES, flags=re.MULTILINE)[1:]:
        assert re.match(r"(Added|Changed|Deprecated|Removed|Fixed|Security)\n\n- ", section), section[:40]
    assert f"\nversion: {refimpl.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_figures_without_matplotlib_say_what_to_install(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.split(".")[0] == "figures" and name != "figures"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    main = importlib.import_module("figures.__main__").main
    assert main(["--list"]) == 2 and capsys.readouterr().err.endswith("python -m pip install '.[figures]'\n")


@pytest.mark.parametrize("hidden", ["theory", "refimpl"])
def test_a_file_that_hides_a_package_is_named(tmp_path, hidden):
    """A user's own theory.py, or refimpl.py beside the figures: the error names the file."""
    (tmp_path / f"{hidden}.py").write_text("")
    code = "import refimpl.sgd" if hidden == "theory" else "import figures"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                          env={"PYTHONPATH": str(ROOT), "PATH": ""})
    assert done.returncode == 1 and f"{hidden}.py; rename that file" in done.stderr, done.stderr


def test_results_print_shapes_and_not_arrays():
    shown = repr(linear_stability.two_minima(np.full(1000, 1.001), lr=0.7, steps=3, rng=0))
    assert len(shown) < 400 and "w=<float64 (1000, 1)>" in shown and shown.startswith("Result(")
    report = check_model({"loss": lambda w, x, y: 0.0}, "Quadratic", on_fail=None)
    assert len(repr(report)) < 800 and f"<tuple of {len(report.records)}>" in repr(report)


def test_results_with_arrays_compare_to_one_truth_value():
    """The same run is equal, another seed's is not; field-wise comparison by `==` would raise for arrays."""
    runs = [linear_stability.two_minima(np.full(3, 1.001), lr=0.7, steps=3, rng=seed) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] and runs[0] != runs[2] and runs[0] != 0
    nan = linear_stability.Interval(np.nan, 1.0, 0.0, 2.0)
    assert nan == dataclasses.replace(nan) != dataclasses.replace(nan, stderr=2.0)
