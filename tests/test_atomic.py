"""Whole files or the old ones: what a write leaves when the disk is full."""

import os
from contextlib import contextmanager

import pytest

from refimpl._atomic import write


def contents(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


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


def test_a_pending_file_that_another_run_clears_away_is_written_again(tmp_path, monkeypatch):
    move, cleared = os.replace, []

    def once_gone(pending, path):
        if not cleared:
            cleared.append(os.unlink(pending))
        move(pending, path)

    monkeypatch.setattr(os, "replace", once_gone)
    write(tmp_path / "file", b"new")
    assert contents(tmp_path) == {"file": b"new"} and cleared
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "none" / "file", b"new")
