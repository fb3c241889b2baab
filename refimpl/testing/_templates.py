"""A file to begin with: the functions of a model with signatures and conventions, to be filled in."""

import re
import textwrap

from refimpl.testing import _cases
from refimpl.testing._case import function_of, leading_names
from refimpl.testing._definitions import DEFINITIONS

FRAMEWORKS = {
    "numpy": ("import numpy as np\n", "", ""),
    "torch": ("import torch\n", "", "convert = torch.from_numpy      # what every array is given through\n"),
    "jax": ("import jax\nimport jax.numpy as jnp\n", "\njax.config.update(\"jax_enable_x64\", True)      # the cases "
            "are float64\n", "convert = jnp.asarray           # what every array is given through\n"),
}
_DERIVED = {
    "torch": {"gradient": "return torch.func.grad(loss)(w, x, y)",
              "hvp": "return torch.func.jvp(lambda w: torch.func.grad(loss)(w, x, y), (w,), (v,))[1]"},
    "jax": {"gradient": "return jax.grad(loss)(w, x, y)",
            "hvp": "return jax.jvp(lambda w: jax.grad(loss)(w, x, y), (w,), (v,))[1]"},
}


def template(model, framework="numpy"):
    """Text of a Python file with everything that cases of a model ask for, not implemented, and the check of it.

    Parameters
    ----------
    model : str
        One of `models`.
    framework : {"numpy", "torch", "jax"}
        In the last two derivatives are those of the framework.

    Returns
    -------
    str
    """
    cases = _cases.shared(_cases.known(model))
    head, switch, convert = FRAMEWORKS[framework]
    settings = ", ".join(cases[0].settings)
    given = f"convert{'=convert' if convert else '=None'}"
    body = "\n".join(_function(name, cases, framework) for name in DEFINITIONS[model])
    names = list(DEFINITIONS[model])
    entries = textwrap.fill(", ".join(f'"{name}":~{name}' for name in names), 112, initial_indent="    return {",
                            subsequent_indent="            ").replace("~", " ")
    text = textwrap.fill(_cases.conventions(model).split("\n")[0], 112)
    return re.sub(
        "\n{4,}",
        "\n\n\n",
        f'''"""{model}, to be filled in. Run this file, or: python -m refimpl check FILE.py:make {model}

{text}

What is left out below is skipped; what raises NotImplementedError fails as not implemented.
"""

import sys

{head}
from refimpl.testing import check_model
{switch}
{convert}

def make({settings}):
    """The functions for the settings of one case; called once for each."""

{body}
{entries}}}


if __name__ == "__main__":
    report = check_model(make, "{model}", {given}, on_fail=None)
    print(report)
    sys.exit(not report.ok)
''',
    )


def _function(name, cases, framework):
    """One function with its signature, its formula and what there is of it."""
    first, every, optional = [], _cases.required(cases[0].model)[name], {}
    for case in cases:
        for quantity, each in case.expected.items():
            if function_of(quantity) == name:
                first = leading_names(quantity)
                optional |= dict.fromkeys(key for key in each.arguments if key not in every)
    words = [*first, *every]
    words += [
        f"{key}={'None' if key in ('noise', 'large_lr', 'anneal_loss') else 'False' if key == 'nesterov' else 0.0}"
        for key in optional
    ]
    says = textwrap.fill(DEFINITIONS[cases[0].model][name].split(": ", 1)[1], 104, subsequent_indent="        ")
    body = _DERIVED.get(framework, {}).get(name)
    return f'''    def {name}({", ".join(words)}):
        """{says}"""
        {body or "raise NotImplementedError"}
'''
