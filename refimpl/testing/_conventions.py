"""What every model of the kit computes, in words and to the last ½, also for those who cannot read its docstring."""

from refimpl.testing._definitions import DEFINITIONS

_SGD = """
        sgd(w, x, y, lr, indices, noise, weight_decay, momentum, nesterov, dampening): with g = ∇L_B(w) + λw + ξ, v ← μv
        + (1 − τ) g, in the first step v = g, and w ← w − η v, or with nesterov w ← w − η (g + μv). η = lr[t], L_B is
        the loss on the examples indices[t] (an example that is there twice counts twice; where batches differ in size
        indices is a list of arrays, as a DataLoader gives them, and each mean is over its own batch), ξ = noise[t], λ =
        weight_decay, μ = momentum and τ = dampening, each 0 where it is not given; without momentum w ← (1 − ηλ) w −
        η (∇L_B(w) + ξ). All arrays over steps t = 0…T−1; returns w_0 … w_T.
"""
_MODELS = {
    "LinearRegression": """
        w (d), x (n, d), y (n) or none for zeros. predict ⟨w, x_i⟩; loss of an example ½ (⟨w, x_i⟩ −
        y_i)², loss their mean over the n examples.
    """,
    "Quadratic": """
        w (d), x (n, d, d) symmetric, no y. predict and loss of an example ½ wᵀ x_i w; loss their
        mean over the n examples.
    """,
    "TwoMinima": """
        w (1), x (n), no y. predict and loss of an example min{w², x_i (w − 1)²}; loss their mean;
        where both are equal the derivative is that of the second.
    """,
    "LeastSquares": """
        w (d), x (n, d), y (n). predict ⟨w, x_i⟩; loss of an example (⟨w, x_i⟩ − y_i)², without ½;
        loss their mean over the n examples. descend(w, x, y, lr, large_lr, anneal_loss,
        target): full-batch steps w ← w − η ∇L(w), η = large_lr until L(w) ≤ anneal_loss holds once,
        lr from then on; returns all iterates up to the first with L(w) ≤ target.
    """,
    "TwoLayerCNN": """
        w (2, m, d), x (n, P, d), y (n) of ±1. predict f = F_0 − F_1 with F_j = (1/m) Σ_r Σ_p
        σ(⟨w_jr, x_ip⟩), the sum over patches, the mean over filters; σ(z) is max(z, 0)² (relu2),
        max(z, 0) (relu) or z² (square), with first and second derivative 0 at z ≤ 0 in the first
        two. Loss of an example (f − y)², without ½; loss their mean.
    """,
    "MLP": """
        w flat: for each layer the weights (inputs × outputs) row by row, then the biases. x (n,
        inputs); y (n) or (n, outputs), or class numbers (n) for cross-entropy. No activation after
        the last layer; predict (n, outputs), or (n) for one output. Loss of an example ½‖f − y‖²,
        the sum over outputs, or −log softmax(f)[y]; loss their mean. The ReLU has derivative 0 at
        0. sharpness is λmax of the Hessian of the loss, non_uniformity √λmax(mean(H_i²) − H²) over
        the Hessians H_i of the examples.
    """,
    "ConvNet": """
        w flat: filters U (s·s·channels × m), the inputs of a block in the order channel, row,
        column; then the head (K·m × classes), block by block, or pooled (m × classes); then biases
        (classes). x (n, channels, height, width), padded with zeros; K blocks of side `size` every
        `stride` pixels (null: `size`) in rows from the top left. predict: ReLU of block · U,
        without bias, for all blocks one after the other or, pooled, their mean, then the head. Loss
        of an example −log softmax(f)[y] with class numbers y; loss their mean. The ReLU has
        derivative 0 at 0. train(w, x, y, lr, indices, momentum, weight_decay, noise): v ← μ v +
        ∇L_B(w) + λ w from v = 0, then w ← w − lr[t] v; noise[t] (K), one number per block, is added
        to that block's pre-activations before the ReLU.
    """,
    "TwoLayerReLU": """
        w (m_w + m_v, 2d), x (n, 2d), y (n) of ±1. predict f = Σ_j u_j max(⟨w_j, x_i⟩, 0) with fixed
        u: w_scale/√m_w on the first m_w rows and v_scale/√m_v on the others, with signs + − + …
        from + in both. In block form the first m_w rows see only the first d coordinates, the
        others only the last d: the remaining entries of w act nowhere and have gradient 0. Loss of
        an example log(1 + exp(−y f)); loss their mean. The ReLU has derivative 0 at 0. train(w, x,
        y, lr, weight_decay, noise, large_lr, anneal_loss): full-batch steps w ← (1 − ηλ) w − η
        (∇L(w) + noise[t]), in block form with entries that do not act set to 0 in w and noise; η =
        lr, or if large_lr is given η = large_lr until L(w) ≤ anneal_loss holds before a step.
    """,
    "LinearNet": """
        w (2, m), rows u and v; x (n), y (n). predict f = (u·v/√m) x_i; loss of an example
        ½ (f − y_i)², loss their mean over the n examples.
    """,
}
CONVENTIONS = {model: " ".join(f"{text} {_SGD}".split()) + "".join(
    f"\n{formula}" for name, formula in DEFINITIONS[model].items() if "see the model" not in formula)
    for model, text in _MODELS.items()}
