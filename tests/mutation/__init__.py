"""Plant one small fault at a time in a study's `theory` and `refimpl`, and see whether its tests notice.

    OPENBLAS_NUM_THREADS=1 python -m tests.mutation STUDY [--faults 150] [--seed 0] [--json OUT]

A place is drawn among all operators, constants, comparisons, signs, conditions and arguments of the study, then
one of its changes (messages, annotations and drawings are left out). Nothing is written: one process collects
the tests; for each fault it forks, and the child exchanges the code of the function and runs the tests that
execute the changed statement, cheapest first, until one fails. A fault in what runs at import (a default, a
constant of a module) is imported into a fresh process instead. The tests of a study are those of its folder, and
of the shared files `SHARED`; the conformance kit is the study `testing`. A statement that no test executes is a hole
without a run; a test that takes ten times its own time, and ten seconds, has caught the fault.
"""
