"""The figure runner: same bytes again, whole files only, exit statuses, the report."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from figures import _all, _command, _files, _names
from figures._all import FIGURES
from figures.__main__ import main
from figures._command import arguments
from figures._figure import AGREES, DIFFERS, EFFORTS, NOT_JUDGED, close, holds
from figures._fitted_powers import fitted_power, t_limit
from figures._style import names_null, null, panels, style
from refimpl.testing._command_line import main as kit_main
from tests import support
from tests.tiny_figures import install, tiny
from theory.__main__ import main as theory_main

ROOT = Path(__file__).parent.parent
FAST = ("images-examples", "annealing-paths")  # the two that are drawn soonest
SLOW = "oscillation-published"


@pytest.fixture
def tiny_figures(monkeypatch):
    install(monkeypatch, tiny("one"), tiny("two", claim="WME18.fig2"))


def contents(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_same_bytes_again_and_for_any_number_of_workers(tmp_path):
    """Here with one worker, and in a process of its own with two."""
    assert main([*FAST, "--effort", "quick", "--out", str(tmp_path / "a"), "--workers", "1"]) == 0
    done = subprocess.run([sys.executable, "-m", "figures", *FAST, "--effort", "quick", "--out", str(tmp_path / "b"),
                           "--workers", "2"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = (contents(tmp_path / name) for name in "ab")
    for written in (first, second):  # these alone may name hour, seconds and machine
        assert all(written.pop(name) for name in ("report.html", "report.md", "run.json"))
    assert sorted(first) == sorted(f"{name}.{suffix}" for name in FAST for suffix in ("json", "npz", "png", "svg"))
    assert first == second
    (tmp_path / "c").mkdir()
    assert not _all.draw(_all.Task(FAST[0], "quick", 1, tmp_path / "c")).error
    assert (tmp_path / "c" / f"{FAST[0]}.npz").read_bytes() != first[f"{FAST[0]}.npz"]  # the seed is used


def test_what_is_written_beside_the_picture(tmp_path, tiny_figures, capsys):
    assert main(["one", "--out", str(tmp_path)]) == 0
    with np.load(tmp_path / "one.npz", allow_pickle=False) as data:
        assert data["values"].shape == (5,)
    record = json.loads((tmp_path / "one.json").read_text(encoding="utf-8"))
    assert (
        record["effort"] == "standard" and record["data"] == "synthetic" and record["rows"][0]["claim"] == "WME18.eq4"
    )
    assert (tmp_path / "one.png").read_bytes()[:4] == b"\x89PNG" and not (tmp_path / "two.png").exists()
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("one: started") and "1 agrees" in said[1] and said[2].startswith("report: ")


def test_a_picture_carries_its_title_and_text_that_stays_text(tmp_path, tiny_figures):
    assert main(["one", "--out", str(tmp_path)]) == 0
    drawn = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert "<text" in drawn and ">title of one</text>" in drawn


def test_a_picture_that_names_no_null_says_why(tmp_path, monkeypatch, capsys):
    """Each run holds it for every figure that it draws; one figure alone has a reason, as its panels have no axis."""
    install(monkeypatch, tiny("silent", without_null=""), tiny("excused"))
    assert main(["--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "silent must draw the nulls of its rows, named so, or say why it cannot" in said and "excused" not in said
    picture, (axis,) = panels(1, 1)
    assert not names_null(picture)
    axis.plot([0, 1], label="null: no effect", **null())
    assert not names_null(picture)  # not in a legend
    axis.legend()
    assert names_null(picture)
    assert [figure.name for figure in FIGURES if figure.without_null] == ["images-examples"]


def test_the_user_s_matplotlibrc_does_not_show():
    import matplotlib

    with matplotlib.rc_context({"axes.facecolor": "black", "lines.linewidth": 9, "figure.facecolor": "black"}):
        with style("one"):
            assert matplotlib.rcParams["axes.facecolor"] == "white" == matplotlib.rcParams["figure.facecolor"]
            assert matplotlib.rcParams["lines.linewidth"] == 1.5
        assert matplotlib.rcParams["lines.linewidth"] == 9


def test_a_failed_verdict_is_exit_status_one(tmp_path, monkeypatch, capsys):
    install(monkeypatch, tiny("good"), tiny("bad", passed=False))
    assert main(["--out", str(tmp_path), "--workers", "1"]) == 1
    assert "DIFFERS WME18.eq4 in bad" in capsys.readouterr().err
    assert "FashionMNIST, in part: " in _command._known("WME18.tab1-gd", {"data": "FashionMNIST set 12"})
    assert not _command._known("WME18.tab1-gd", {"data": "MNIST set 12"}) + _command._known("WME18.eq4", {"data": None})
    assert main(["good", "--out", str(tmp_path)]) == 0


def test_a_figure_that_raises_on_synthetic_data_fails_and_the_rest_goes_on(tmp_path, monkeypatch, capsys):
    install(monkeypatch, tiny("bad", raises=ZeroDivisionError("no\nnumbers")), tiny("good"))
    assert main(["--out", str(tmp_path)]) == 1
    assert "NOT DRAWN bad: ZeroDivisionError: no numbers (tests/tiny_figures.py, line" in capsys.readouterr().err
    assert (tmp_path / "good.png").exists() and not (tmp_path / "bad.png").exists()
    assert "1 figure could not be drawn: bad: ZeroDivisionError" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_figure_that_raises_on_a_user_s_set_is_not_judged_and_the_rest_goes_on(tmp_path, monkeypatch, capsys):
    """A set that was read never ends a run: rows not judged that say why, exit status 0; the set is named by
    content."""
    data = tmp_path / "data"
    data.mkdir()
    for prefix in ("train", "t10k"):
        (data / f"{prefix}-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3, *(0, 0, 0, 2) * 3]) + bytes(8))
        (data / f"{prefix}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]))
    install(monkeypatch, tiny("bad", raises=ValueError("too few"), reads_data=True), tiny("good"))
    assert main(["--out", str(tmp_path / "out"), "--data", str(data)]) == 0
    record, other = (json.loads((tmp_path / "out" / f"{name}.json").read_bytes()) for name in ("bad", "good"))
    assert [row["verdict"] for row in record["rows"]] == [NOT_JUDGED] and "too few" in record["rows"][0]["null"]
    assert record["data"].startswith("IDX set ") and other["data"] == "synthetic"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "1 agree, 0 differ, 1 not judged" in page and "1 figure used your data" in page
    flat = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4]) + bytes(8)
    (data / "t10k-images-idx3-ubyte").write_bytes(flat)
    assert main(["--out", str(tmp_path / "out"), "--data", str(data)]) == 2
    assert "images of one size" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["no-such-figure"], ["--effort", "huge"], ["--workers", "0"], ["--seed", "-1"],
                         ["--bad"]])
def test_bad_usage_is_exit_status_two_in_one_line(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2 and capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("option", "said"), [("--out", "File exists"), ("--data", "must be a directory")])
def test_what_cannot_be_written_or_read_is_status_two_before_any_work(tmp_path, tiny_figures, capsys, option, said):
    (tmp_path / "file").write_text("")
    assert main(["--out", str(tmp_path / "new"), option, str(tmp_path / "file")]) == 2
    seen = capsys.readouterr()
    assert said in seen.err and seen.err.count("\n") == 1 and not seen.out


def test_names_studies_claims_and_globs_are_understood(monkeypatch):
    figures = (tiny("one-path"), tiny("two-paths", claim="WME18.fig2"), tiny("three"))
    studies = {"alpha": figures[:2], "beta": figures[2:]}
    for words, wanted in (
        (["three", "one-path"], [0, 2]),
        (["alpha"], [0, 1]),
        (["WME18.fig2"], [1]),
        (["*-path*"], [0, 1]),
        (["WME18.e*", "WME18.eq4"], [0, 2]),
        ([], [0, 1, 2]),
    ):
        assert _names.chosen(words, studies) == [figures[k] for k in wanted]
    for word, nearest in (("tree", "three"), ("alhpa", "alpha"), ("WME18.fig3", "WME18.fig2")):
        with pytest.raises(
            ValueError, match=f"nearest is {nearest}" if word != "WME18.fig3" else "no figure shows WME18.fig3"
        ):
            _names.chosen([word], studies)


def test_each_effort_has_a_directory_of_its_own():
    assert [arguments(["--effort", effort]).out.name for effort in ("quick", "standard", "full")] == [
        "quick",
        "standard",
        "full",
    ]
    assert arguments(["--out", "here"]).out == Path("here")


def test_missing_draws_what_is_not_there_for_this_run(tmp_path, tiny_figures, capsys):
    words = ["--out", str(tmp_path), "--missing"]

    def drawn(*more):
        assert main([*words, *more]) == 0
        return {line.split(":")[0] for line in capsys.readouterr().out.splitlines() if ": started" in line}

    assert drawn("one") == {"one"}
    assert drawn() == {"two"} and drawn() == set()
    assert "2 rows: 2 agree" in (tmp_path / "report.md").read_text(encoding="utf-8")  # also of what was there
    (tmp_path / "one.svg").unlink()
    assert drawn() == {"one"}
    for damaged, content in (("one.json", b"[]"), ("one.json", b"{}"), ("one.png", b""), ("one.npz", b"PK half")):
        (tmp_path / damaged).write_bytes(content)
        assert drawn() == {"one"}
    assert drawn("--seed", "1") == {"one", "two"} and drawn("--effort", "quick", "--seed", "1") == {"one", "two"}


def test_code_that_changes_while_it_draws_is_that_of_the_beginning(tmp_path, tiny_figures, monkeypatch):
    """The run's own figures are in its report; the next --missing, of other code, draws them again."""
    task = _all.Task("one", "standard", 0, tmp_path)
    monkeypatch.setattr(_files, "source", lambda: "changed")
    assert not _all.draw(task).error and _files.current(task)
    assert not _files.current(_all.Task("one", "standard", 0, tmp_path, source=_files.source()))


def test_list_is_grouped_and_fits_a_screen(capsys):
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert max(map(len, listed.splitlines())) <= 120
    words = " ".join(listed.split())
    for figure in _all.FIGURES:
        assert (
            f" {figure.name}" in listed
            and figure.title in words
            and "/".join(f"{s:g}" for s in figure.seconds) in listed
        )
    assert f"{len(_all.FIGURES)} figures of {len(_all.STUDIES)} studies" in listed.splitlines()[-1]


@pytest.mark.parametrize(("command", "words", "status"), [
    (main, ["--list"], 0), (kit_main, ["template", "LinearRegression"], 0), (theory_main, ["claims"], 0),
    (theory_main, ["stability", "J.npy", "--lr", "9", "--batch-size", "1", "--check"], 1)])
def test_a_reader_that_has_seen_enough_is_no_fault(command, words, status, monkeypatch, tmp_path, capsys):
    """As head is, nor is an encoding without Greek: nothing on standard error, and the status is that of the work."""
    monkeypatch.chdir(tmp_path)
    np.save("J.npy", np.ones((2, 1)))
    reader, writer = os.pipe()
    os.close(reader)
    stream = open(writer, "w", encoding="ascii")
    for name in ("stdout", "__stdout__"):
        monkeypatch.setattr(sys, name, stream)
    assert command(words) == status and not capsys.readouterr().err
    sys.stdout.close()


def test_expected_times_fit_the_limits():
    """On two cores, for all studies together: quick 90 s, standard 8 minutes, full 35; on FashionMNIST 3, 15 and 90."""
    for effort, limit, on_images in zip(EFFORTS, (90, 480, 2100), (180, 900, 5400)):
        assert sum(figure.expected(effort, None) for figure in _all.FIGURES) / 2 < limit
        assert sum(figure.expected(effort, "DIR") for figure in _all.FIGURES) / 2 < on_images


def test_figures_have_names_of_their_own_and_rows_for_their_claims(tmp_path):
    names = [figure.name for figure in _all.FIGURES]
    assert len(set(names)) == len(names) and all(figure.title and figure.caption for figure in _all.FIGURES)
    chosen = next(figure for figure in _all.FIGURES if figure.name == FAST[0])
    rows = chosen.judge(chosen.simulate("quick", np.random.default_rng(3)))
    assert {row.claim for row in rows} == set(chosen.claims)


def test_killed_at_any_moment_it_leaves_whole_files_and_runs_again(tmp_path):
    """kill -9 when the first file is there, and again when a whole figure is: all files are whole; the next run
    completes, clears up."""
    words = [*FAST, "--effort", "quick", "--workers", "1", "--out", str(tmp_path)]
    for moment in ("*.npz", f"{FAST[0]}.json"):
        process = subprocess.Popen([sys.executable, "-m", "figures", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
        until(lambda: list(tmp_path.glob(moment)), lambda: process.poll() is None)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        for path in tmp_path.glob("[!.]*.json"):
            json.loads(path.read_text(encoding="utf-8"))
        for path in tmp_path.glob("[!.]*.npz"):
            np.load(path, allow_pickle=False).close()
    (tmp_path / ".pending-1-old.png").write_bytes(b"half")
    assert main(words) == 0
    assert not list(tmp_path.glob(".pending-*")) and (tmp_path / "report.md").exists()


def test_ctrl_c_keeps_what_is_done_and_reports_it(tmp_path):
    """While a long figure is drawn: 130, at most four lines on standard error, what was drawn is there and in the
    report."""
    words = [sys.executable, "-m", "figures", FAST[0], SLOW, "--effort", "full", "--workers", "2",
             "--out", str(tmp_path)]
    assert main([FAST[0], "--effort", "full", "--out", str(tmp_path)]) == 0
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, and inherited so, in the background
    process = subprocess.Popen([*words, "--missing"], cwd=ROOT, text=True, start_new_session=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    while not (line := process.stdout.readline()).startswith(f"{SLOW}: started"):
        assert line, "it ended before it began"
    time.sleep(1.0)
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors.count("\n") <= 4 and "1 of 2 figures are drawn" in errors
    assert "The run was interrupted" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert not (tmp_path / f"{SLOW}.json").exists() and (tmp_path / f"{FAST[0]}.json").exists()
    print(f"ended {time.monotonic() - begun:.2f} s after Ctrl-C")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads the children of a process from /proc")
def test_workers_do_not_outlive_a_killed_run(tmp_path):
    words = [sys.executable, "-m", "figures", FAST[0], SLOW, "--effort", "full", "--workers", "2",
             "--out", str(tmp_path)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until(lambda: len(children.read_text().split()) >= 3,  # two workers and the resource tracker
          lambda: process.poll() is None)
    workers = [int(child) for child in children.read_text().split()]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    end = time.monotonic() + 300
    until(lambda: not any(alive(worker) for worker in workers), lambda: time.monotonic() < end)


def until(condition, possible):
    """Wait for a condition while it can still come about, however many others want the machine."""
    while not condition():
        assert possible() or condition()
        time.sleep(0.005)


def alive(pid):
    """Whether a process runs (one that ended but was not collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.chance("law")
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
    with pytest.raises(ValueError, match="which wrong answer it excludes"):
        holds("c", "q", "1", "1", "0", True, null=" ")
