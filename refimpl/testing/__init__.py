"""The oracle: check another implementation of the models of this project, in any framework.

`check_model` runs every case against functions of yours and reports what
deviates, where, and the likely cause; `parametrize_with_checks` makes each
check a test of pytest; `export_vectors` writes the cases to disk for languages
that cannot import this.
"""

from theory import _checks
from refimpl.testing import strategies
from refimpl.testing._case import Case, Expected
from refimpl.testing._cases import cases, conventions, models
from refimpl.testing._check_model import check_model
from refimpl.testing._export import export_vectors
from refimpl.testing._pytest_front import Check, parametrize_with_checks
from refimpl.testing._report import ConformanceError, ConformanceWarning, Record, Report

__all__ = ["Case", "Expected", "cases", "models", "conventions", "check_model", "parametrize_with_checks", "Check",
           "export_vectors", "ConformanceError", "ConformanceWarning", "Record", "Report", "strategies"]

_checks.publish(__name__)
