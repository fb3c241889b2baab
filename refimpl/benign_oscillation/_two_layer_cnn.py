"""`TwoLayerCNN`, the strengths of features in it, and its accuracy."""

from dataclasses import dataclass

import numpy as np

from refimpl import _inputs
from theory import _checks


_TEST_ELEMENTS = 2**16  # activations that are held at a time while a test set is scored


@_inputs.passes(x=3)
@dataclass(frozen=True)
class TwoLayerCNN:
    r"""f = F₊ − F₋ with first-layer filters w (2, m, d), F₊ first; loss (1/n) Σ (f(x_i) − y_i)², labels ±1, without ½.

    Parameters
    ----------
    dim : int
        Length d of a patch.
    width : int
        Filters m of each of F₊ and F₋, whose mean over filters is taken.
    activation : {"relu2", "relu", "square"}
        σ = max(z, 0)², the poster's; max(z, 0); or z². The derivative of the
        first two is taken as 0 at z = 0, and so is the second derivative.
        float32 parameters and patches give float32 results.
    init_std : float
        σ₀, the standard deviation of the entries that `init` draws.

    Examples
    --------
    >>> model = TwoLayerCNN(2, 1)
    >>> w = np.array([[[3.0, 0.0]], [[0.0, 1.0]]])                # F₊ has (3, 0), F₋ has (0, 1)
    >>> model.predict(w, np.array([[[1.0, 0.0], [0.0, 2.0]]]))    # 3² − 2²
    array([5.])
    """

    dim: int
    width: int
    activation: str = "relu2"
    init_std: float = 0.01

    def __post_init__(self):
        _checks.whole(self.dim, "dim")
        _checks.whole(self.width, "width")
        _checks.one_of(self.activation, "activation", ("relu2", "relu", "square"))
        _checks.scalar(self.init_std, "init_std")
        _checks.room(self.parameter_shape, "dim and width")

    @property
    def parameter_shape(self):
        """Shape of the parameters, (2, m, d)."""
        return (2, self.width, self.dim)

    def init(self, rng=None):
        """Independent N(0, σ₀²) filters (2, m, d)."""
        return self.init_std * _checks.generator(rng).standard_normal(self.parameter_shape)

    def predict(self, w, x):
        """f(x_i), shape (…, n), for w (…, 2, m, d) and patches x (…, n, P, d)."""
        return self._output(self._preactivations(w, x))

    def loss(self, w, x, y):
        """(1/n) Σ (f(x_i) − y_i)², shape (…)."""
        return (_inputs.residual(self.predict(w, x), y, signs=True) ** 2).mean(axis=-1)

    def gradient(self, w, x, y):
        """(2/n) Σ (f(x_i) − y_i) ∇f(x_i), shape (…, 2, m, d)."""
        z = self._preactivations(w, x)
        residual = _inputs.residual(self._output(z), y) * (2 / z.shape[-2])
        return self._back(residual[..., None, None, :, None] * self._slope(z), x)

    def hvp(self, w, x, y, v):
        """Hessian-vector product (2/n) Σ [∇f_i ⟨∇f_i, v⟩ + (f_i − y_i) ∇²f_i v], shape (…, 2, m, d)."""
        z, along = self._preactivations(w, x), self._preactivations(v, x, "v")
        slope = self._slope(z)
        scale = 2 / z.shape[-2]
        change = self._signed_mean(slope * along) * scale            # ⟨∇f_i, v⟩ · 2/n
        residual = _inputs.residual(self._output(z), y) * scale
        return self._back(change[..., None, None, :, None] * slope
                          + residual[..., None, None, :, None] * self._curvature(z) * along, x)

    def check_data(self, x, y):
        """Refuse examples that are not (…, n, P, d), and labels that are not one ±1 per example."""
        x = self._patches(x)
        _inputs.data(x, y, 2, signs=True)

    def _patches(self, x):
        x = _inputs.examples(x, (self.dim,))
        if x.ndim < 3:
            raise ValueError(f"x must have shape (…, n, P, {self.dim}), got {x.shape}; give every example its patches")
        return x

    def _preactivations(self, w, x, name="w"):
        """⟨w_jr, x_ip⟩, shape (…, 2, m, n, P)."""
        w, x = _inputs.parameters(w, self.parameter_shape, name), self._patches(x)
        rows = x.reshape(*x.shape[:-3], 1, -1, x.shape[-1])           # (…, 1, nP, d)
        z = np.matmul(w, rows.swapaxes(-1, -2))
        return z.reshape(*z.shape[:-1], *x.shape[-3:-1])

    def _output(self, z):
        if self.activation != "square":
            z = np.maximum(z, 0)
        return self._signed_mean(z if self.activation == "relu" else z * z)

    def _signed_mean(self, values):
        """Sum over patches and mean over filters, F₊ minus F₋: (…, 2, m, n, P) to (…, n)."""
        total = values.sum(axis=-3).sum(axis=-1) / self.width   # the long axis first: several times faster
        return total[..., 0, :] - total[..., 1, :]

    def _slope(self, z):
        if self.activation == "relu":
            return (z > 0).astype(z.dtype)
        return 2 * (np.maximum(z, 0) if self.activation == "relu2" else z)

    def _curvature(self, z):
        if self.activation == "relu":
            return np.zeros_like(z)
        return 2 * (z > 0).astype(z.dtype) if self.activation == "relu2" else np.full_like(z, 2)

    def _back(self, values, x):
        """Σ_ip (±1/m) values_jrip x_ip: (…, 2, m, n, P) to (…, 2, m, d)."""
        signs, x = np.array([1, -1], values.dtype)[:, None, None] / self.width, self._patches(x)
        rows = x.reshape(*x.shape[:-3], 1, -1, x.shape[-1])
        return np.matmul(values.reshape(*values.shape[:-2], -1) * signs, rows)


def strengths(alignments):
    r"""Strength of a feature in the network, by class, from ⟨w_r, u⟩ or ⟨w_r, v⟩.

    .. math:: \alpha_y = \frac1m \sum_{r} \langle w_{j,r}, y u \rangle_+^2, \qquad
              j = y \text{ (right) or } -y \text{ (wrong)}

    The output on the patch y·u is right minus wrong, times y.

    Parameters
    ----------
    alignments : array_like (…, 2, m)
        ⟨w_jr, u⟩ or ⟨w_jr, v⟩, F₊ first.

    Returns
    -------
    right, wrong : ndarray (…, 2)
        For the classes y = +1 and y = −1, in this order.

    Raises
    ------
    ValueError
        If the last axes are not (2, m).

    Examples
    --------
    >>> right, wrong = strengths([[1.0, -1.0], [-4.0, 2.0]])
    >>> right.tolist(), wrong.tolist()
    ([0.5, 8.0], [2.0, 0.5])
    """
    # NaN passes: a replica that diverged has no strengths
    alignments = np.asarray(_inputs.array(alignments, "alignments"), float)
    if alignments.ndim < 2 or alignments.shape[-2] != 2:
        raise ValueError(f"alignments must have shape (…, 2, m), got {alignments.shape}; put F₊ and F₋ on the axis "
                         "before the last")
    up = (np.maximum(alignments, 0) ** 2).mean(axis=-1)      # (…, 2): F₊ and F₋ on +u
    down = (np.maximum(-alignments, 0) ** 2).mean(axis=-1)   # on −u
    return (np.stack([up[..., 0], down[..., 1]], axis=-1), np.stack([up[..., 1], down[..., 0]], axis=-1))


def accuracy(model, w, data):
    """Share of examples with the right sign, y f(x) > 0; f = 0 counts as wrong.

    Parameters
    ----------
    model : TwoLayerCNN
        The network.
    w : array_like (*S, 2, m, d)
        NaN (a replica that has no parameters) scores NaN.
    data : Data
        One test set (n, P, d) for all replicas.

    Returns
    -------
    float or ndarray (*S)

    Raises
    ------
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> data = two_patches([1.0, 0.0], [0.0, 0.1])
    >>> float(accuracy(TwoLayerCNN(2, 1), [[[1.0, 0.0]], [[0.0, 0.0]]], data))
    1.0
    """
    _checks.having(model, "model", "parameter_shape", "predict"), _checks.having(data, "data", "x", "y")
    w = np.asarray(_inputs.array(w, "w"), float)
    if w.shape[-3:] != model.parameter_shape:
        raise ValueError(f"w must have shape (*S, {', '.join(map(str, model.parameter_shape))}), got {w.shape}; give "
                         "the parameters of this model")
    if data.x.ndim != 3 or data.x.shape[-1] != model.dim:
        raise ValueError(f"data must be one set of examples (n, P, {model.dim}), got {data.x.shape}; score one set at "
                         "a time")
    stack = w.shape[:-3]
    flat = w.reshape(-1, *model.parameter_shape)
    n, patches = data.x.shape[:2]
    size = max(1, _TEST_ELEMENTS // (2 * model.width * patches * len(flat)))
    right = np.zeros(len(flat))
    for first in range(0, n, size):
        part = slice(first, first + size)
        right += (model.predict(flat, data.x[part]) * data.y[part] > 0).sum(axis=-1)
    right[~np.isfinite(flat).all(axis=(1, 2, 3))] = np.nan
    return (right / n).reshape(stack)[()]
