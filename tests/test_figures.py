"""The figure runner: same bytes again, whole files only, exit statuses, the report."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from figures import _all, _report
from figures.__main__ import main
from figures._figure import AGREES, DIFFERS, NOT_JUDGED, Figure, Row, close, holds
from figures._statistics import fitted_power, t_limit
from figures._style import panels, theory
from refimpl._atomic import write
from tests import support

ROOT = Path(__file__).parent.parent
FAST = ("memorising-net", "pattern-turnover")


def tiny(name, passed=True):
    """A figure that draws at once, with one row."""

    def draw(numbers):
        figure, axes = panels(1, 1)
        axes[0].plot(numbers["values"], **theory())
        return figure

    return Figure(name, f"title of {name}", "A line.", lambda effort, rng: {"values": rng.random(5)},
                  lambda numbers: (holds("WME18.eq4", "q", "1", "1", "0", passed, null="2"),), draw, ("WME18.eq4",),
                  (0.1, 0.1, 0.1))


@pytest.fixture
def tiny_figures(monkeypatch):
    figures = (tiny("one"), tiny("two"))
    for module in ("figures.__main__", "figures._all"):
        monkeypatch.setattr(sys.modules[module], "FIGURES", figures)


def contents(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def command(*words, **options):
    return subprocess.run([sys.executable, "-m", "figures", *words], cwd=ROOT, capture_output=True, text=True, **options)


def test_same_bytes_again_and_for_any_number_of_workers(tmp_path):
    for name, workers in (("a", "1"), ("b", "2")):
        done = command(*FAST, "--effort", "quick", "--out", str(tmp_path / name), "--workers", workers)
        assert done.returncode == 0, done.stderr
    first = contents(tmp_path / "a")
    assert sorted(first) == sorted([f"{name}.{suffix}" for name in FAST for suffix in ("json", "npz", "png", "svg")] + ["report.md"])
    assert first == contents(tmp_path / "b")
    other = command(FAST[0], "--effort", "quick", "--out", str(tmp_path / "c"), "--seed", "1")
    assert other.returncode == 0, other.stderr
    assert (tmp_path / "c" / f"{FAST[0]}.npz").read_bytes() != first[f"{FAST[0]}.npz"]  # the seed is used


def test_what_is_written_beside_the_picture(tmp_path, tiny_figures, capsys):
    assert main(["one", "--out", str(tmp_path)]) == 0
    with np.load(tmp_path / "one.npz", allow_pickle=False) as data:
        assert data["values"].shape == (5,)
    record = json.loads((tmp_path / "one.json").read_text(encoding="utf-8"))
    assert record["effort"] == "standard" and record["rows"][0]["claim"] == "WME18.eq4"
    assert (tmp_path / "one.png").read_bytes()[:4] == b"\x89PNG"
    assert not (tmp_path / "two.png").exists()
    assert capsys.readouterr().out.startswith("one: ")


def test_a_failed_verdict_is_exit_status_one(tmp_path, monkeypatch, capsys):
    for module in ("figures.__main__", "figures._all"):
        monkeypatch.setattr(sys.modules[module], "FIGURES", (tiny("good"), tiny("bad", passed=False)))
    assert main(["--out", str(tmp_path), "--workers", "1"]) == 1
    assert "DIFFERS WME18.eq4 in bad" in capsys.readouterr().err
    assert "**1 differ**" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert main(["good", "--out", str(tmp_path)]) == 0


@pytest.mark.parametrize("words", [["no-such-figure"], ["--effort", "huge"], ["--workers", "0"], ["--seed", "-1"], ["--bad"],
                                   ["--data", "no-such-directory"]])
def test_bad_usage_is_exit_status_two(words):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2


def test_an_output_that_cannot_be_written_is_exit_status_two(tmp_path, tiny_figures, capsys):
    (tmp_path / "file").write_text("")
    assert main(["--out", str(tmp_path / "file")]) == 2
    assert "cannot write to" in capsys.readouterr().err


def test_list_names_every_figure_with_its_share(capsys):
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    for figure in _all.FIGURES:
        assert figure.name in listed and figure.title in listed and "/".join(f"{s:g}" for s in figure.seconds) in listed


def test_expected_times_fit_the_limits():
    """On two cores, for all studies together: quick 90 s, standard 6 minutes, full 25 minutes."""
    for effort, limit in enumerate((90, 360, 1500)):
        assert sum(figure.seconds[effort] for figure in _all.FIGURES) / 2 < limit


def test_figures_have_names_of_their_own_and_rows_for_their_claims(tmp_path):
    names = [figure.name for figure in _all.FIGURES]
    assert len(set(names)) == len(names)
    chosen = next(figure for figure in _all.FIGURES if figure.name == FAST[0])
    rows = chosen.judge(chosen.simulate("quick", np.random.default_rng(3)))
    assert {row.claim for row in rows} == set(chosen.claims)


def test_killed_at_any_moment_it_leaves_whole_files_and_runs_again(tmp_path):
    """kill -9 while it draws, at three moments: every file there is whole; the next run completes and clears up."""
    words = [sys.executable, "-m", "figures", *FAST, "--effort", "quick", "--workers", "1", "--out", str(tmp_path)]
    for wait in (1.0, 1.6, 2.2):
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for path in tmp_path.iterdir():
            if path.suffix == ".json" and not path.name.startswith("."):
                json.loads(path.read_text(encoding="utf-8"))
            if path.suffix == ".npz" and not path.name.startswith("."):
                np.load(path, allow_pickle=False).close()
    (tmp_path / ".pending-1-old.png").write_bytes(b"half")
    assert command(*FAST, "--effort", "quick", "--out", str(tmp_path)).returncode == 0
    assert not list(tmp_path.glob(".pending-*"))
    assert (tmp_path / "report.md").exists()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads the children of a process from /proc")
def test_workers_do_not_outlive_a_killed_run(tmp_path):
    words = [sys.executable, "-m", "figures", *FAST, "--effort", "full", "--workers", "2", "--out", str(tmp_path)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until(lambda: len(children.read_text().split()) >= 3)  # two workers and the resource tracker
    workers = [int(child) for child in children.read_text().split()]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not any(alive(worker) for worker in workers))


def until(condition, limit=30):
    """Wait for a condition."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(pid):
    """Whether a process runs (one that ended but was not collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def files_of_at_most(size):
    """What is written beyond `size` bytes fails, as on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    write(path, b"old")
    with pytest.raises(OSError, match="File too large"), files_of_at_most(4):
        write(path, b"new, longer")
    assert contents(tmp_path) == {"file": b"old"}
    with pytest.raises(OSError, match="File too large"), files_of_at_most(4):
        path.write_bytes(b"new, longer")
    assert contents(tmp_path) == {"file": b"new,"}  # the null: a plain write has lost the old file


def test_a_file_is_on_disk_before_it_takes_the_place_of_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write(path, b"new, longer")
    assert contents(tmp_path) == {"file": b"old"}


def test_fitted_powers_are_as_far_from_the_truth_as_their_errors_say(rng):
    """1500 fits to three points of two replicas with scatter 0.3: five in a hundred beyond the limit for that; an
    error that forgets the replicas, and normal instead of Student tails, are caught."""
    x, fits = np.array([1.0, 3.0, 5.0]), 1500
    distances = []
    for _ in range(fits):
        power, error, degrees = fitted_power(x, 2 * x[:, None]**1.5 * np.exp(0.3 * rng.standard_normal((3, 2))))
        distances.append(abs(power - 1.5) / error)
    allowed = support.z_limit(1) * support.binomial_error(0.05, fits)
    assert degrees == 3 and abs(np.mean(np.array(distances) > t_limit(3, 0.05)) - 0.05) < allowed
    for wrong in (t_limit(3, 0.05) / 2, 1.96):
        assert abs(np.mean(np.array(distances) > wrong) - 0.05) > allowed
    exact, error, _ = fitted_power(x, np.repeat(2 * x[:, None]**1.5, 2, axis=1))
    assert abs(exact - 1.5) < 1e-12 and error < 1e-12


def test_rows_compare_as_they_say():
    null = (2.0, "twice")
    assert close("c", "q", 1.0, 1.05, 0.1, null=null).verdict == AGREES
    assert close("c", "q", 1.0, 1.2, 0.1, null=null).verdict == DIFFERS
    assert close("c", "q", 1.0, float("nan"), 0.1, null=null).verdict == DIFFERS
    assert close("c", "q", 1.0, 1.05, 1.5, null=null).verdict == NOT_JUDGED  # the null agrees as well
    assert close("c", "q", 1.0, 1.05, 0.1, null=null).null_margin == pytest.approx(10)
    with pytest.raises(ValueError, match="kind of a row of c"):
        holds("c", "q", "1", "1", "0", True, null="2", kind="measured")


def test_a_report_escapes_and_says_what_was_not_drawn():
    row = Row("WME18.eq4", "a|b", "1", "2", "0", "3", "simulated", DIFFERS)
    text = _report.report([{"figure": "f", "effort": "quick", "seed": 0, "rows": [vars(row)]}])
    assert "a\\|b" in text and "**differs**" in text and "Not drawn in this run." in text
