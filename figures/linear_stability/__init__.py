"""Wu, Ma and E 2018: the toy, the stability diagram, and what eq. 4 leaves out."""

from itertools import permutations
from math import sqrt

import numpy as np
from matplotlib.lines import Line2D
from scipy.stats import hypergeom

from figures._legacy import Drawing, Figure, close, holds
from figures._style import INK, panels, simulation, theory
from refimpl import linear_stability as simulated
from theory import linear_stability as predicted

SIGMAS = 6.0  # standard errors that a comparison may use: a false alarm once in 5e8
TOY = np.array([0.2, 3.8])
LEFT, RIGHT = sqrt(1.9) / (sqrt(1.9) + 1), sqrt(1.9) / (sqrt(1.9) - 1)


def two_minima(effort, rng):
    """The toy: functions, paths at η = 0.7, exit times and escape probabilities against their laws."""
    replicas = {"quick": 4000, "standard": 20_000, "full": 100_000}[effort]
    figure, axes = panels(2, 2, width=3.9)
    x = np.linspace(-0.7, 1.9, 521)
    each = simulated.TwoMinima().predict(x[:, None], simulated.TOY_CURVATURES)
    curves = ((each[:, 0], "$f_1$"), (each[:, 1], "$f_2$"), (each.mean(axis=1), "$f=(f_1+f_2)/2$"))
    for k, (values, label) in enumerate(curves):
        axes[0].plot(x, values, label=label, **theory(k))
    axes[0].set(xlabel="$x$", ylabel="loss", ylim=(-0.03, 1.1))
    axes[0].legend(loc="upper center")

    start, steps = 1 + 1e-3, 100
    record = {"x": lambda w, x, y: w[:, 0]}
    sgd = simulated.two_minima(np.full(6, start), lr=0.7, steps=steps, rng=rng, observe=record).observed["x"]
    gd = simulated.two_minima([start], lr=0.7, steps=steps, batch_size=2, observe=record).observed["x"]
    axes[1].plot(sgd, color="#9b9b9b", linewidth=0.9)
    axes[1].plot([], [], color="#9b9b9b", linewidth=0.9, label="SGD, $B=1$ (6 runs)")
    axes[1].plot(gd, color=INK, linewidth=2, linestyle="--", label="GD")
    axes[1].set(xlabel="step $t$", ylabel="$x_t$ at $\\eta=0.7$", ylim=(-0.6, 2.6))
    axes[1].legend(loc="upper left", ncols=2)

    rows, data = [], {"x": x, "losses": each, "sgd_paths": sgd, "gd_path": gd}
    steps, marks = 300, np.arange(0, 301, 12)
    inside = {"inside": lambda w, x, y: (w[:, 0] > LEFT) & (w[:, 0] < RIGHT)}
    for k, distance in enumerate((1e-2, 1e-4, 1e-6)):
        law = predicted.exit_time(distance, 0.7, steps)
        seen = simulated.two_minima(np.full(replicas, 1 + distance), lr=0.7, steps=steps, rng=rng, observe=inside)
        survival = np.minimum.accumulate(seen.observed["inside"], axis=0).mean(axis=1)
        axes[2].plot(law, label=f"$\\varepsilon=10^{{{round(np.log10(distance))}}}$", **theory(k))
        axes[2].plot(marks, survival[marks], **simulation(k))
        data |= {f"survival_law_{k}": law, f"survival_{k}": survival}
        worst = np.abs(survival - law).max()
        limit = sqrt(np.log(2 / 2e-9) / (2 * replicas))
        rows.append(holds("WME18.toy", f"exit times from ε = {distance:g} at η = 0.7: largest distance between distributions",
                          "exact law", f"{worst:.4f}", f"≤ {limit:.4f} (Dvoretzky–Kiefer–Wolfowitz)", worst <= limit))
        rows.append(close("WME18.toy", f"mean exit time from ε = {distance:g}, steps", law.sum(), survival.sum(),
                          SIGMAS * _deviation(law) / sqrt(replicas), "(6 standard errors)"))
    axes[2].set(xlabel="step $t$", ylabel="P(still in the basin of 1)", xlim=(0, 150))
    axes[2].legend(title="line: exact, markers: runs", title_fontsize=7.5)
    rows.append(holds("WME18.toy", "gradient descent from 1 + 10⁻³ at η = 0.7: |x − 1| after 100 steps", "→ 0",
                      f"{abs(gd[-1, 0] - 1):.1e}", "≤ 1e-12", abs(gd[-1, 0] - 1) <= 1e-12))

    distances = (1 - LEFT) * np.geomspace(0.7, 0.02, 30)
    tested = distances[2::5]
    for k, lr in enumerate((0.55, predicted.two_minima()[1].mean_square_lr, 0.556)):
        kappa = predicted.escape_exponent(TOY, lr, 1)
        steps = 1500
        law = np.array([1 - predicted.exit_time(distance, lr, steps)[-1] for distance in distances])
        runs = simulated.simulate(np.sqrt(TOY)[:, None], np.repeat(tested, replicas // 4)[:, None], lr=lr, batch_size=1,
                                  steps=steps, rng=rng, observe={"out": _outside})
        out = runs.observed["out"].max(axis=0).reshape(len(tested), -1).mean(axis=1)
        axes[3].loglog(distances, law, label=f"$\\eta={lr:.4g}$, $\\kappa={kappa:.2f}$", **theory(k))
        axes[3].loglog(tested[out > 0], out[out > 0], **simulation(k))
        data |= {f"escape_law_{k}": law, f"escape_{k}": out, "distances": distances, "tested": tested}
        expected = law[2::5]
        error = np.sqrt(expected * (1 - expected) / (replicas // 4))
        counted = expected * (replicas // 4) >= 25  # below, a count is not Gaussian
        worst = (np.abs(out - expected) / error)[counted].max()
        rows.append(holds("WME18.eq3", f"escape probabilities at η = {lr:.4g}, {counted.sum()} starts: largest deviation "
                          "in standard errors", "exact law",
                          f"{worst:.2f}", f"≤ {SIGMAS:g}", worst <= SIGMAS))
        slope = np.polyfit(np.log(distances[10:]), np.log(law[10:]), 1)[0]
        rows.append(close("WME18.eq3", f"slope of log P(escape) in log ε at η = {lr:.4g}", kappa, slope, 0.06 * kappa,
                          "(6 %: the law is log-periodic)"))
    axes[3].set(xlabel="start $\\varepsilon=|x_0-1|$", ylabel="P(escape in 1500 steps)", ylim=(3e-6, 1))
    axes[3].legend(loc="lower right", title="line: exact, markers: runs", title_fontsize=7.5)
    return Drawing(figure, data, tuple(rows))


def _outside(w, x, y):
    """Whether x − 1 has left the basin of the toy's minimum at 1."""
    return (w[:, 0] <= LEFT - 1) | (w[:, 0] >= RIGHT - 1)


def _deviation(survival):
    """Standard deviation of a time whose survival function is given."""
    times = np.arange(len(survival))
    mean = survival.sum()
    return sqrt(((2 * times + 1) * survival).sum() - mean**2)


def stability_diagram(effort, rng):
    """Fig. 2 again: the rectangle of eq. 4, the exact half-ellipse of d = 1, and simulated ensembles."""
    replicas = {"quick": 4000, "standard": 20_000, "full": 100_000}[effort]
    n, rays = 100, (2, 5, 12, 30, 60, 92)
    figure, axes = panels(1, 2, width=4.2, height=4.0)
    rows, data = [], {}
    cases = ((axes[0], "B", [(0.1, 1), (0.1, 4), (0.1, 16)]), (axes[1], "η", [(0.1, 4), (0.2, 4), (0.4, 4)]))
    for axis, varied, settings in cases:
        wrong = inside_but_unstable = near = total = 0
        for k, (lr, size) in enumerate(settings):
            edge, top = predicted.sharpness_limit(lr), predicted.non_uniformity_limit(lr, n, size)
            sharp = np.linspace(0, edge, 400)
            ellipse = predicted.mean_square_non_uniformity(sharp, lr, n, size)
            label = f"$B={size}$" if varied == "B" else f"$\\eta={lr:g}$"
            axis.plot([0, edge, edge], [top, top, 0], linewidth=0.9, **theory(k, linestyle=(0, (1, 1.5))))
            axis.plot(sharp, ellipse, **theory(k))
            axis.text(1.01 * edge, top, label, ha="left", va="center", color=theory(k)["color"])
            points, growths, expected, error = [], [], [], []
            for share in (0.5, 0.85, 1.15):
                for curved in rays:
                    # curved of n examples have curvature h, the rest none: s/a = √(n/curved − 1)
                    ratio = sqrt(n / curved - 1)
                    noise = predicted.sampling_factor(n, size)
                    a = share * 2 / (lr * (1 + noise * ratio**2))  # share of the way to the half-ellipse
                    growth, error_here = _one_step_growth(a, curved, n, lr, size, replicas, rng)
                    points.append((a, ratio * a))
                    growths.append(growth)
                    expected.append((1 - lr * a) ** 2 + noise * (lr * ratio * a) ** 2)
                    error.append(error_here)
            points, growths, expected, error = map(np.array, (points, growths, expected, error))
            stable = growths < 1
            decided = np.abs(expected - 1) > SIGMAS * error
            wrong += int((stable != (expected < 1))[decided].sum())
            near += int((~decided).sum())
            total += len(points)
            inside_but_unstable += int(((points[:, 0] < edge) & (points[:, 1] < top) & ~stable)[decided].sum())
            for chosen, face in ((stable, simulation(k)["color"]), (~stable, "white")):
                axis.plot(*points[chosen].T, **simulation(k, markerfacecolor=face, markersize=4.5))
            data |= {f"{varied}{k}_points": points, f"{varied}{k}_growth": growths,
                     f"{varied}{k}_ellipse": np.array([sharp, ellipse])}
        rows.append(holds("WME18.fig2", f"simulated ensembles on the wrong side of the half-ellipse ({varied} varied)",
                          "0", f"{wrong} of {total - near}",
                          f"exact; {near} within {SIGMAS:g} standard errors of the edge set aside", wrong == 0))
        rows.append(holds("WME18.fig2", f"simulated ensembles inside the rectangle that are unstable ({varied} varied)",
                          "some", str(inside_but_unstable), "> 0", inside_but_unstable > 0))
        axis.set(xlabel="sharpness $a$ (units of curvature)", xlim=(0, None), ylim=(0, None))
        axis.set_ylabel("non-uniformity $s=\\sqrt{\\lambda_{max}(\\Sigma)}$ (units of curvature)")
    axes[0].set_title("$\\eta=0.1$, $n=100$")
    axes[1].set_title("$B=4$, $n=100$")
    key = [Line2D([], [], color=INK, linewidth=0.9, linestyle=(0, (1, 1.5)), label="eq. 4: rectangle"),
           Line2D([], [], color=INK, label="exact for $d=1$: half-ellipse"),
           Line2D([], [], **simulation(0, markerfacecolor=simulation(0)["color"]), label="runs: stable"),
           Line2D([], [], **simulation(0), label="runs: unstable")]
    figure.legend(handles=key, loc="outside lower center", ncols=4)
    for lr, size in ((0.1, 1), (0.1, 4), (0.1, 16), (0.2, 4), (0.4, 4)):
        top, error = _measured_top(n, lr, size, replicas, rng)
        claim = "WME18.fig2-B" if lr == 0.1 else "WME18.fig2-lr"
        limit = predicted.non_uniformity_limit(lr, n, size)
        name = f"largest stable s at a = 1/η, η = {lr:g}, B = {size}"
        rows.append(close(claim, name, limit, top, SIGMAS * error, "(6 standard errors)"))
        if size == 4 and lr == 0.1:
            rows.append(close("WME18.s", f"{name}, s = √λmax(Σ)", limit, top, SIGMAS * error, "(6 standard errors)"))
            rows.append(holds("WME18.s", f"{name}, s = λmax(Σ) as printed", f"not {limit:.4g}", f"{top**2:.4g}",
                              "differs by more than 6 standard errors", abs(top**2 - limit) > SIGMAS * 2 * top * error))
    for lr in (0.1, 0.4):
        for factor, stays in ((0.99, True), (1.01, False)):
            run = simulated.simulate([[sqrt(factor * 2 / lr)]], [[1.0]], lr=lr, batch_size=None, steps=500)
            size = abs(run.w[0, 0])
            rows.append(holds("WME18.a", f"gradient descent at a = {factor:g}·2/η, η = {lr:g}: |x| after 500 steps",
                              "below 1" if stays else "above 1", f"{size:.3g}", "side of 1", (size < 1) == stays))
    return Drawing(figure, data, tuple(rows))


def _one_step_growth(sharpness, curved, n, lr, size, replicas, rng):
    """Mean of (x₊/x)² over simulated steps, and its exact standard error from the hypergeometric law."""
    factors = np.zeros((n, 1))
    factors[:curved] = sqrt(sharpness * n / curved)
    run = simulated.simulate(factors, np.ones((replicas, 1)), lr=lr, batch_size=size, steps=1, rng=rng)
    counts = np.arange(size + 1)
    chances = hypergeom.pmf(counts, n, curved, size)
    squares = (1 - lr * sharpness * n / curved * counts / size) ** 2
    deviation = sqrt(max(chances @ squares**2 - (chances @ squares) ** 2, 0.0))
    return float((run.w**2).mean()), deviation / sqrt(replicas)


def _measured_top(n, lr, size, replicas, rng):
    """Largest stable s at a = 1/η: there the growth is p(ηs)², so one measured growth gives it."""
    curved = 20
    s = sqrt(n / curved - 1) / lr
    growth, error = _one_step_growth(1 / lr, curved, n, lr, size, replicas, rng)
    return s / sqrt(growth), s / sqrt(growth) * error / (2 * growth)


FAMILIES = ("commuting", "equal norms", "isotropic", "Wishart", "power law", "log-normal")


def _family(name, rng, n=24, dim=24):
    """A random ensemble of one of FAMILIES."""
    gaussian = rng.standard_normal((n, dim))
    if name == "commuting":
        return rng.random((n, 6))[:, :, None] * np.eye(6)
    if name == "equal norms":
        return predicted.GaussNewton(gaussian / np.linalg.norm(gaussian, axis=1, keepdims=True))
    if name == "Wishart":
        factors = rng.standard_normal((8, 6, 6))
        return factors.swapaxes(1, 2) @ factors
    scale = {"isotropic": np.ones(dim), "power law": np.arange(1, dim + 1.0) ** -1, "log-normal": 1}[name]
    return predicted.GaussNewton(gaussian * (np.exp(1.5 * rng.standard_normal((n, 1))) if name == "log-normal" else scale))


def sufficient_condition(effort, rng):
    """How far eq. 4 is from necessary: over random families, and in one ensemble step by step."""
    count, replicas = {"quick": (20, 20_000), "standard": (100, 100_000), "full": (400, 400_000)}[effort]
    figure, axes = panels(1, 3, width=3.6, height=3.3)
    rows, data = [], {}
    ratios = np.array([[_limits(_family(name, rng)) for _ in range(count)] for name in FAMILIES])  # (family, count, 2)
    share = ratios[..., 0] / ratios[..., 1]
    axes[0].boxplot(share.T, orientation="horizontal", whis=(0, 100), widths=0.5,
                    medianprops={"color": "#9b2226", "linewidth": 2}, boxprops={"color": INK},
                    whiskerprops={"color": INK}, capprops={"color": INK})
    axes[0].set_yticks(range(1, len(FAMILIES) + 1), FAMILIES)
    axes[0].set(xlabel="$\\eta_{suff}/\\eta^*$ at $B=1$ (box: quartiles, whiskers: all)",
                xlim=(min(0.4, share.min() - 0.02), 1.03))
    axes[0].axvline(1, color=INK, linewidth=0.8)
    rows += [close("WME18.eq4-sharp", f"η_suff/η* at B = 1, {name}: smallest of {count}", 1, share[k].min(), 1e-8)
             for k, name in enumerate(FAMILIES[:2])]
    rows += [holds("WME18.eq4-sharp", f"η_suff/η* at B = 1, {name}: smallest and median of {count}", "below 1",
                   f"{share[k].min():.3f}, {np.median(share[k]):.3f}", "smallest < 0.99", share[k].min() < 0.99) for k, name in enumerate(FAMILIES) if k >= 2]

    factors = np.array([[10.0, 1.0], [3.0, 5.0], [-4.0, 9.0]]) / 10
    ensemble = predicted.GaussNewton(factors)
    sufficient, exact = _limits(ensemble)
    rates = np.linspace(0.02, 1.25 * exact, 120)
    one_step = np.array([predicted.lambda_max(ensemble, lr, 1) for lr in rates])
    long_run = np.array([predicted.mean_square_rate(ensemble, lr, 1) for lr in rates])
    axes[1].plot(rates, one_step, label="eq. 4: one step", **theory(1))
    axes[1].plot(rates, long_run, label="exact: per step, $t\\to\\infty$", **theory(0))
    tested = np.array([0.3, 0.6, sufficient / exact, 1.0, 1.15]) * exact
    for lr in tested:
        worst_start = np.linalg.eigh(predicted.stability_matrix(ensemble, lr, 1))[1][:, -1]
        rate, weight = predicted.perron_weight(ensemble, lr, 1)
        for start, form, k, value, claim, name in (
                (worst_start, np.eye(2), 1, predicted.lambda_max(ensemble, lr, 1), "WME18.eq4",
                 "E‖x₊‖² from the worst direction"),
                (np.array([0.6, 0.8]), weight, 0, rate, "WME18.eq4-sharp", "growth of xᵀWx per step")):
            measured, error = _quadratic_growth(factors, start, form, lr, replicas, rng)
            axes[1].plot(lr, measured, **simulation(k))
            rows.append(close(claim, f"{name} at η = {lr / exact:.2f} η*", value, measured, SIGMAS * error + 1e-9,
                              "(6 standard errors)"))
    for limit, name, side in ((sufficient, "$\\eta_{suff}$ ", "right"), (exact, " $\\eta^*$", "left")):
        axes[1].axvline(limit, color=INK, linewidth=0.8, linestyle=":")
        axes[1].text(limit, 0.62, name, ha=side)
    axes[1].axhline(1, color=INK, linewidth=0.8)
    axes[1].set(xlabel="learning rate $\\eta$", ylabel="growth of the second moment", ylim=(0.55, 1.65))
    axes[1].legend(loc="upper left", title="markers: simulated steps", title_fontsize=7.5)

    steps, start = 40, np.array([1.0, 0.5])
    for k, (fraction, label) in enumerate(((0.2, "0.2"), (0.35, "0.35"))):
        lr = fraction * exact
        law = np.trace(predicted.second_moment(ensemble, lr, 1, np.outer(start, start), steps), axis1=1, axis2=2)
        run = simulated.simulate(factors, np.tile(start, (replicas // 4, 1)), lr=lr, batch_size=1, steps=steps, rng=rng,
                                 observe={"square": lambda w, x, y: (w**2).sum(axis=1)}).observed["square"]
        axes[2].semilogy(law, label=f"$\\eta={label}\\,\\eta^*$", **theory(k))
        axes[2].semilogy(np.arange(0, steps + 1, 4), run.mean(axis=1)[::4], **simulation(k))
        error = run.std(axis=1) / sqrt(replicas // 4)
        light = error[1:] < 0.01 * law[1:]  # beyond this, tails make the sample error meaningless
        worst = (np.abs(run.mean(axis=1) - law)[1:] / error[1:])[light].max()
        rows.append(holds("WME18.eq2", f"E‖x_t‖² at η = {label} η*, {light.sum()} steps: largest deviation in standard errors",
                          "exact recursion", f"{worst:.2f}", f"≤ {SIGMAS:g}", worst <= SIGMAS))
        data |= {f"moment_law_{k}": law, f"moment_{k}": run.mean(axis=1)}
    axes[2].set(xlabel="step $t$", ylabel="$E\\|x_t\\|^2$")
    axes[2].legend(title="line: exact, markers: runs", title_fontsize=7.5)
    return Drawing(figure, data | {"ratio": share, "rates": rates, "one_step": one_step, "long_run": long_run}, tuple(rows))


def _limits(ensemble):
    return predicted.critical_lr(ensemble, 1, "sufficient"), predicted.critical_lr(ensemble, 1)


def _quadratic_growth(factors, start, form, lr, replicas, rng):
    """Mean of x₊ᵀFx₊ / xᵀFx over simulated steps at B = 1 and its exact standard error."""
    stepped = simulated.simulate(factors, np.tile(start, (replicas, 1)), lr=lr, batch_size=1, steps=1, rng=rng).w
    size = start @ form @ start
    possible = start - lr * factors * (factors @ start)[:, None]
    outcomes = np.einsum("ki,ij,kj->k", possible, form, possible) / size
    return float(np.einsum("ri,ij,rj->r", stepped, form, stepped).mean() / size), outcomes.std() / sqrt(replicas)


def batch_size(effort, rng):
    """The critical rate against batch size, both ways of sampling, and shuffled epochs beside them."""
    replicas = {"quick": 20_000, "standard": 100_000, "full": 400_000}[effort]
    n, dim = 16, 6
    factors = rng.standard_normal((n, dim)) * np.linspace(0.4, 1.6, dim)
    ensemble = predicted.GaussNewton(factors)
    sizes = np.arange(1, n + 1)
    figure, axes = panels(1, 2, width=4.4, height=3.4)
    rows, data = [], {"sizes": sizes}
    for k, replacement in enumerate((False, True)):
        exact = np.array([predicted.critical_lr(ensemble, int(size), replacement=replacement) for size in sizes])
        axes[0].plot(sizes, exact, label=f"exact, {'with' if replacement else 'without'} replacement", **theory(k))
        for size in (1, 2, 4, 8, 15):
            lr = exact[size - 1]
            measured, error = _measured_threshold(factors, size, replacement, lr, replicas, rng)
            axes[0].plot(size, measured, **simulation(k))
            rows.append(close("WME18.p" if size > 1 else "WME18.eq4-sharp",
                              f"critical rate, B = {size} of {n}, {'with' if replacement else 'without'} replacement",
                              lr, measured, SIGMAS * error, "(6 standard errors)"))
        data[f"critical_{k}"] = exact
    sufficient = np.array([predicted.critical_lr(ensemble, int(size), "sufficient") for size in sizes])
    axes[0].plot(sizes, sufficient, label="eq. 4, without", **theory(2))
    axes[0].axhline(predicted.critical_lr(ensemble, n, "gd"), label="gradient descent", **theory(3))
    axes[0].set(xlabel="batch size $B$ of $n=16$", ylabel="critical learning rate")
    axes[0].legend(loc="lower right", title="markers: from simulated steps", title_fontsize=7.5)
    rising = bool((np.diff(data["critical_0"]) > 0).all())
    rows.append(holds("WME18.fig2-B", "critical rate rises with B (without replacement)", "at every B",
                      "at every B" if rising else "not everywhere", "exact", rising))

    small = rng.standard_normal((5, 2))
    exact = predicted.critical_lr(predicted.GaussNewton(small), 1)
    rates = np.linspace(0.5, 2.2, 69) * exact
    free = np.array([predicted.mean_square_rate(predicted.GaussNewton(small), lr, 1) for lr in rates])
    shuffled = np.array([predicted.epoch_mean_square_rate(predicted.GaussNewton(small), lr) for lr in rates])
    axes[1].plot(rates / exact, free, label="independent batches, exact", **theory(0))
    axes[1].plot(rates / exact, shuffled, label="shuffled epochs, exact", **theory(1))
    for lr in rates[4::12]:
        measured = _simulated_epoch_rate(small, lr)
        axes[1].plot(lr / exact, measured, **simulation(1))
        law = predicted.epoch_mean_square_rate(predicted.GaussNewton(small), lr)
        rows.append(close("WME18.epoch", f"growth per step of shuffled epochs at η = {lr / exact:.2f} η*, all 120 orders",
                          law, measured, 1e-10))
    at_limit = predicted.epoch_mean_square_rate(predicted.GaussNewton(small), exact)
    rows.append(holds("WME18.epoch", "growth per step of shuffled epochs at η* of independent batches", "below 1",
                      f"{at_limit:.4f}", "< 1", at_limit < 1))
    axes[1].axhline(1, color=INK, linewidth=0.8)
    axes[1].set(xlabel="$\\eta/\\eta^*$ ($\\eta^*$ of independent batches)", ylabel="growth of $E\\|x\\|^2$ per step")
    axes[1].legend(loc="upper left", title="markers: all 120 orders run", title_fontsize=7.5)
    axes[1].set_title("$n=5$, $d=2$, $B=1$")
    return Drawing(figure, data | {"sufficient": sufficient, "rates": rates, "free": free, "shuffled": shuffled}, tuple(rows))


def _measured_threshold(factors, size, replacement, lr, replicas, rng):
    """η at which simulated steps stop shrinking xᵀWx: 2 E⟨x, H_B x⟩_W / E‖H_B x‖²_W, with its standard error."""
    start = np.linspace(1, 2, factors.shape[1])
    _, weight = predicted.perron_weight(predicted.GaussNewton(factors), lr, size, replacement=replacement)
    sampling = "with-replacement" if replacement else "without-replacement"
    run = simulated.simulate(factors, np.tile(start, (replicas, 1)), lr=lr, batch_size=size, steps=1, sampling=sampling,
                             rng=rng)
    image = (start - run.w) / lr  # H_B x
    first, second = image @ weight @ start, np.einsum("ri,ij,rj->r", image, weight, image)
    estimate = 2 * first.mean() / second.mean()
    return estimate, (2 * first - estimate * second).std() / second.mean() / sqrt(replicas)


def _simulated_epoch_rate(factors, lr):
    """Growth per step of E[x xᵀ] over one epoch, averaged over all orders run through the simulator."""
    n, dim = factors.shape
    orders = np.array(list(permutations(range(n))))
    starts = np.eye(dim)[:, None].repeat(len(orders), axis=1)
    indices = np.broadcast_to(orders.T[:, None, :, None], (n, dim, len(orders), 1))
    columns = simulated.simulate(factors, starts, lr=lr, batch_size=1, steps=n, indices=indices).w
    products = columns.transpose(1, 2, 0)
    operator = np.mean([np.kron(matrix, matrix) for matrix in products], axis=0)
    return float(np.abs(np.linalg.eigvals(operator)).max() ** (1 / n))


def almost_sure(effort, rng):
    """Mean-square against almost-sure stability at the toy's minimum x = 1."""
    replicas = {"quick": 2000, "standard": 10_000, "full": 50_000}[effort]
    toy = predicted.two_minima()[1]
    stack, factors = TOY[:, None, None], np.sqrt(TOY)[:, None]
    figure, axes = panels(1, 3, width=3.5, height=3.2)
    lr, steps = 0.556, 2000
    times = np.arange(0, steps + 1, 20)
    mean_square = lr, predicted.mean_square_rate(stack, lr, 1) ** times
    logs = simulated.simulate(factors, np.ones((replicas, 1)), lr=lr, batch_size=1, steps=steps, rng=rng,
                              observe={"log": lambda w, x, y: np.log10(np.abs(w[:, 0]))}, record_every=20).observed["log"] * 2
    low, middle, high = np.percentile(logs, (10, 50, 90), axis=1)
    axes[0].fill_between(times, low, high, color="#d9d9d9", label="runs, 10–90 %")
    axes[0].plot(times[::10], middle[::10], label="runs, median", **simulation(0))
    exponent = predicted.lyapunov_exponent(TOY, lr, 1)
    axes[0].plot(times, 2 * exponent * times / np.log(10), label="$e^{2\\Lambda t}$", **theory(0))
    axes[0].plot(times, np.log10(mean_square[1]), label="$E\\,x_t^2$, exact", **theory(1))
    axes[0].set(xlabel="step $t$", ylabel="$\\log_{10}x_t^2$")
    axes[0].set_title(f"$\\eta={lr}$")
    axes[0].legend(loc="lower left")
    rows = [holds("WME18.eq3", f"at η = {lr}: E x² per step and the median of x² after {steps} steps", "grows; shrinks",
                  f"{predicted.mean_square_rate(stack, lr, 1):.5f}; 10^{middle[-1]:.1f}", "above 1; below 1",
                  predicted.mean_square_rate(stack, lr, 1) > 1 and middle[-1] < 0)]

    rates = np.linspace(0.52, 0.6, 161)
    exponents = np.array([predicted.lyapunov_exponent(TOY, lr, 1) for lr in rates])
    half_logs = np.array([np.log(predicted.absolute_moment(TOY, lr, 1, 2)) / 2 for lr in rates])
    axes[1].plot(rates, exponents, label="$\\Lambda=E\\log|1-\\eta h|$", **theory(0))
    axes[1].plot(rates, half_logs, label="$\\frac{1}{2}\\log E(1-\\eta h)^2$", **theory(1))
    for lr in (0.53, 0.545, toy.almost_sure_lr, 0.575, 0.59):
        run = simulated.simulate(factors, np.ones((replicas, 1)), lr=lr, batch_size=1, steps=100, rng=rng)
        measured = np.log(np.abs(run.w)).mean() / 100
        axes[1].plot(lr, measured, **simulation(0))
        error = np.log(np.abs(1 - lr * TOY)).std() / sqrt(100 * replicas)
        rows.append(close("WME18.eq3", f"mean growth of log|x| per step at η = {lr:.5g}", predicted.lyapunov_exponent(TOY, lr, 1),
                          measured, SIGMAS * error, "(6 standard errors)"))
    for lr, name, side in ((toy.mean_square_lr, "$\\eta^*$ ", "right"), (toy.almost_sure_lr, " $\\eta_{as}$", "left")):
        axes[1].axvline(lr, color=INK, linewidth=0.8, linestyle=":")
        axes[1].text(lr, 0.075, name, ha=side)
    axes[1].axhline(0, color=INK, linewidth=0.8)
    axes[1].set(xlabel="learning rate $\\eta$", ylabel="growth of $\\log|x|$ per step")
    axes[1].legend(loc="lower right", title="markers: runs", title_fontsize=7.5)

    inside = np.linspace(0.5475, toy.almost_sure_lr, 60, endpoint=False)
    kappas = np.array([predicted.escape_exponent(TOY, lr, 1) for lr in inside])
    axes[2].plot(inside, kappas, label="$E|1-\\eta h|^\\kappa=1$", **theory(0))
    distances = (1 - LEFT) * np.geomspace(0.6, 0.15, 3)
    for lr in (0.5515, 0.5525, 0.554, 0.5555):
        starts = np.repeat(distances, replicas)[:, None]
        run = simulated.simulate(factors, starts, lr=lr, batch_size=1, steps=1000, rng=rng, observe={"out": _outside})
        escaped = run.observed["out"].max(axis=0).reshape(3, -1).mean(axis=1)
        slope = np.polyfit(np.log(distances), np.log(escaped), 1)[0]
        error = sqrt(((1 - escaped[[0, -1]]) / (escaped[[0, -1]] * replicas)).sum()) / np.log(4)
        axes[2].errorbar(lr, slope, yerr=error, capsize=2, **simulation(0))
    axes[2].plot([toy.mean_square_lr, toy.almost_sure_lr], [2, 0], linestyle="none", marker="x", color="#9b2226", markersize=7,
                 label="$\\kappa=2$ at $\\eta^*$, 0 at $\\eta_{as}$")
    axes[2].set(xlabel="learning rate $\\eta$", ylabel="escape exponent $\\kappa$")
    axes[2].legend(loc="upper right", title="markers: slope of P(escape), runs", title_fontsize=7.5)
    rows.append(close("WME18.eq3", "escape exponent at η*", 2, predicted.escape_exponent(TOY, toy.mean_square_lr, 1), 1e-8))
    data = {"times": times, "quantiles": np.array([low, middle, high]), "rates": rates, "exponents": exponents,
            "half_logs": half_logs, "inside": inside, "kappas": kappas}
    return Drawing(figure, data, tuple(rows))


FIGURES = (
    Figure("two-minima", "The toy with two minima: GD stays where SGD leaves", two_minima,
           ("WME18.toy", "WME18.eq3"), (4, 12, 60)),
    Figure("stability-diagram", "Fig. 2: the sharpness–non-uniformity diagram", stability_diagram,
           ("WME18.fig2", "WME18.fig2-B", "WME18.fig2-lr", "WME18.s", "WME18.a"), (3, 5, 15)),
    Figure("sufficient-condition", "How conservative eq. 4 is", sufficient_condition,
           ("WME18.eq2", "WME18.eq4", "WME18.eq4-sharp"), (3, 6, 20)),
    Figure("batch-size", "Critical rate against batch size; shuffled epochs", batch_size,
           ("WME18.p", "WME18.eq4-sharp", "WME18.fig2-B", "WME18.epoch"), (2, 4, 10)),
    Figure("almost-sure", "Mean-square against almost-sure stability", almost_sure, ("WME18.eq3",), (3, 10, 50)),
)
