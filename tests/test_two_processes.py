"""The suite in two processes: a file is run by one of them, and no test goes untold."""

import pickle
from types import SimpleNamespace

import pytest

from tests import two_processes


def item(file, name, ran):
    def protocol(item, nextitem):
        ran.append((item.nodeid, nextitem and nextitem.nodeid))

    hook = SimpleNamespace(pytest_runtest_protocol=protocol)
    return SimpleNamespace(path=file, nodeid=f"{file.name}::{name}", config=SimpleNamespace(hook=hook))


def test_each_file_is_run_once_and_whole_by_the_first_that_comes(tmp_path):
    ran, files = [], [tmp_path / "a.py", tmp_path / "b" / "a.py", tmp_path / "c.py"]
    session = SimpleNamespace(items=[item(file, name, ran) for file in files for name in "xy"], shouldstop=False)
    assert two_processes.taken(tmp_path, files[1])       # by the other: another file of the same name
    assert two_processes.run(session, tmp_path) == {f"{name}.py::{test}" for name in "ac" for test in "xy"}
    assert ran == [("a.py::x", "a.py::y"), ("a.py::y", "c.py::x"), ("c.py::x", "c.py::y"), ("c.py::y", None)]
    assert not two_processes.run(session, tmp_path)


@pytest.mark.parametrize("whole", [True, False])
def test_a_test_that_nobody_tells_of_has_failed(tmp_path, whole):
    """Two reports of the other process, whole or cut where it was killed; the first process ran `a` itself."""
    told, reports = [], [SimpleNamespace(nodeid=name, when="teardown", location=None) for name in "bc"]
    with open(tmp_path / "reports", "wb") as file:
        for report in reports:
            pickle.dump(report, file)
        file.truncate(file.tell() - (0 if whole else 1))
    (tmp_path / "said").write_text("killed")
    hook = SimpleNamespace(pytest_report_from_serializable=lambda config, data: data,
                           pytest_runtest_logreport=lambda report: told.append(report),
                           pytest_runtest_logfinish=lambda nodeid, location: None)
    session = SimpleNamespace(config=SimpleNamespace(hook=hook),
                              items=[SimpleNamespace(nodeid=name, location=(name, 1, name)) for name in "abc"])
    two_processes.tell(session, tmp_path, {"a"})
    assert [report.nodeid for report in told] == ["b", "c"]
    if not whole:
        assert told[1].failed and told[1].longrepr.endswith("killed")


def test_names_are_those_of_the_other_process(request):
    """An address in a name, which a function among the parameters puts there, is another in each process."""
    assert not [item.nodeid for item in request.session.items if " at 0x" in item.nodeid]
