"""Three sentences and the symbols of each study, for its section of the report."""

import importlib
import re
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Story:
    """Title and story of a study, and {symbol: what it means in all its figures}.

    The symbols are those of the section Notation in the docstring of the
    study's package in `theory`; here only where that has none.
    """

    title: str
    text: str
    symbols: dict = field(default_factory=dict)


_STABILITY = {
    "η, B, n": "learning rate, batch size, number of examples",
    "H, Σ": "mean of the examples' Hessians Hᵢ, and mean(Hᵢ²) − H²",
    "a, s": "sharpness λmax(H), non-uniformity √λmax(Σ)",
    "p": "sampling factor (n − B)/(B(n − 1))",
    "η*": "largest rate that is stable in mean square",
    "η_suff": "largest rate that satisfies eq. 4",
}
STORIES = {
    "linear_stability": Story(
        "Linear stability: which minima can SGD keep?",
        "Near a minimum SGD is a product of random matrices, and whether it stays is a question about their second"
        " moment. Wu, Ma and E bound that by eq. 4, a condition on sharpness and non-uniformity, which is sufficient"
        " and not the edge: the exact edge η* lies between it and 2/a. Look for where simulated ensembles stop being"
        " stable, and which of the lines runs there.",
        {**_STABILITY, "κ": "escape exponent: from distance ε a path escapes with probability ∝ ε^κ"},
    ),
    "network": Story(
        "Networks: how sharp are the minima that GD and SGD find?",
        "A net trained by gradient descent ends where a rate lets it, and SGD leaves the minima that are unstable at"
        " its rate and batch size. On small nets every quantity of the theory is computed from per-example factors,"
        " without estimating. Look for minima on or below the edge, and for escapes exactly where η exceeds η* of the"
        " minimum.",
        _STABILITY,
    ),
    "convex_annealing": Story(
        "Convex annealing: what does a large rate buy on a quadratic?",
        "Training that stops at train loss ε stops at different points of one contour, according to its learning rates:"
        " after a small rate the error is in the flattest direction, after a large and annealed one in the sharpest."
        " The test loss of the two ends differs by up to the condition number, however small ε is. Look for the ratio"
        " P/ε between its two limits, and for the crossover rate between them.",
    ),
    "learning_order": Story(
        "Learning order: what is learned first, at a large and at a small rate?",
        "Li, Wei and Ma give each example a part P that is linearly separable and needs many samples, and a part Q that"
        " needs few but a net that memorises. Under a large rate noise in the weights keeps Q from being learned until"
        " the rate falls; a small rate takes Q first and then has little left to learn P from. Look for the order in"
        " which the two errors fall, and for what is left at the end.",
    ),
    "images": Story(
        "Images with a patch: does the order of learning show on pictures?",
        "A patch gives the class away on most images, is easy to memorise and cannot be separated linearly; a net that"
        " learns it early learns less from the pictures. Here the large rate keeps the patch unlearned because its"
        " common part makes the loss too sharp for the rate, not because of sampling noise. Look for when the accuracy"
        " on patches alone rises, and for clean accuracy at equal training loss.",
    ),
    "benign_oscillation": Story(
        "Benign oscillation: when does training oscillate, and what does it learn by it?",
        "With the strong feature alone the output follows a map with one parameter, c, that doubles its period and ends"
        " in chaos. While it oscillates the residuals add up to a positive sum, and that sum makes the weak feature"
        " grow exponentially, until no oscillation is left. Look for c = 1, where oscillation begins, and for growth at"
        " the rate of the closed form.",
        {
            "c": "effective rate 4η|u|²/m",
            "u, v": "strong and weak feature",
            "m": "number of filters",
            "κ": "|v|²/|u|²",
            "f, e": "output, and residual 1 − f",
            "α, β": "strengths of the strong and the weak feature in the output",
            "β*": "weak strength at which interpolation becomes stable",
            "ξ, ρ": "noise patch, and share of weak examples",
        },
    ),
    "edge_of_stability": Story(
        "Edge of stability: what happens at 2/λ and above?",
        "Gradient descent just above its limit need not diverge: higher derivatives stop it on a cycle of two points,"
        " or throw it to a flatter place and let it converge there. A net sharpens until it is at that limit, and then"
        " such a cycle holds it there. All three have closed forms. Look for the amplitude of the cycle, on a line and"
        " on a net, for sharpness at 2(1+μ)/η, and for the kernel at which a catapult lands.",
    ),
}


def story(study):
    """The story of a study; of one that has none, its name."""
    told = STORIES.get(study) or Story(study.replace("_", " ").capitalize(), "")
    try:
        package = importlib.import_module(f"theory.{study}")
    except ModuleNotFoundError:
        return told
    return replace(told, symbols=notation(package.__doc__) or told.symbols)


def notation(text):
    """{symbol: meaning} of the section Notation of a docstring: ``symbol : meaning``, or a table of two columns."""
    section = re.search(r"^Notation\n-+\n(.*?)(?:\n\n|\Z)", text, flags=re.DOTALL | re.MULTILINE)
    found = {}
    lines = section[1].splitlines() if section else ()
    for line in (line for line in lines if not line.startswith("=")):
        symbol, apart, meaning = line.partition(" : ")
        if not apart:
            symbol, apart, meaning = re.match(r"(.*?)(  +|$)(.*)", line.rstrip()).groups()
        if symbol.strip() and apart:
            found[symbol.strip()] = meaning.strip()
        elif found and meaning.strip():  # a line that goes on
            found[list(found)[-1]] += f" {meaning.strip()}"
    return found
