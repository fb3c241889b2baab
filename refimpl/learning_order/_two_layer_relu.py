r"""The two-layer ReLU network of Li, Wei and Ma 2019. The public names are those of `refimpl.learning_order`."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from refimpl import _inputs
from theory import _checks


def logistic_loss(margin):
    """Logistic loss ℓ = log(1 + e^{−m}), to rounding for any |m|.

    Parameters
    ----------
    margin : array_like
        m = y f, any shape.

    Returns
    -------
    float or ndarray
        Same shape.

    Examples
    --------
    >>> float(logistic_loss(-1000.0))
    1000.0
    """
    return np.logaddexp(0.0, -_inputs.array(margin, "margin"))


@_inputs.passes(x=2)
@dataclass(frozen=True)
class TwoLayerReLU:
    r"""f(x) = Σ_j u_j ReLU(⟨U_j, x⟩) with the second layer u fixed and the logistic loss.

    .. math:: L = \frac1n \sum_i \log(1 + e^{-y_i f(x_i)})

    Parameters are U (m_w + m_v, 2d). In block form the first m_w rows, W, see
    the first d coordinates and the last m_v rows, V, the last d: entries
    outside the blocks never act and have no gradient. Otherwise every row
    sees all coordinates. Weight decay belongs to the step, not to the loss.
    The derivative of ReLU at 0 is 0; that is without effect in (2.6), where
    the entry counted as active multiplies 0. Signs of u alternate, which is
    one draw of the paper's random signs: rows are exchangeable.

    Parameters
    ----------
    dim : int
        d; inputs have 2d coordinates.
    w_width, v_width : int
        m_w and m_v.
    w_scale, v_scale : float
        c_w and c_v: u is ±c_w/√m_w on rows of W and ±c_v/√m_v on rows of V.
    init_std : float
        τ₀ of the start.
    block : bool
        Whether W and V see their own coordinates only.

    References
    ----------
    [LWM19, section 2]
    """

    dim: int
    w_width: int
    v_width: int
    w_scale: float = 1.0
    v_scale: float = 1.0
    init_std: float = 1.0
    block: bool = True

    def __post_init__(self):
        for name in ("dim", "w_width", "v_width"):
            _checks.whole(getattr(self, name), name)
        for name in ("w_scale", "v_scale", "init_std"):
            _checks.scalar(getattr(self, name), name)
        _checks.flag(self.block, "block")
        _checks.room(self.parameter_shape, "dim, w_width and v_width")

    @property
    def parameter_shape(self):
        """(m_w + m_v, 2d)."""
        return (self.w_width + self.v_width, 2 * self.dim)

    @property
    def output_weights(self):
        """u (m,)."""
        return np.concatenate([scale / np.sqrt(m) * (-1.0) ** np.arange(m)
                               for scale, m in ((self.w_scale, self.w_width), (self.v_scale, self.v_width))])

    @property
    def mask(self):
        """1 where an entry of U acts, (m, 2d)."""
        mask = np.ones(self.parameter_shape)
        if self.block:
            mask[:self.w_width, self.dim:] = 0
            mask[self.w_width:, :self.dim] = 0
        return mask

    def init(self, rng=None):
        """U₀ with independent N(0, τ₀²) entries, 0 outside the blocks."""
        rng = _checks.generator(rng)
        return self.init_std * rng.standard_normal(self.parameter_shape) * self.mask

    def preactivations(self, u, x, name="u"):
        """⟨U_j, x_i⟩, shape (…, n, m)."""
        u, x = _inputs.parameters(u, self.parameter_shape, name), _inputs.examples(x, (2 * self.dim,))
        return x @ np.swapaxes(u * self.mask.astype(u.dtype), -1, -2)

    def predict(self, u, x, pattern=None):
        """f (…, n); with `pattern` A (…, m, 2d) the decoupled N_A(u, U; x) of (2.6)."""
        return self._forward(u, x, pattern)[1]

    def loss(self, u, x, y):
        """Mean logistic loss, shape (…)."""
        output = self.predict(u, x)
        return logistic_loss(self._labels(y, output) * output).mean(axis=-1)

    def gradient(self, u, x, y, pattern=None):
        """Gradient of the loss, or with `pattern` of the loss of N_A at fixed A, shape (…, m, 2d)."""
        active, output = self._forward(u, x, pattern)
        y = self._labels(y, output)
        return self._backward(active, -y * expit(-y * output), x)

    def hvp(self, u, x, y, v):
        """Hessian-vector product where no preactivation is 0, shape (…, m, 2d)."""
        active, output = self._forward(u, x, None)
        self._labels(y, output)
        change = (self.preactivations(v, x, "v") * active) @ self._outer(output)
        return self._backward(active, expit(output) * expit(-output) * change, x)

    def check_data(self, x, y):
        """Refuse examples that are not (…, n, 2d), and labels that are not one ±1 per example."""
        x = _inputs.examples(x, (2 * self.dim,))
        _inputs.data(x, y, 1, signs=True)

    def _forward(self, u, x, pattern):
        """(activation pattern (…, n, m), f (…, n))."""
        h = self.preactivations(u, x)
        active = h > 0 if pattern is None else self.preactivations(pattern, x, "pattern") > 0
        return active, (h * active) @ self._outer(h)

    def _backward(self, active, slope, x):
        """Gradient (…, m, 2d) from n times the slopes dL/df (…, n)."""
        x = _inputs.examples(x, (2 * self.dim,))
        weighted = (slope / slope.shape[-1])[..., None] * active * self._outer(slope)    # (…, n, m)
        return np.swapaxes(weighted, -1, -2) @ x * self.mask.astype(slope.dtype)

    def _outer(self, like):
        return self.output_weights.astype(like.dtype)

    def _labels(self, y, output):
        return _inputs.labels(y, output.shape[-1], output.dtype)
