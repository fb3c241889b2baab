"""Files written whole or not at all."""

import os
import uuid

PENDING = ".pending-"  # how temporary names begin


def write(path, content):
    """Write bytes to a temporary name beside `path`, then move it there; a failure leaves only what was there."""
    try:
        _write(path, content)
    except FileNotFoundError:  # another process took it for what an interrupted run had left, and cleared it away
        _write(path, content)


def _write(path, content):
    # Of its own in every call: threads and machines that share a directory may write the same file.
    pending = path.with_name(f"{PENDING}{uuid.uuid4().hex}")
    try:
        with open(pending, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(pending, path)
    except BaseException:
        pending.unlink(missing_ok=True)
        raise
