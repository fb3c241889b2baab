"""Draw: every figure of the sources again, prediction over simulation, and the report.

Run ``python -m figures --list`` for what there is.
"""

import os

# One BLAS thread, set before NumPy loads: figures are spread over processes, and a
# product split over threads may round differently.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
