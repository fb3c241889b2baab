"""Sweeps: the same numbers wherever the points run, and nothing lost when something is killed."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_array_equal

from refimpl import sweep
from refimpl._parallel import process_pool
from refimpl.convex_annealing import descend, three_samples
from refimpl.linear_stability import simulate
from tests.sweep_points import escape, faulty, noisy, once_killed, slow
from tests.support import refused

pytestmark = pytest.mark.chance("exact")

ROOT = Path(__file__).parent.parent
GRID = {"lr": [0.3, 0.5, 0.7], "size": [1, 2], "seed": [0, 1]}


def equal(one, other):
    assert one.axes == other.axes and one.values.keys() == other.values.keys()
    assert_array_equal(one.status, other.status)
    for name, values in one.values.items():
        assert values.dtype == other.values[name].dtype
        assert_array_equal(values, other.values[name])


def test_values_lie_at_their_point_of_the_grid():
    found = sweep.run(noisy, GRID, fixed={"scale": 2.0})
    assert found.axes == {name: tuple(values) for name, values in GRID.items()}
    assert found.values["draws"].shape == (3, 2, 2, 2) and found.values["whole"].dtype.kind == "i"
    for i, lr in enumerate(GRID["lr"]):
        for j, size in enumerate(GRID["size"]):
            for k, seed in enumerate(GRID["seed"]):
                direct = noisy(lr, size, seed, 2.0)
                assert found.values["sum"][i, j, k] == direct["sum"]
                assert_array_equal(found.take("draws", lr=lr, size=size, seed=seed), direct["draws"])
    assert_array_equal(found.take("sum", size=2), found.values["sum"][:, 1])
    assert found.success.all() and found.nit == 12 and found.message == "12 points: 12 completed; 0 read from disk"


@pytest.mark.parametrize("function, grid, fixed, rng", [
    (noisy, GRID, {}, None), (noisy, GRID, {}, 3), (escape, {"lr": [0.5, 0.7], "batch_size": [1, 2]}, {}, 3)])
def test_the_same_numbers_for_one_process_a_pool_and_an_executor(function, grid, fixed, rng):
    one = sweep.run(function, grid, fixed=fixed, rng=rng)
    equal(one, sweep.run(function, grid, fixed=fixed, rng=rng, workers=2))
    with ThreadPoolExecutor(3) as executor:
        equal(one, sweep.run(function, grid, fixed=fixed, rng=rng, workers=executor.map))
    if rng is not None:  # the null: another seed is another result
        other = sweep.run(function, grid, fixed=fixed, rng=rng + 1)
        assert any((other.values[name] != values).any() for name, values in one.values.items())


class Dying(ThreadPoolExecutor):
    """Loses each packet that has one of these places, so many times, as an executor whose workers die."""

    def __init__(self, deaths):
        super().__init__(1)
        self.deaths = dict(deaths)

    def submit(self, function, packet):
        place = next((task.place for task in packet if self.deaths.get(task.place)), None)
        if place is None:
            return super().submit(function, packet)
        self.deaths[place] -= 1
        raise OSError("planted")


def test_what_a_dying_executor_loses_is_run_again_and_no_other_point_is_lost():
    """Of 2200 points, which travel in twos: one dies once, two always."""
    grid = {"lr": [0.5], "size": range(2200), "seed": [0]}
    one = sweep.run(noisy, grid, rng=3)
    with Dying({7: 1, 1001: 9, 2100: 9}) as executor:
        found = sweep.run(noisy, grid, rng=3, workers=executor)
    assert found.status.nonzero()[1].tolist() == [1001, 2100] and set(found.status.ravel()) == {0, 3}  # not 1000
    assert "died 2 times (OSError: planted)" in found.errors[0, 1001, 0] and found.nit == 2200
    good = found.success
    assert all((found.values[name][good] == values[good]).all() for name, values in one.values.items())
    with Dying({1: 1}) as executor, pytest.raises(ValueError, match="keep must name"):  # an error of ours is no death
        sweep.run(noisy, grid, rng=3, workers=executor, keep=["other"])


def test_a_broken_pool_keeps_what_is_done_and_the_next_run_does_the_rest(tmp_path):
    """Its `map` names it as well; nothing can be submitted to it any more, and that is said."""
    fixed = {"directory": str(tmp_path)}
    with process_pool(1) as pool:
        found = sweep.run(once_killed, {"place": range(5)}, fixed=fixed, workers=pool.map,
                          directory=tmp_path / "points")
    assert found.status.tolist() == [0, 0, 3, 3, 3] and "BrokenProcessPool" in found.errors[2,]
    rest = sweep.run(once_killed, {"place": range(5)}, fixed=fixed, directory=tmp_path / "points")
    assert rest.reused == 2 and rest.values["value"].tolist() == [0, 1, 4, 9, 16]


def test_a_dask_worker_may_be_killed():
    distributed = pytest.importorskip("distributed")
    one = sweep.run(noisy, GRID, rng=3)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        worker = next(iter(cluster.workers.values())).pid
        with distributed.Client(cluster) as client:
            equal(one, sweep.run(noisy, GRID, rng=3, workers=client.get_executor().map))
            equal(one, sweep.run(noisy, GRID, rng=3, workers=client, callback=lambda **_: kill(worker)))


def test_a_sweep_through_mpi_goes_on_after_a_killed_rank(tmp_path):
    """MPI ends all ranks when one is killed: what was done is on disk, and another run, here serial, does the rest."""
    pytest.importorskip("mpi4py.futures")
    if (mpiexec := shutil.which("mpiexec", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")) is None:
        pytest.skip("there is no mpiexec")
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(f"""
        import os, signal, sys
        from mpi4py.futures import MPIPoolExecutor
        from refimpl import sweep
        from tests.sweep_points import noisy
        if __name__ == "__main__":
            with MPIPoolExecutor() as executor:
                rank, seen = executor.submit(os.getpid).result(), []
                def watch(intermediate_result):
                    seen.append(intermediate_result)
                    if len(seen) == 5 and sys.argv[1] == "kill":
                        os.kill(rank, signal.SIGKILL)
                found = sweep.run(noisy, {GRID}, rng=3, workers=executor, callback=watch,
                                  directory={str(tmp_path)!r} + "/" + sys.argv[1])
            print(found.message)
        """))
    asked = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
             "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}  # of Open MPI: as root, and on few cores
    words = [mpiexec, "-n", "3", sys.executable, "-m", "mpi4py.futures", str(script)]
    done = [subprocess.run([*words, word], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **asked}, timeout=100,
                           capture_output=True, text=True) for word in ("whole", "kill")]
    assert done[0].stdout.startswith("12 points: 12 completed") and done[1].returncode, done[0].stderr
    one = sweep.run(noisy, GRID, rng=3)
    equal(one, sweep.run(noisy, GRID, rng=3, directory=tmp_path / "whole"))
    rest = sweep.run(noisy, GRID, rng=3, directory=tmp_path / "kill")
    equal(one, rest)
    assert rest.reused >= 5


def kill(pid):
    """End a process that may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_a_point_has_its_stream_whatever_the_rest_of_the_grid_is():
    whole = sweep.run(noisy, GRID, rng=7)
    part = sweep.run(noisy, {"lr": [0.7], "size": [1, 2], "seed": [1]}, rng=7)
    assert_array_equal(part.values["draws"][0, :, 0], whole.take("draws", lr=0.7, seed=1))
    assert len(np.unique(whole.values["draws"])) == whole.values["draws"].size  # the null: no stream is used twice


@pytest.mark.parametrize("function, grid, fixed, names", [
    (simulate, {"lr": [0.1, 0.5], "batch_size": [1, 2]},
     {"hessians": np.array([[1.0, 0.0], [0.0, 2.0]]), "w0": np.ones(2), "steps": 3, "rng": 0}, {"w", "nit", "success"}),
    (descend, {"lr": [0.05, 0.1], "target": [0.1, 0.02]}, {"problem": three_samples()}, {"w", "nit", "train_loss"})])
def test_studies_run_as_they_are(tmp_path, function, grid, fixed, names):
    """Their frozen results are taken apart into arrays, and survive the disk."""
    found = sweep.run(function, grid, fixed=fixed, directory=tmp_path)
    assert names <= found.values.keys()
    point = {name: values[1] for name, values in grid.items()}
    assert_array_equal(found.take("w", **point), function(**fixed, **point).w)
    again = sweep.run(function, grid, fixed=fixed, directory=tmp_path)
    assert (again.nit, again.reused) == (0, 4)
    equal(found, again)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_and_a_dead_worker_cost_their_own_point(workers):
    grid = {"lr": [0.3, 0.5], "size": [1, 2] if workers == 2 else [1, 3]}
    found = sweep.run(faulty, grid, workers=workers)
    assert found.errors[1, 0] == "ZeroDivisionError: planted" and found.status[1, 0] == 1
    assert np.isnan(found.values["value"][1, 0]) and not found.success[1, 0]
    if workers == 2:
        assert found.status[0, 1] == 3 and "died 2 times" in found.errors[0, 1]
        assert np.isnan(found.values["value"][0, 1])
    assert found.values["value"][0, 0] == 0.3 and found.values["value"][1, 1] == 0.5 * grid["size"][1]


def test_what_a_callable_loses_is_lost_and_not_stopped():
    """The last point is not given back, and all others twice and in any order: its status is 3; nothing at all is an
    error."""
    def careless(function, tasks):
        return [function(task) for task in tasks[:-1]][::-1] * 2

    found = sweep.run(noisy, GRID, workers=careless)
    assert found.nit == 11 and found.status[-1, -1, -1] == 3 and "gave back no result" in found.errors[2, 1, 1]
    assert found.success.sum() == 11 and found.take("sum", lr=0.3, size=2, seed=1) == 120.3
    refused("workers must give back the results, got None", sweep.run, noisy, GRID, workers=lambda *given: None)


def test_a_killed_worker_loses_nothing_but_its_own_task(tmp_path):
    """Point 2 kills its worker once: it runs again, and no other point runs twice."""
    found = sweep.run(once_killed, {"place": range(6)}, fixed={"directory": str(tmp_path)}, workers=2)
    assert found.success.all()
    assert_array_equal(found.values["value"], np.arange(6)**2)
    assert sorted((tmp_path / "log").read_text().split()) == [str(place) for place in range(6)]


def test_a_sweep_killed_halfway_goes_on_from_what_is_on_disk(tmp_path):
    """kill -9 of the whole run: the points that were done are not run again, and the numbers are the same."""
    code = textwrap.dedent(f"""
        from refimpl import sweep
        from tests.sweep_points import slow
        if __name__ == "__main__":
            sweep.run(slow, {{"place": range(12)}}, fixed={{"directory": {str(tmp_path)!r}}}, workers=2,
                      directory={str(tmp_path / "points")!r})
        """)
    script = tmp_path / "script.py"
    script.write_text(code)
    process = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT)
    points = tmp_path / "points"
    end = time.monotonic() + 60
    while len(list(points.glob("[!.]*.npz"))) < 4:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    time.sleep(0.5)  # workers end with their parent; what one was writing is whole or not there
    done = len(list(points.glob("[!.]*.npz")))
    assert 4 <= done < 12
    (tmp_path / "log").unlink()
    found = sweep.run(slow, {"place": range(12)}, fixed={"directory": str(tmp_path)}, directory=points)
    assert (found.reused, found.nit) == (done, 12 - done)
    assert len((tmp_path / "log").read_text().split()) == 12 - done
    equal(found, sweep.run(slow, {"place": range(12)}, fixed={"directory": str(tmp_path)}))


def test_a_grid_that_grows_runs_only_what_is_new(tmp_path):
    sweep.run(noisy, GRID, rng=1, directory=tmp_path)
    grown = sweep.run(noisy, {**GRID, "lr": [0.1, 0.3, 0.5, 0.7]}, rng=1, directory=tmp_path)
    assert (grown.reused, grown.nit) == (12, 4)
    equal(grown, sweep.run(noisy, {**GRID, "lr": [0.1, 0.3, 0.5, 0.7]}, rng=1))
    eight = np.random.SeedSequence(1, pool_size=8)
    # another result is not taken for this one
    for changed in ({"rng": 2}, {"rng": 1, "fixed": {"scale": 3.0}}, {}, {"rng": eight}):
        assert sweep.run(noisy, GRID, directory=tmp_path, **changed).reused == 0
    assert sweep.run(noisy, GRID, rng=1, directory=tmp_path, keep=["sum"]).values.keys() == {"sum"}


@given(st.data())
def test_a_damaged_file_is_run_again(tmp_path_factory, data):
    """Cut or overwritten by others, it is not believed; an untouched one is."""
    directory = tmp_path_factory.mktemp("sweep")
    grid = {"lr": [0.5], "size": [1], "seed": [0]}
    first = sweep.run(noisy, grid, directory=directory)
    path, = directory.glob("*.npz")
    whole = path.read_bytes()
    damaged = data.draw(st.one_of(st.integers(0, len(whole) - 1).map(lambda cut: whole[:cut]), st.binary(max_size=50)))
    path.write_bytes(damaged)
    again = sweep.run(noisy, grid, directory=directory)
    assert again.nit == 1
    equal(first, again)
    assert sweep.run(noisy, grid, directory=directory).reused == 1


def test_the_callback_sees_each_point_and_may_stop():
    seen = []

    def watch(intermediate_result):
        seen.append(intermediate_result)
        if len(seen) == 5:
            raise StopIteration

    found = sweep.run(noisy, GRID, callback=watch)
    assert [progress.done for progress in seen] == [1, 2, 3, 4, 5] and seen[0].total == 12
    assert seen[0].point == {"lr": 0.3, "size": 1, "seed": 0}
    assert found.message == "12 points: 5 completed, 7 not run; 0 read from disk"
    assert (found.status.ravel() == [0] * 5 + [2] * 7).all() and np.isnan(found.values["whole"]).sum() == 7


def unequal(lr):
    return np.zeros(int(lr))


def text(lr):
    return {"name": "x"}


@pytest.mark.parametrize("changes, message", [
    ({"grid": {}}, "grid must be a dict"), ({"grid": {"lr": 0.1}}, r"grid\['lr'\] must be a sequence"),
    ({"grid": {"lr": []}}, "at least one"), ({"grid": {"lr": [1, 1]}}, "different"),
    ({"grid": {"lr": [[1]]}}, "numbers"),
    ({"grid": {"lr": [float("nan")]}}, "got nan"), ({"grid": {"lr": "abc"}}, "sequence"),
    ({"fixed": {"lr": 1}}, "got lr in two places"), ({"rng": 0, "fixed": {"rng": 1}}, "got rng in two"),
    ({"function": 3}, "callable"), ({"function": lambda lr: lr, "workers": 2}, "pickle"),
    ({"workers": 0}, "workers must be"),
    ({"function": lambda lr: lr, "directory": "unused"}, "defined by name"),
    ({"directory": "unused", "fixed": {"a": object()}}, "fixed must hold"),
    ({"function": unequal, "grid": {"lr": [1, 2]}}, "same names and shapes"), ({"keep": ["other"]}, "keep must name")])
def test_bad_input_is_refused(tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    options = {"function": unequal, "grid": {"lr": [2]}, **changes}
    with pytest.raises((ValueError, RuntimeError), match=message):
        sweep.run(options.pop("function"), options.pop("grid"), **options)


def test_if_every_point_fails_the_first_error_is_raised():
    with pytest.raises(RuntimeError, match="at lr=1: ValueError: the function must return numbers"):
        sweep.run(text, {"lr": [1, 2]})
    found = sweep.run(unequal, {"lr": [2]})
    refused("axis must be one of 'lr'", found.take, "value", size=1)
    refused("lr must be one of 2, got 3", found.take, "value", lr=3)
