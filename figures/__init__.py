"""Draw: every figure of the sources again, prediction over simulation, and the report.

Run ``python -m figures --list`` for what there is.
"""

import importlib.util
import os
from importlib.machinery import PathFinder

# One BLAS thread, set before NumPy loads: figures are spread over processes, and a
# product split over threads may round differently.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

_found = importlib.util.find_spec("refimpl")
if not PathFinder.find_spec("refimpl._atomic", list(_found.submodule_search_locations or ()) if _found else []):
    raise ImportError(f"figures need the package refimpl beside them, but `import refimpl` finds "
                      f"{_found and _found.origin or 'nothing'}; rename that file or folder, or install the package")
