"""Arrays of any kind to NumPy and back."""

import numpy as np


def to_numpy(value):
    """`value` as a float64 array: numbers, nested lists, tensors that require gradients or live elsewhere.

    Raises
    ------
    TypeError
        If it is not made of real numbers that NumPy can hold.
    """
    if value is None:
        raise TypeError("the candidate returned None; return the value")
    for method in ("detach", "cpu"):     # PyTorch refuses np.asarray of a tensor that requires a gradient
        value = getattr(value, method)() if hasattr(value, method) else value
    if isinstance(value, (list, tuple)):
        value = [to_numpy(part) for part in value]
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as first:
        try:
            array = np.from_dlpack(value)
        except (AttributeError, TypeError, ValueError, RuntimeError, BufferError):
            raise TypeError(f"the candidate returned {type(value).__name__} that neither np.asarray nor DLPack "
                            f"understands ({first}); return an array of float64 or float32") from None
    if array.dtype.kind not in "fiu":
        raise TypeError(f"the candidate returned dtype {array.dtype}, not real numbers; "
                        "return float64 or float32")
    return array


def given(value, convert):
    """A fresh copy of an argument for the candidate, through `convert` if it is an array."""
    if not isinstance(value, np.ndarray):
        return value
    return value.copy() if convert is None else convert(value.copy())
