"""Ledger rows on rates beyond 2/λ, of four papers outside the sources of the other studies."""

from theory import edge_of_stability
from theory.claims._claim import Claim

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
                 "edge, and "
                 "self-stabilisation along flat directions, are not covered"),
    Claim("CB22.one-dimension", "local condition on third-order derivatives, one dimension",
          "On a line gradient descent oscillates stably just above 2/f″ if 3f‴² > f″f⁗.",
          "holds", edge_of_stability.oscillation_coefficient, "simulated",
          test="test_on_a_line_3f3_squared_against_f2_f4", figure="edge-period-two",
          regime="minima of degree four on a line, δ = 5e-4 and 1e-3…0.05; the amplitude of leading order within 1 % "
                 "at 1e-3"),
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
          regime="as for MS26.criterion, coefficient above 2: relative error below 40 δ and of first order in δ"),
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
