"""How a run ended: one vocabulary for every loop, when a replica counts as diverged, and the messages."""

import numpy as np

SUCCESS, DIVERGED, STOPPED = 0, 1, 2  # what was asked for was done; diverged; out of steps, or stopped early


def diverged(values, limit, axis=None):
    """Whether an entry along `axis` is NaN or beyond `limit` in size."""
    return ~(np.abs(values) <= limit).all(axis=axis)


def of_steps(status, nit, steps):
    """Message of a loop that makes a given number of steps, for one replica or many."""
    status, nit = np.atleast_1d(status), np.atleast_1d(nit)
    if (status == STOPPED).any():
        return f"stopped by the callback after step {nit[status == STOPPED].max()}"
    lost = status == DIVERGED
    if lost.any():
        return f"{lost.sum()} of {lost.size} replicas diverged, the first at step {nit[lost].min()}"
    return f"all {lost.size} replicas made {steps} steps"


def of_target(status, max_steps):
    """Message of a loop that runs until a target is reached, for one replica or many."""
    status = np.atleast_1d(status)
    reached, diverged, late = (int((status == code).sum()) for code in (SUCCESS, DIVERGED, STOPPED))
    return (f"{reached} of {status.size} runs reached the target, {diverged} diverged, "
            f"{late} used up their {max_steps} steps")
