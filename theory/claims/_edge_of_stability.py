"""Ledger rows on rates up to 2/λ and beyond, of five papers outside the sources of the other studies."""

from theory import edge_of_stability, linear_stability
from theory.claims._claim import Claim, on_images

_TEACHER = ("synthetic set: tanh net [20, 40, 40, 40, 1], n = 200, squared loss (1/2n)Σ(f−y)², ±1 labels with a "
            "quarter turned over; ")
_HELD = ("two classes, 200 images of 784 pixels, a quarter of the labels turned over, the same net and loss, η = 0.05, "
         "steps 2500 to 5000 of one start; another swung to 1.05 and .73 and rose again along gradient flow: ")

CLAIMS = (
    Claim("CKLKT21.edge", "section 2 and main observation",
          "With a sharpness above 2/η gradient descent diverges on the quadratic Taylor approximation, and yet "
          "training need "
          "not diverge.",
          "holds", edge_of_stability.oscillation_amplitude, "simulated",
          test="test_up_to_the_edge_the_minimum_is_stable", figure="edge-period-two",
          regime="beside minima with an invertible Hessian and a positive coefficient 3 T[v,v]ᵀH⁻¹T[v,v] − F[v,v,v,v], "
                 "δ = ηλ/2 "
                 "− 1 up to 0.05: it alternates between two points that are √δ apart. That sharpness rises to the "
                 "edge has rows of its own"),
    Claim("CKLKT21.sharpening", "main observation: progressive sharpening, and the edge",
          "Under gradient descent the sharpness rises until it is 2/η, and then stays at it while the loss falls.",
          "holds", linear_stability.sharpness_limit, "simulated",
          test="test_sharpness_rises_to_the_edge_and_stays", figure="edge-sharpening",
          regime=_TEACHER + "η = 0.05 and 0.1: within 1 % (.05 % in the end), from which a smaller rate goes on to "
                            "twice the sharpness. Only where the flow ends sharper than 2/η",
          elsewhere=on_images("in part", "authors' setting of Table 1, 100 hidden units, ReLU, η = .5: time "
                              "means .98 of 2/η on 100 images, .94 and 1.00 on 500 (two starts), single records within "
                              "20 % of it; other starts overshoot and rest at .93")),
    Claim("CKLKT21.momentum-net", "section on momentum: 2(1 + β)/η for heavy ball",
          "With momentum μ the sharpness settles at 2(1 + μ)/η.",
          "holds", linear_stability.critical_lr, "simulated",
          test="test_with_momentum_the_edge_is_that_of_heavy_ball", figure="edge-sharpening",
          regime=_TEACHER + "μ = .5, η = 0.05 and 0.1: within 1 %. At μ = .9 not seen: with η = 0.04 the flow ends at "
                            ".92 of it, with η = 0.1 and 0.2 the first steps throw the net to .09 and .59 of it",
          elsewhere=on_images("in part", "authors' setting of Table 1, 100 hidden units, ReLU, η = .5, μ = .5: time "
                              "means .99 of 2(1 + μ)/η on 100 images, .97 and .91 on 500 (two starts)")),
    Claim("CKLKT21.sgd", "discussion of SGD",
          "The sharpness under SGD settles below 2/η.",
          "holds", linear_stability.critical_lr, "simulated",
          test="test_sgd_settles_below_the_edge_of_gradient_descent", figure="edge-sharpening",
          regime=_TEACHER + "seven starts. B = 16: η = 0.05 and 0.1 end at .28 to .93 of 2/η, where η is .46 to 1.01 "
                            "of η*, the exact threshold of that minimum and batch size; B = 64 at 1.01 to 1.02 η*, "
                            "within 1 % of 2/η; with μ = .5 and B = 64 at .98 to 1.02 η*, .94 to .97 of 2(1 + μ)/η; "
                            "B = 4 (one start) at .76 η*",
          elsewhere=on_images("seen", "30 minima of WME18.fig3, B = 16 and 64, η = .05 and .1: aη/2 from .14 to 1.03, "
                               "where η is up to 1.10 η*")),
    Claim("DNL23.edge", "abstract: self-stabilisation",
          "At the edge the sharpness is held at 2/η by the cubic term of the oscillation.",
          "holds", edge_of_stability.stabilised_amplitude, "simulated",
          test="test_sharpness_rises_to_the_edge_and_stays", figure="edge-sharpening",
          regime=_TEACHER + "η = 0.05, at the middle of two iterates, loss below 3e-3: within .3 %",
          elsewhere=on_images("seen", _HELD + "within .1 %, where .98 and 1.02 were passed on the way")),
    Claim("DNL23.amplitude", "section 4: balance of α and β",
          "Progressive sharpening α is balanced by an oscillation of squared amplitude 2α/β.",
          "holds", edge_of_stability.stabilised_amplitude, "simulated",
          test="test_amplitude_that_holds_the_sharpness", figure="edge-sharpening",
          regime=_TEACHER + "η = 0.05, loss below 3e-3: within 1 %; before, while the run arrives at its edge, it "
                            "swings about that. Exact on ½(s + y)x² − αy. β is of T[v, v] across v: with the whole of "
                            "it 6 to 18 % off",
          elsewhere=on_images("seen", _HELD + "within .2 %")),
    Claim("DNL23.trajectory", "theorem on the constrained trajectory",
          "At the edge gradient descent follows the flow that is constrained to a sharpness of at most 2/η.",
          "holds", edge_of_stability.constrained_velocity, "simulated",
          test="test_the_middle_moves_with_the_constrained_flow", figure="edge-sharpening",
          regime=_TEACHER + "η = 0.05, loss below 3e-3: the velocity of the middle of two iterates within 1 % of the "
                            "constrained flow's, where gradient flow's is 40 to 80 % off. Point by point; the distance "
                            "of two whole trajectories was not integrated",
          elsewhere=on_images("seen", _HELD + "velocity within .1 % of the constrained flow's, gradient flow's 50 to "
                              "66 % off")),
    Claim("DNL23.several", "appendix: several eigenvalues at the edge",
          "With several eigenvalues at the edge the constraint is on each of them.",
          "not tested", None, "not tested as stated",
          regime="the second eigenvalue stays at .76 to .88 of 2/η on the teacher set at η = 0.05; with several "
                 "outputs, where more reach the edge, no run was made"),
    Claim("CB22.one-dimension", "local condition on third-order derivatives, one dimension",
          "On a line gradient descent oscillates stably just above 2/f″ if 3f‴² > f″f⁗.",
          "holds", edge_of_stability.oscillation_coefficient, "simulated",
          test="test_on_a_line_3f3_squared_against_f2_f4", figure="edge-period-two",
          regime="minima of degree four on a line, δ = 5e-4 and 1e-3…0.05; the amplitude of leading order within 1 % "
                 "at 1e-3"),
    Claim("CB22.factorisation", "factorisation of one number",
          "Just above its edge gradient descent on ½(xy − μ)² goes to the orbit of period two with x = y.",
          "holds", edge_of_stability.oscillation_amplitude, "simulated",
          test="test_a_product_of_two_numbers_oscillates_balanced", figure="edge-period-two",
          regime="μ = 1, η = 1.1, 20 starts within .2 of x = y = 1; on x = y it is the map of benign oscillation"),
    Claim("CB22.teacher", "single neuron against a teacher, and larger nets",
          "A single neuron that learns another, and nets beyond, end in such orbits.",
          "not tested", None, "not tested as stated",
          regime="the sizes and distributions of those experiments are not at hand; on nets with weight decay see "
                 "MS26.amplitude-net"),
    Claim("MS26.criterion", "criterion for stable oscillation near a minimum in many dimensions",
          "In d dimensions the oscillation is stable if and only if 3 T[v,v]ᵀH⁻¹T[v,v] > F[v,v,v,v].",
          "holds", edge_of_stability.oscillation_coefficient, "simulated",
          test="test_the_sign_of_the_coefficient_decides_whether_a_small_oscillation_is_stable",
          figure="edge-period-two",
          regime="losses of degree four in three dimensions, |coefficient| > 0.5 and δ ≤ 2e-3; nearer to 0 the next "
                 "order decides. "
                 "H invertible with a simple top eigenvalue, all others below 2/η; along flat directions the iterate "
                 "drifts"),
    Claim("MS26.amplitude", "beside that criterion",
          "The amplitude is a² = 6(λ − 2/η)/(3 T[v,v]ᵀH⁻¹T[v,v] − F[v,v,v,v]) to leading order.",
          "holds", edge_of_stability.oscillation_amplitude, "simulated",
          test="test_amplitude_to_first_order_beyond_the_edge", figure="edge-period-two", ours=True,
          regime="as for MS26.criterion, coefficient above 2: relative error of first order in δ, up to 80 δ in 200 "
                 "losses"),
    Claim("MS26.amplitude-net", "beside that criterion",
          "The amplitude is that of the law on a net too, at a minimum that weight decay makes isolated.",
          "holds", edge_of_stability.oscillation_amplitude, "simulated",
          test="test_amplitude_on_a_net_to_first_order_beyond_the_edge", figure="edge-period-two", ours=True,
          regime="tanh nets [4, 6, 1] and [3, 5, 1] with decay 0.01 and 0.02, squared loss; δ = 2e-3…0.02: relative "
                 "error 0.5 to 0.9 δ, power of δ 1.00. With T[v,v,v]²/λ for T[v,v]ᵀH⁻¹T[v,v] it is 4 to 9 times too "
                 "large. With two hidden layers of 8 the softest curvatures are 1e-5 of λ and runs do not come to rest "
                 "in 10 000 steps"),
    Claim("MS26.benign", "beside that criterion, and [LWYZ24] \"Strong signal oscillation\"",
          "The map f(1 + c(1 − f))² of benign oscillation is a special case: descent on (1 − f)²/4 in √f, with a² = "
          "(c − 1)/4c.",
          "exact", edge_of_stability.oscillation_amplitude, "proved",
          test="test_the_benign_map_is_a_special_case", figure="edge-period-two", ours=True),
    Claim("LBDSG20.map", "section 2.1: update equations of f and the kernel",
          "Gradient descent on f = u·v/√m is a map of the output and the kernel alone.",
          "exact", edge_of_stability.catapult_step, "proved",
          test="test_two_numbers_follow_the_whole_net", figure="edge-catapult"),
    Claim("LBDSG20.catapult", "section 2.1: 2 < ηκ₀ < 4",
          "Between ηκ = 2 and 4 the loss grows at first, the kernel falls, and training then converges.",
          "holds", edge_of_stability.final_kernel, "simulated",
          test="test_three_phases_of_the_rate", figure="edge-catapult",
          regime="small f₀/√m. Where the kernel ends is one number per ηκ₀ up to 2.5 only; from 3 on it goes round in "
                 "log f₀"),
    Claim("LBDSG20.divergence", "section 2.1: above ηκ₀ = 4",
          "Above ηκ = 4 training diverges.",
          "exact", edge_of_stability.final_kernel, "proved",
          test="test_three_phases_of_the_rate", figure="edge-catapult"),
    Claim("LBDSG20.flatter", "catapult phase: convergence to a flatter minimum",
          "A rate above 2/κ ends at a flatter minimum than a small one does.",
          "corrected", edge_of_stability.final_kernel, "simulated",
          test="test_descent_does_not_always_end_flatter_than_the_flow", figure="edge-catapult",
          regime="one example, any width; gradient flow is the small rate",
          correction="While every η²f_t²/m < 2, so for wide nets with f of order 1; not always. κ_∞ = √(κ₀² − 4f₀²/m) "
                     "Π|1 − "
                     "η²f_t²/m| exactly, the square root being gradient flow: from ηf₀/√m = 1.45, ηκ₀ = 3 descent ends "
                     "at .8278 "
                     "and the flow at .7681."),
)
