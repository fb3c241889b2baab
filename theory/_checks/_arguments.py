"""Numbers, arrays and batch sizes as arguments."""

from math import prod

import numpy as np

_ADDRESSED = 2**48
_LARGEST = 2**63 - 1    # of whole numbers: more is no number of anything, and overflows where a float is made of it


def real(value, name):
    """`value` as a float64 array of finite real numbers (float32 stays float32); see `array` for what is taken."""
    found = array(value, name)
    try:
        if found.dtype == object and any(isinstance(entry, (str, bytes)) for entry in found.flat):
            raise TypeError
        if found.dtype != np.float32:
            found = found.astype(np.float64, casting="unsafe" if found.dtype == object else "safe")
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must hold real numbers, got {_kind(value)}; convert it to a float array") from None
    if not np.isfinite(found).all():
        bad = np.argwhere(~np.isfinite(np.atleast_1d(found)))[0].tolist()
        raise ValueError(f"{name} must be finite, got NaN or infinity at index {bad}; remove it before calling")
    return found


def array(value, name):
    """`value` as an array: what numpy takes, and tensors of PyTorch or JAX on any device, without a copy on the CPU.

    A mask is refused, never dropped; so is a tensor that requires grad.
    """
    unmasked(value, name)
    if getattr(value, "requires_grad", False) is True:
        raise ValueError(f"{name} must not carry a gradient, got a tensor that requires grad; call .detach()")
    try:
        return np.asarray(value.cpu() if getattr(getattr(value, "device", None), "type", "cpu") != "cpu" else value)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} must hold real numbers, got {_kind(value)}; convert it to a float array") from None


def unmasked(value, name):
    """Refuse a masked array, or a sequence of them: `numpy.asarray` would read what the mask hides."""
    if _masked(value):
        raise ValueError(f"{name} must hold a number in every place, got a masked array; "
                         "fill it with .filled(…) or drop the masked entries before calling")


def double(value, name):
    """`value` as a float64 array of finite real numbers, float32 too: results promise digits that it does not have."""
    return real(value, name).astype(np.float64, copy=False)


def positive(value, name, *, zero=False):
    """`value` as a float, or float64 array, of positive (or, with `zero`, non-negative) finite numbers."""
    array = double(value, name)
    wrong = array < 0 if zero else array <= 0
    if wrong.any():
        wanted = "non-negative" if zero else "positive"
        first = np.atleast_1d(array)[np.atleast_1d(wrong)][0]
        raise ValueError(f"{name} must be {wanted} and finite, got {first:g}; give {name} {'>=' if zero else '>'} 0")
    return array if array.ndim else float(array)


def scalar(value, name, *, zero=False):
    """`value` as one positive (or, with `zero`, non-negative) float."""
    number = positive(value, name, zero=zero)
    if not isinstance(number, float):
        raise ValueError(f"{name} must be one number, got an array of shape {number.shape}; call once for each value")
    return number


def whole(value, name, least=1, most=None):
    """`value` as an int in least…most."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{name} must be a whole number, got {value!r}; give an int")
    if value < least or value > (_LARGEST if most is None else most):
        wanted = f"at least {least}" if most is None and value < least else f"in {least}…{most or _LARGEST}"
        shown = value if abs(value) <= _LARGEST else f"a number of {int(value).bit_length()} bits"
        raise ValueError(f"{name} must be {wanted}, got {shown}; choose {name} in that range")
    return int(value)


def one_of(value, name, options):
    """`value`, if it is one of `options`."""
    if isinstance(value, np.ndarray) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}; choose one of them")
    return value


def flag(value, name):
    """`value` as a bool: text is no answer to yes or no, nor is an array."""
    return bool(one_of(value, name, (True, False)))


def broadcast(**arrays):
    """The arrays, named by their keywords, broadcast with each other."""
    try:
        return np.broadcast_arrays(*arrays.values())
    except ValueError:
        first, *others = arrays
        shapes = ", ".join(str(np.shape(array)) for array in arrays.values())
        raise ValueError(f"{first} must broadcast with {', '.join(others)}, got shapes {shapes}; match them") from None


def unit(array, axis=None):
    """(array / 2^e, e), e a whole number per vector along `axis`: sizes near 1, of which squares are floats."""
    exponent = np.frexp(np.abs(array).max(axis=axis, keepdims=True))[1]
    return np.ldexp(array, -exponent), exponent.squeeze(axis)


def scaled(value, exponent, names):
    """value · 2^exponent, `within_floats`."""
    return within_floats(lambda: np.ldexp(value, exponent), names)


def within_floats(value, names):
    """A result, or that of a function, unless it overflowed: `names` says which arguments carry the scale."""
    if callable(value):
        with np.errstate(all="ignore"):
            value = value()
    if not np.isfinite(value).all():
        raise ValueError(f"{names} must give a result below the largest float, got {np.max(np.abs(value)):g}; rescale "
                         "the units")
    return value


def generator(rng):
    """A `Generator` from None, a seed, a SeedSequence or one that draws already."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueError(f"rng must be None, a whole number >= 0, a SeedSequence or a Generator, got "
                         f"{str(rng)[:40]!r}; give one of them") from None


def shaped(value, name, shape):
    """`value` as a finite float array of exactly `shape`; None in `shape` matches any positive length."""
    array = real(value, name)
    fits = array.ndim == len(shape) and all(want is None or want == got for want, got in zip(shape, array.shape))
    if not fits or 0 in array.shape:
        wanted = ", ".join("any" if want is None else str(want) for want in shape) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}) with no empty axis, got {array.shape}; "
                         "reshape or check the order of the axes")
    return array


def sizes(value, name):
    """`value` as a shape: a tuple of whole numbers, of which there may be none."""
    if not isinstance(value, (tuple, list)):
        raise ValueError(f"{name} must be a tuple of whole numbers, got {str(value)[:40]!r}; give (k,) for one "
                         "axis")
    return tuple(whole(part, name) for part in value)


def room(shape, names):
    """Refuse an array that no address reaches, for which NumPy has other words; what memory lacks is a MemoryError."""
    if prod(shape) > _ADDRESSED:
        raise ValueError(f"{names} must leave arrays of at most 2**48 numbers, got one of shape {tuple(shape)}; make "
                         "them smaller")


def having(value, name, *attributes):
    """`value`, if it has these attributes."""
    missing = [attribute for attribute in attributes if not hasattr(value, attribute)]
    if missing:
        raise ValueError(f"{name} must have {', '.join(missing)}, got {type(value).__name__}; check the order of the "
                         "arguments")
    return value


def batch_size(value, n):
    """`value` as a batch size in 1…n."""
    try:
        return whole(value, "batch_size", 1, n)
    except ValueError:
        raise ValueError(f"batch_size must be a whole number in 1…{n} (the number of examples), got {value!r}; "
                         "use n for gradient descent") from None


def _masked(value):
    if isinstance(value, (list, tuple)):
        return any(_masked(part) for part in value if not isinstance(part, (float, int)))
    return isinstance(value, np.ma.MaskedArray)


def _kind(value):
    if isinstance(value, np.ndarray):
        return f"dtype {value.dtype}"
    return f"{type(value).__name__} " + (
        f"of dtype {value.dtype}" if hasattr(value, "dtype") else repr(str(value)[:40])
    )
