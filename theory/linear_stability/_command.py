"""``python -m theory stability``: a minimum from files, its report on the screen, as JSON, or as a picture."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np

from theory.linear_stability._ensemble import GaussNewton
from theory.linear_stability._plot import plot_diagram, plot_rates
from theory.linear_stability._report import stability_report

_PICTURES = (".png", ".svg", ".pdf")


def add_arguments(parser):
    """The command's arguments."""
    parser.epilog = ("One row of a factor file is the gradient of one output of one example with respect to all "
                     "parameters, divided by nothing; rates are for the loss (1/2n) Σ |f − y|².")
    parser.add_argument("files", nargs="+", type=Path, metavar="FACTORS.npy",
                        help="factors (n, P) or (n, k, P), several files are joined; or Hessians (n, P, P) with "
                             "--hessians; or one kernel (n k, n k) with --kernel")
    parser.add_argument("--lr", type=float, required=True, metavar="X", help="learning rate")
    parser.add_argument("--batch-size", type=int, required=True, metavar="B")
    parser.add_argument("--momentum", type=float, default=0.0, metavar="M", help="heavy ball (default: 0)")
    parser.add_argument("--weight-decay", type=float, default=0.0, metavar="W",
                        help="coupled, as torch.optim.SGD (default: 0)")
    parser.add_argument("--replacement", action="store_true", help="batches are drawn with replacement")
    parser.add_argument("--residuals", type=Path, metavar="R.npy", help="f − y at the minimum, (n,) or (n, k)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--kernel", action="store_true", help="the file is K = J Jᵀ")
    form.add_argument("--hessians", action="store_true", help="the files are per-example Hessians")
    parser.add_argument("--outputs", type=int, default=1, metavar="K",
                        help="outputs per example, with --kernel (default: 1)")
    parser.add_argument("--plot", type=Path, metavar="OUT.png",
                        help="draw the minimum among its regions, and rate against batch size")
    parser.add_argument("--json", action="store_true", help="print all numbers as JSON")
    parser.add_argument("--check", action="store_true", help="exit with 1 unless the verdict is stable")


def run(options):
    """Read, judge, print; the exit status."""
    if options.plot is not None:
        _writable(options.plot)
    minimum = _minimum(options)
    residuals = None if options.residuals is None else _array(options.residuals)
    with np.errstate(all="ignore"):
        report = stability_report(minimum, options.lr, options.batch_size, momentum=options.momentum,
                                  weight_decay=options.weight_decay, replacement=options.replacement,
                                  residuals=residuals)
    if options.plot is not None:
        _draw(report, options.plot)
    print(json.dumps(asdict(report), indent=1, ensure_ascii=False, allow_nan=False) if options.json else report)
    return 1 if options.check and report.verdict != "stable" else 0


def _minimum(options):
    if options.outputs != 1 and not options.kernel:
        raise ValueError(f"--outputs goes with --kernel, got {options.outputs} without it; factors (n, k, P) say k "
                         "themselves")
    if options.kernel and len(options.files) > 1:
        raise ValueError(f"--kernel takes one file, got {len(options.files)}; K couples all examples")
    arrays = [_array(path) for path in options.files]
    if len({array.shape[1:] for array in arrays}) > 1:
        raise ValueError(f"files must agree in all axes but the first, got {[array.shape for array in arrays]}; "
                         "check them")
    array = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    if options.hessians:
        return array
    if not options.kernel:
        _factors(array)
    return GaussNewton.from_kernel(array, options.outputs) if options.kernel else GaussNewton(array)


def _factors(array):
    """Refuse what is square and symmetric, since no factors are."""
    kind = {2: "--kernel", 3: "--hessians"}.get(array.ndim)
    if kind and array.shape[-1] == array.shape[-2] > 1 and np.array_equal(array, array.swapaxes(-1, -2)):
        raise ValueError(f"factors must not be symmetric matrices, got shape {array.shape}; add {kind} if that is "
                         "what the file holds")


def _array(path):
    try:
        array = np.load(path, allow_pickle=False, mmap_mode="r")     # a header may promise what no memory holds
        array = np.array(array) if isinstance(array, np.ndarray) else None
    except OSError as error:
        raise ValueError(f"{path} cannot be read as an array: {error.strerror or error}") from None
    except (EOFError, ValueError, MemoryError, OverflowError) as error:
        reason = "it holds Python objects" if "Python objects" in str(error) else "not a whole file of numpy.save"
        raise ValueError(f"{path} cannot be read as an array: {reason}; save one with numpy.save") from None
    if array is None:
        raise ValueError(f"{path} is an archive of arrays; save one with numpy.save")
    return array


def _writable(path):
    try:
        import matplotlib.figure  # noqa: F401  what `_draw` needs is missed at the door
    except ModuleNotFoundError:
        raise ValueError("--plot needs matplotlib, which is missing; install it with python -m pip install "
                         "matplotlib") from None
    if path.suffix.lower() not in _PICTURES:
        raise ValueError(f"--plot must end with one of {', '.join(_PICTURES)}, got {path}")
    if os.path.isdir(path) or not os.path.isdir(path.absolute().parent):
        raise ValueError(f"--plot must name a file in a directory that exists, got {path}")


def _draw(report, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot_diagram(report, left)
    plot_rates(report, right)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise ValueError(f"--plot cannot write {path}: {error.strerror}") from None
