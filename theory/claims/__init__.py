"""The ledger: every claim of the sources that the project has run, its formula and its status.

Tests carry the ids of the claims they check, figures those of the claims they
show; a claim without a test or a figure fails the suite.

Sources
-------
WME18
    L. Wu, C. Ma, W. E, "How SGD selects the global minima in
    over-parameterized learning: a dynamical stability perspective", NeurIPS 2018.
NAK20
    P. Nakkiran, "Learning rate annealing can provably help generalization,
    even for convex problems", arXiv:2005.07360, 2020.
LWM19
    Y. Li, C. Wei, T. Ma, "Towards explaining the regularization effect of
    initial large learning rate in training neural networks", NeurIPS 2019.
LWYZ24
    M. Lu, B. Wu, X. Yang, D. Zou, "Benign oscillation of stochastic gradient
    descent with large learning rates", ICLR 2024.
MM24
    R. Mulayoff, T. Michaeli, "Exact mean square linear stability analysis for
    SGD", COLT 2024, PMLR 247:3915–3969.
CE24
    D. Chemnitz, M. Engel, "Characterizing dynamical stability of stochastic
    gradient descent in overparameterized learning", JMLR 26, 2025 (arXiv:2407.20209).
GSZ21
    M. Gurbuzbalaban, U. Simsekli, L. Zhu, "The heavy-tail phenomenon in SGD",
    ICML 2021.
DS20
    C. De Sa, "Random reshuffling is not always better", NeurIPS 2020.
AB24
    A. Andreyev, P. Beneventano, "Edge of stochastic stability: revisiting the
    edge of stability for SGD", 2024.
LZU21
    K. Liu, L. Ziyin, M. Ueda, "Noise and fluctuation of finite learning rate
    stochastic gradient descent", ICML 2021.
AB26
    A. Andreyev, A. Ananthkumar, M. Walden, T. Poggio, P. Beneventano, "Momentum
    further constrains sharpness at the edge of stochastic stability",
    arXiv:2604.14108, 2026.
CGKDG22
    J. Cohen, B. Ghorbani, S. Krishnan, et al., "Adaptive gradient methods at
    the edge of stability", arXiv:2207.14484, 2022.
CKLKT21
    J. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar, "Gradient descent on
    neural networks typically occurs at the edge of stability", ICLR 2021.
LBDSG20
    A. Lewkowycz, Y. Bahri, E. Dyer, J. Sohl-Dickstein, G. Gur-Ari, "The large
    learning rate phase of deep learning: the catapult mechanism", 2020.
CB22
    L. Chen, J. Bruna, "Beyond the edge of stability via two-step gradient
    updates", arXiv:2206.04172, 2022.
MS26
    R. Mulayoff, S. U. Stich, "On the stability of nonlinear dynamics in GD and
    SGD: beyond quadratic potentials", COLT 2026.
DNL23
    A. Damian, E. Nichani, J. D. Lee, "Self-stabilization: the implicit bias of
    gradient descent at the edge of stability", ICLR 2023.
"""

from theory._checks import publish
from theory.claims._as_run import CLAIMS as _AS_RUN
from theory.claims._benign_oscillation import CLAIMS as _BENIGN_OSCILLATION
from theory.claims._claim import STATUSES, Claim
from theory.claims._convex_annealing import CLAIMS as _CONVEX_ANNEALING
from theory.claims._edge_of_stability import CLAIMS as _EDGE_OF_STABILITY
from theory.claims._images import CLAIMS as _IMAGES
from theory.claims._learning_order import CLAIMS as _LEARNING_ORDER
from theory.claims._linear_stability import CLAIMS as _LINEAR_STABILITY
from theory.claims._network import CLAIMS as _NETWORK

__all__ = ["CLAIMS", "STATUSES", "Claim", "get"]

CLAIMS = (*_LINEAR_STABILITY, *_AS_RUN, *_NETWORK, *_CONVEX_ANNEALING, *_LEARNING_ORDER, *_IMAGES, *_BENIGN_OSCILLATION,
          *_EDGE_OF_STABILITY)


def get(claim_id):
    """The claim with this id.

    Parameters
    ----------
    claim_id : str
        ``SOURCE.name``, as in the ledger.

    Returns
    -------
    Claim

    Raises
    ------
    KeyError
        If no claim has this id; the message lists those that exist.

    Examples
    --------
    >>> get("WME18.eq4").status
    'exact'
    """
    for claim in CLAIMS:
        if claim.id == claim_id:
            return claim
    raise KeyError(f"no claim {claim_id!r}; there are {', '.join(claim.id for claim in CLAIMS)}")


publish(__name__)
