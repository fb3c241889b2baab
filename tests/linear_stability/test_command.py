"""``python -m theory stability``: prints the report, as text or JSON, draws, and refuses in one line with status 2."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from theory.__main__ import main
from theory.linear_stability import GaussNewton, critical_lr, plot_diagram, plot_rates, stability_report


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "factors.npy"
    np.save(path, np.random.default_rng(0).standard_normal((12, 5)))
    return path


def told(capsys, *words):
    return main(["stability", *map(str, words)]), capsys.readouterr()


def test_it_prints_the_report_of_the_file(file, capsys):
    status, said = told(capsys, file, "--lr", 0.01, "--batch-size", 2, "--momentum", 0.5)
    assert status == 0 and said.out.strip() == str(stability_report(GaussNewton(np.load(file)), 0.01, 2, momentum=0.5))


def test_a_kernel_hessians_and_two_files_say_the_same(file, tmp_path, capsys):
    factors, asked = np.load(file), ("--lr", 0.01, "--batch-size", 2, "--json")
    np.save(tmp_path / "kernel.npy", factors @ factors.T)
    np.save(tmp_path / "hessians.npy", factors[:, :, None] * factors[:, None])
    for name, part in (("a", factors[:5]), ("b", factors[5:])):
        np.save(tmp_path / f"{name}.npy", part)
    exact = critical_lr(GaussNewton(factors), 2)
    for words in ([tmp_path / "kernel.npy", "--kernel"], [tmp_path / "hessians.npy", "--hessians"],
                  [tmp_path / "a.npy", tmp_path / "b.npy"]):
        found = json.loads(told(capsys, *words, *asked)[1].out)
        assert found["critical_lr"] == pytest.approx(exact, rel=1e-6) and found["verdict"] == "stable"


def test_with_check_an_unstable_minimum_is_status_one(file, capsys):
    assert told(capsys, file, "--lr", 100, "--batch-size", 2)[0] == 0
    assert told(capsys, file, "--lr", 100, "--batch-size", 2, "--check")[0] == 1
    assert told(capsys, file, "--lr", 1e-4, "--batch-size", 2, "--check")[0] == 0


@pytest.mark.parametrize(("words", "message"), [
    (["--lr", "0.1", "--batch-size", "13"], "batch_size must be a whole number in 1…12"),
    (["--lr", "-1", "--batch-size", "2"], "lr must be positive"),
    (["--lr", "0.1", "--batch-size", "2", "--momentum", "1"], "momentum"),
    (["--lr", "0.1", "--batch-size", "2", "--outputs", "3"], "--outputs goes with --kernel"),
    (["--lr", "0.1", "--batch-size", "2", "--kernel"], "kernel must have shape"),
    (["--lr", "0.1", "--batch-size", "2", "--plot", "out.txt"], "--plot must end with one of .png"),
    (["--lr", "0.1", "--batch-size", "2", "--plot", "no-such-directory/out.png"], "--plot must name a file"),
])
def test_bad_arguments_are_one_line_and_status_two(file, capsys, words, message):
    status, said = told(capsys, file, *words)
    assert status == 2 and message in said.err and said.err.count("\n") == 1 and not said.out


HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 1000), }"
HUGE = b"\x93NUMPY\x01\x00" + bytes([118, 0]) + HEADER.ljust(117) + b"\n"      # a header that promises 8e14 bytes


@pytest.mark.parametrize("content", [b"", b"not an array", HUGE, None])
def test_files_that_cannot_be_read_are_one_line_and_status_two(tmp_path, capsys, content):
    path = tmp_path / "bad.npy"
    if content is not None:
        path.write_bytes(content)
    status, said = told(capsys, path, "--lr", 0.1, "--batch-size", 1)
    assert status == 2 and "cannot be read as an array" in said.err and said.err.count("\n") == 1


@pytest.mark.parametrize(("form", "kind"), [(lambda J: J @ J.T, "--kernel"),
                                            (lambda J: J[:, :, None] * J[:, None], "--hessians")])
def test_what_is_square_and_symmetric_is_not_taken_for_factors(file, tmp_path, capsys, form, kind):
    """Read as factors a kernel or Hessians would give a rate that is wrong without any sign."""
    np.save(tmp_path / "square.npy", form(np.load(file)))
    status, said = told(capsys, tmp_path / "square.npy", "--lr", 0.1, "--batch-size", 1)
    assert status == 2 and f"add {kind}" in said.err


@pytest.mark.parametrize("shape", [(5, 5), (4, 3, 3), (3, 3, 3)])
def test_what_is_square_but_not_symmetric_is_factors(tmp_path, capsys, shape):
    """As many examples, or outputs, as parameters."""
    factors = np.random.default_rng(1).standard_normal(shape)
    np.save(tmp_path / "factors.npy", factors)
    status, said = told(capsys, tmp_path / "factors.npy", "--lr", 0.01, "--batch-size", 2, "--json")
    assert status == 0
    assert json.loads(said.out)["critical_lr"] == pytest.approx(critical_lr(GaussNewton(factors), 2), rel=1e-12)


def test_files_that_do_not_fit_together_are_refused(file, tmp_path, capsys):
    np.save(tmp_path / "wide.npy", np.ones((2, 6)))
    for words, message in (((file, tmp_path / "wide.npy"), "files must agree in all axes but the first, got [(12, 5)"),
                           ((file, file, "--kernel"), "--kernel takes one file, got 2")):
        status, said = told(capsys, *words, "--lr", 0.1, "--batch-size", 1)
        assert status == 2 and message in said.err and said.err.count("\n") == 1


def test_it_draws_and_needs_matplotlib_for_that_alone(file, tmp_path, monkeypatch, capsys):
    words = [sys.executable, "-m", "theory", "stability", str(file), "--lr", "0.01", "--batch-size", "2"]
    root = Path(__file__).parents[2]
    code = ("import sys; sys.modules['matplotlib'] = None\n"
            "from theory.__main__ import main; sys.exit(main(sys.argv[1:]))")
    done = subprocess.run([sys.executable, "-c", code, *words[3:]], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("Stable"), done.stderr
    picture = tmp_path / "out.png"
    assert subprocess.run([*words, "--plot", str(picture)], cwd=root, capture_output=True).returncode == 0
    assert picture.read_bytes()[:4] == b"\x89PNG"
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    status, said = told(capsys, file, "--lr", "0.01", "--batch-size", "2", "--plot", picture)
    assert status == 2 and "--plot needs matplotlib" in said.err and said.err.count("\n") == 1 and not said.out


def test_pictures_show_the_numbers_of_the_report():
    """The half-ellipse passes through the critical rate of one dimension; the minimum's marker lies where it is."""
    figure = pytest.importorskip("matplotlib.figure").Figure()
    left, right = figure.subplots(1, 2)
    hessians = np.array([[[0.2]], [[3.8]]])
    report = stability_report(hessians, critical_lr(hessians, 1, momentum=0.3), 1, momentum=0.3)
    plot_diagram(report, left)
    curve, marker = left.lines[0], left.lines[-1]
    at = np.interp(report.sharpness, *curve.get_data())
    assert marker.get_xdata()[0] == report.sharpness and at == pytest.approx(report.non_uniformity, rel=1e-4)
    plot_rates(report, right)
    assert tuple(right.lines[0].get_ydata()) == report.critical_lrs
