"""Arrays of any kind to NumPy and back."""

import numpy as np


def to_numpy(value):
    """`value` as an array of real numbers: nested lists, tensors that require gradients or live elsewhere.

    Raises
    ------
    TypeError
        If it is not made of real numbers that NumPy can hold, or masked.
    """
    if value is None:
        raise TypeError("the candidate returned None; return the value")
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError("the candidate returned a masked array; return the numbers themselves, without a mask")
    for method in ("detach", "cpu"):     # PyTorch refuses np.asarray of a tensor that requires a gradient
        value = getattr(value, method)() if hasattr(value, method) else value
    if isinstance(value, (list, tuple)) and any(not isinstance(part, (int, float)) for part in value):
        value = [to_numpy(part) for part in value]
    try:
        array = np.asarray(value)
    except Exception as first:   # whatever an array of another library raises
        try:
            array = np.from_dlpack(value)
        except Exception:
            raise TypeError(f"the candidate returned {type(value).__name__} that neither np.asarray nor DLPack "
                            f"understands ({first}); return an array of float64 or float32") from None
    if array.dtype.kind not in "fiu":
        raise TypeError(f"the candidate returned {type(value).__name__} of dtype {array.dtype}, not real numbers; "
                        "return float64 or float32")
    return array


def given(value, convert, single=False):
    """A fresh copy of an argument for the candidate, in single precision if asked for, through `convert`; a tuple of
    arrays as a list."""
    if isinstance(value, tuple):
        return [given(part, convert, single) for part in value]
    if not isinstance(value, np.ndarray):
        return value
    value = value.astype(np.float32) if single and value.dtype.kind == "f" else value.copy()
    return value if convert is None else convert(value)


def snapshot(value):
    """The numbers of an argument as they are now, or None where they cannot be seen."""
    try:
        return np.array(to_numpy(value))
    except Exception:  # batches of unequal size; an array type that NumPy cannot read is not watched
        return [snapshot(part) for part in value] if isinstance(value, list) else None


def same(first, second):
    """Whether two snapshots hold the same numbers."""
    if first is None or second is None:
        return True
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return np.array_equal(first, second, equal_nan=True)
