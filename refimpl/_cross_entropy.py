"""Softmax cross-entropy whose values keep their digits where an example is fitted to far below rounding.

Scores are (…, n, C), `hot` marks the label's class in an array of that shape.
"""

import numpy as np


def softmax(scores):
    """exp(f_c)/Σ exp over the last axis."""
    p = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def loss(scores, hot):
    """−log softmax(f)[y], (…, n): log(1 + Σ_{c≠y} e^{f_c − f_y}), where log Σ e^{f_c} − f_y would cancel."""
    chosen = np.where(hot, scores, 0).sum(axis=-1, keepdims=True)
    others = np.where(hot, -np.inf, scores - chosen)
    top = np.maximum(others.max(axis=-1), 0)
    rest = np.exp(others - top[..., None]).sum(axis=-1)
    return np.where(top > 0, top + np.log(np.exp(-top) + rest), np.log1p(rest))


def slope(scores, hot):
    """∂ℓ/∂f = p − onehot, (…, n, C); the label's entry as −Σ_{c≠y} p_c."""
    others = np.where(hot, 0, softmax(scores))
    return np.where(hot, -others.sum(axis=-1, keepdims=True), others)


def bend(scores):
    """The map u ↦ (∂²ℓ/∂f²) u = p ∘ (u − ⟨p, u⟩), u counted from its entry at the largest score."""
    p = softmax(scores)
    top = p.argmax(axis=-1)[..., None] == np.arange(p.shape[-1])

    def apply(tangent):
        tangent = tangent - np.where(top, tangent, 0).sum(axis=-1, keepdims=True)
        return p * (tangent - (p * tangent).sum(axis=-1, keepdims=True))

    return apply


def root(scores):
    """S = diag(√p) − p √pᵀ with S Sᵀ = ∂²ℓ/∂f², (…, n, C, C); 1 − p on its diagonal as the sum of the others."""
    p = softmax(scores)
    same = np.eye(p.shape[-1], dtype=bool)
    others = np.where(same, 0, p[..., None, :])
    return np.where(same, others.sum(axis=-1, keepdims=True), -p[..., None]) * np.sqrt(p)[..., None, :]
