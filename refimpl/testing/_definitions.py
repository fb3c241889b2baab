"""The formula of every function that cases ask for, with its arguments, for `conventions` and the export."""


def _named(*texts):
    """{name of its function: text}."""
    return {text.partition("(")[0]: text for text in texts}


_COMMON = _named(
    "predict(w, x): the model's output, one for each example.",
    "losses(w, x, y): the loss of each example alone, (n).",
    "loss(w, x, y): the mean of losses over the n examples, one number.",
    "gradient(w, x, y): the derivative of loss by w, in the shape of w.",
    "hvp(w, x, y, v): (∇² loss)(w) · v, in the shape of w.",
    "sgd(w, x, y, lr, indices, noise, weight_decay, momentum, nesterov, dampening): all iterates w_0 … w_T, or the "
    "last one alone; see the model.",
)
_SAMPLING = (
    "H_i are the n examples' Hessians, H their mean, Σ = mean(H_i²) − H². S = I − lr·H_B with H_B the mean over a "
    "random batch of batch_size examples, drawn with replacement (an example may come twice) or without "
    "(replacement false)."
)
_STEP = (
    "The last four are 0 (nesterov false) where they are not given; else S acts on (x, v): g = (H_B + "
    "weight_decay·I) x, v ← momentum·v + (1 − dampening)·g, x ← x − lr·v, or with nesterov x ← x − lr·(g + momentum·v)."
)
_STABILITY = _named(
    "sharpness(D): the largest eigenvalue of H.",
    "non_uniformity(D): √λmax(Σ).",
    "lambda_max(D, lr, batch_size, replacement): λmax(E[SᵀS]) = λmax((I − lr·H)² + lr²·p·Σ), with p = (n − B)/(B(n − "
    f"1)) without replacement (0 for n = 1) and 1/B with. {_SAMPLING}",
    "mean_square_rate(D, lr, batch_size, replacement, momentum, nesterov, dampening, weight_decay): spectral radius "
    f"of X ↦ E[S X Sᵀ] on the range of H. {_SAMPLING} {_STEP}",
    "critical_lr(D, batch_size, replacement, momentum, nesterov, dampening, weight_decay): the largest rate below "
    "which mean_square_rate is at most 1. Without the last four 2/λmax(C⁻¹D) on the symmetric matrices on the range "
    f"of H, C(X) = (HX + XH)/2, D(X) = (1 − p) HXH + p·mean(H_i X H_i). {_SAMPLING} {_STEP}",
)
_MEANS = "a_B is the mean of curvatures a_i over a random batch of batch_size of the n, with or without replacement"


def _of(data):
    return {name: text.replace("(D", f"({data}") for name, text in _STABILITY.items()}


_SCALARS = {
    "LinearRegression": {
        name: f"{text} Here H_i = x_i x_iᵀ, x_i the rows of factors (n, d)." for name, text in _of("factors").items()
    },
    "Quadratic": {name: f"{text} Here H_i are hessians (n, d, d)." for name, text in _of("hessians").items()},
    "TwoMinima": _named(
        f"lyapunov_exponent(curvatures, lr, batch_size, replacement): E log|1 − lr·a_B|; {_MEANS}.",
        "almost_sure_lr(curvatures, batch_size): the smallest lr > 0 with E log|1 − lr·a_B| = 0, below it negative; "
        f"{_MEANS}, here without.",
    ),
    "LeastSquares": _named(
        "descend(w, x, y, lr, large_lr, anneal_loss, target): all iterates, or the last one alone; see the model.",
        "flow_stop_time(sharp_loss, flat_loss, target): the time t ≥ 0 with A e^(−8t/3) + B e^(−4t/3) = target, A = "
        "sharp_loss and B = flat_loss: gradient flow on a quadratic with eigenvalues 4/3 and 2/3.",
        "flow_loss_ratio(sharp_loss, flat_loss, target): P/target with P = ¾ A e^(−8t/3) + (3/2) B e^(−4t/3) at t = "
        "flow_stop_time: the test loss with Hessian I where the train loss with Hessian diag(4/3, 2/3) has come down "
        "to the target.",
        "annealed_loss_ratio(sharp_loss, flat_loss, target, lr, large_steps): flow_loss_ratio from A (1 − 4lr/3)^(2k) "
        "and B (1 − 2lr/3)^(2k), k = large_steps.",
        "limit_ratios(train_hessian, test_hessian): the pair vᵀ G v / λ for the smallest and for the largest "
        "eigenvalue λ of H = train_hessian, v its unit eigenvector, G = test_hessian.",
        "crossover_lr(x): 2/(λmin + λmax) of the Hessian (2/n) xᵀx of the loss without ½.",
    ),
    "TwoLayerCNN": _named(
        "effective_rate(lr, strong_norm, width): c = 4·lr·strong_norm²/width, strong_norm the Euclidean length of the "
        "strong vector.",
        "reduced_map(f, c): f (1 + c (1 − f))².",
        "period_two_orbit(c): the two points that reduced_map exchanges, the smaller first: f = 1 + (1 − X)/c for X = "
        "((1 + c) ± √((1 + c)² − 4))/2, 1 < c ≤ √5 − 1.",
        "mean_residual(c): the mean of 1 − f over that orbit, (c − 1)/(2c), 1 ≤ c ≤ √5 − 1.",
        "weak_growth_rate(c, kappa): log(1 + κ(1 − κ)(c − 1)), κ = kappa, 1 ≤ c ≤ √5 − 1.",
        "weak_limit(c, kappa): β* (1 + κ(1 − κ)/4) with β* = (c − 1)/(c − κc); an approximation of the strength at "
        "which the oscillation stops, judged at its error 1e-4.",
        "weak_half_time(c, kappa, alpha0, beta0): steps until the weak strength is β*/2, judged at a relative error "
        "of κ/10. With t₀ = ln(1/α₀)/(2 ln(1 + c)), β₀' = β₀ (1 + κc)^(2t₀): for c ≤ √5 − 1, t₀ + ln((β* − "
        "β₀')/β₀')/(κ(1 − κ)(c − 1)); beyond, t₀ + ∫ d ln β / (2κ(1 − κ) H(c(1 − β))) from β₀' to β*/2, H(c) = c × "
        "the mean of 1 − f over the orbit of reduced_map.",
        "small_rate_limit(alpha0, beta0, kappa): β with β/β₀ = (α/α₀)^κ and α + β = 1.",
    ),
    "MLP": _named(
        "sharpness(w, x, y): the largest eigenvalue (not the largest in size) of ∇² loss at w.",
        "non_uniformity(w, x, y): √λmax(mean(H_i²) − H²) over the Hessians H_i of the examples' losses, H their mean.",
    ),
    "ConvNet": _named(
        "train(w, x, y, lr, indices, momentum, weight_decay, noise): all iterates, or the last one alone; see the "
        "model.",
    ),
    "TwoLayerReLU": _named(
        "train(w, x, y, lr, weight_decay, noise, large_lr, anneal_loss): all iterates, or the last one alone; see the "
        "model.",
        "stationary_std(lr, weight_decay, noise_std): s with s² = (1 − lr·λ)² s² + lr²·noise_std², λ = weight_decay: "
        "noise_std·√(lr/(λ(2 − lr·λ))).",
        "noise_std(lr, weight_decay, stationary_std): the noise_std that gives that stationary_std.",
        "noise_autocorrelation(lr, weight_decay, lag): (1 − lr·weight_decay)^lag.",
        "lag_kernel(rho, r): Σ_ab c_a c_b ⟨x_a, x_b⟩ (1/4 + arcsin(ρ ⟨x_a, x_b⟩/(|x_a||x_b|))/(2π)) over x = (1, −r), "
        "(1, 0), (1, r) with c = (1, −2, 1).",
    ),
}
_DEGREE_FOUR = (
    "L(w) = ½ Σ H_ij w_i w_j + (1/6) Σ T_ijk w_i w_j w_k + (1/24) Σ F_ijkl w_i w_j w_k w_l with H = hessian (d, d), T ="
    " third (d, d, d), F = fourth (d, d, d, d), all symmetric"
)
_SCALARS["LinearNet"] = _named(
    "catapult_step(f, kernel, lr, width): the pair f (1 − lr·κ + lr² f²/m), κ + (lr f²/m)(lr·κ − 4), κ = kernel, m = "
    "width: f = u·v/√m and κ = (|u|² + |v|²)/m after a step of gradient descent on f²/2.",
    "final_kernel(f, kernel, lr, width): κ after catapult_step has been repeated until f is 0.",
    "flow_kernel(f, kernel, width): √(κ² − 4 f²/m), the κ at which gradient flow ends.",
    "oscillation_coefficient(hessian, third, fourth): 3 bᵀ H⁻¹ b − Σ F_ijkl v_i v_j v_k v_l with b_i = Σ T_ijk v_j "
    f"v_k and v the unit eigenvector of H's largest eigenvalue. {_DEGREE_FOUR}.",
    "oscillation_amplitude(hessian, third, fourth, lr): √(6 (λ − 2/lr)/c), λ the largest eigenvalue of H and c the "
    "oscillation_coefficient.",
    f"degree_four_loss(hessian, third, fourth, w): L(w). {_DEGREE_FOUR}.",
    f"degree_four_gradient(hessian, third, fourth, w): ∇L(w), (d). {_DEGREE_FOUR}.",
)
_NO_HVP = ("TwoMinima",)
DEFINITIONS = {model: {name: text for name, text in _COMMON.items() if name != "hvp" or model not in _NO_HVP}
               | found for model, found in _SCALARS.items()}


def all_functions():
    """Names of the functions of all models."""
    return dict.fromkeys(name for found in DEFINITIONS.values() for name in found)
