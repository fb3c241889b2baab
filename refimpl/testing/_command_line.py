"""The command line of the kit: what there is, a file to begin with, the check of a file, vectors on disk."""

import argparse
import contextlib
import importlib.util
import json
import math
import os
import sys
import textwrap

from refimpl.testing import _cases
from refimpl.testing._candidate import end_if_asked
from refimpl.testing._check_model import check_model
from refimpl.testing._definitions import DEFINITIONS
from refimpl.testing._export import export_vectors
from refimpl.testing._templates import FRAMEWORKS, template
from theory import _checks

DONE, FAILED, NOT_BEGUN = 0, 1, 2


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(NOT_BEGUN, f"{self.prog}: {message}\n")


def main(words=None):
    """Run the command line; returns 0 done, 1 judged and failed; exits with 2 where it could not begin."""
    _checks.standard_streams()
    parser = _parser()
    options = parser.parse_args(words)
    try:
        status = options.run(options)
        sys.stdout.flush()
        return status
    except (ValueError, OSError, _Unreadable) as error:
        parser.exit(NOT_BEGUN, f"{parser.prog} {options.command}: {' '.join(str(error).split())}\n")


class _Unreadable(Exception):
    """A file that cannot be read as a candidate."""


def _parser():
    parser = _Parser(prog="python -m refimpl", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

    def command(name, run, says):
        made = commands.add_parser(name, help=says, description=says)
        made.set_defaults(run=run)
        return made

    listing = command("models", _models, "list the models: settings, functions and scalars, formulas and conventions")
    listing.add_argument("model", nargs="?", choices=_cases.models(), metavar="MODEL", help="only this one")
    skeleton = command("template", _template, "print a file with a model's functions to fill in, which runs at once")
    skeleton.add_argument("model", choices=_cases.models(), metavar="MODEL", help=", ".join(_cases.models()))
    skeleton.add_argument("--framework", choices=tuple(FRAMEWORKS), default="numpy", help="default: %(default)s")
    judge = command("check", _check, "check a candidate; exit status 0 only if all that was handed over passed, 1 if "
                                     "something failed, 2 if it could not begin")
    judge.add_argument("candidate", metavar="FILE.py:NAME", help="what `check_model` takes, by its name in a file; "
                       "where the file has a function `convert`, arrays go through it")
    judge.add_argument("model", choices=_cases.models(), metavar="MODEL", help=", ".join(_cases.models()))
    judge.add_argument("--functions", nargs="+", metavar="NAME", help="only these")
    judge.add_argument("--rtol", type=float, help="what is within this share of the largest entry passes too")
    judge.add_argument("--precision", choices=("float64", "float32"), default="float64", help="default: %(default)s")
    judge.add_argument("--json", action="store_true", help="the whole report as JSON on standard output")
    export = command("export", _export, "write the cases as JSON and npz files with a schema; vectors of an earlier "
                                        "export in DIR that are not of the models asked for are removed")
    export.add_argument("directory", metavar="DIR", help="a new or empty directory, or one written by an earlier "
                        "export, which is replaced whole: its other vectors go")
    export.add_argument("--model", action="append", choices=_cases.models(), metavar="MODEL",
                        help="only this model (may be given again)")
    return parser


def _models(options):
    for model in (options.model,) if options.model else _cases.models():
        given = [inputs for _, inputs, _ in _cases.inputs_of(model)]
        settings = ", ".join(given[0].settings) or "none"
        lines = [f"{model}: {len(given)} cases, {len(DEFINITIONS[model])} functions", f"  settings: {settings}"]
        lines += [textwrap.fill(_cases.conventions(model).split("\n")[0], 116, initial_indent="  ",
                                subsequent_indent="  ")]
        lines += [textwrap.fill(formula, 116, initial_indent="    ", subsequent_indent="        ")
                  for formula in DEFINITIONS[model].values()]
        sys.stdout.write("\n".join(lines) + "\n\n")
    return DONE


def _template(options):
    sys.stdout.write(template(options.model, options.framework))
    return DONE


def _check(options):
    with contextlib.redirect_stdout(sys.stderr):      # what the candidate prints is not the report
        candidate, convert = _loaded(options.candidate)
        report = check_model(candidate, options.model, functions=options.functions, convert=convert, rtol=options.rtol,
                             precision=options.precision, on_fail=None)
    sys.stdout.write((_as_json(report) if options.json else str(report)) + "\n")
    return DONE if report.ok else FAILED


def _loaded(words):
    """(candidate, convert or None) of FILE.py:NAME."""
    path, _, name = words.rpartition(":")
    if not path or not name:
        raise _Unreadable(f"candidate must be FILE.py:NAME, got {words}; name the file and what is in it")
    if not os.path.isfile(path):
        raise _Unreadable(f"candidate's file must exist, got {path}; correct the path")
    spec = importlib.util.spec_from_file_location("candidate_under_test", path)
    if spec is None:
        raise _Unreadable(f"candidate's file must be Python source, got {path}; give a .py file")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)    # dataclasses look for it there
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        end_if_asked(error)
        raise _Unreadable(f"candidate's file {path} cannot be imported: {type(error).__name__}: {error}") from error
    if not hasattr(module, name):
        names = ", ".join(key for key in vars(module) if not key.startswith("_"))
        raise _Unreadable(f"candidate must be in {path}, got {name}, which is not; there are {names}")
    return getattr(module, name), getattr(module, "convert", None)


def _as_json(report):
    def number(value):
        return value if math.isfinite(value) else None if math.isnan(value) else "infinite"

    records = [{key: number(value) if isinstance(value, float) else value for key, value in vars(each).items()
                if key not in ("expected", "got")} for each in report.records]
    return json.dumps({"model": report.model, "ok": report.ok, "judging": report.judging, "counts": report.counts,
                       "causes": report.causes, "records": records}, indent=1, ensure_ascii=False, allow_nan=False)


def _export(options):
    sys.stdout.write(f"{export_vectors(options.directory, options.model)}\n")
    return DONE
