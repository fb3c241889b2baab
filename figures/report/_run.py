"""How a run went: what it was asked for, when, on which machine, for how long."""

import os
import platform

import numpy as np

from figures._files import mark


def described(tasks, outcomes, *, started, seconds, interrupted):
    """A dict for run.json."""
    seeds = {"figures": [task.name for task in tasks]}
    data_sets = sorted({task.data_set for task in tasks} - {"synthetic"})
    common = mark(tasks[0])
    return {
        **{name: common[name] for name in ("version", "source", "effort", "seed")},
        **seeds,
        "data": data_sets[0] if data_sets else "synthetic",
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "interrupted": interrupted,
        "machine": (
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
            f"Python {platform.python_version()}, NumPy {np.__version__}"
        ),
        "drawn": {outcome.name: {"seconds": round(outcome.seconds, 1), "error": outcome.error} for outcome in outcomes},
    }
