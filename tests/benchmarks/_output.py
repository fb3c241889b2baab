"""What a benchmark leaves: a table on the terminal, results.json, and two pictures."""

import json

import numpy as np

from figures._style import DASHES, INK, MARKERS, SHADES, panels, style

_ORDER = ("torch", "jax", "numba", "plain NumPy")  # markers by contender; others are in the table alone


def lines(record):
    """A record as lines of the table."""
    if record["kind"] == "scaling":
        return [f"{record['name']}: time ∝ {record['variable']}^{record['time_exponent']:.2f}, peak memory ∝ "
                f"{record['variable']}^{record['memory_exponent']:.2f}",
                *(f"    {size:>9g}  {_time(seconds):>9}  {peak / 1e6:9.1f} MB"
                  for size, seconds, peak in zip(record["sizes"], record["seconds"], record["peak_memory"]))]
    ours = next(iter(record["contenders"].values()))["seconds"]
    limit = (
        f"; arithmetic and traffic at the machine's rates would take {record['limit'] / ours:.0%} of ours"
        if record["limit"]
        else ""
    )
    found = [f"{record['name']} (per {record['unit']}; peak {record['peak_memory'] / 1e6:.0f} MB{limit})"]
    for name, entry in record["contenders"].items():
        compiling = entry["first_call"] - entry["seconds"]
        compiled = f"  + {compiling:.2g} s to compile" if name in ("jax", "numba") else ""
        found.append(
            f"    {name:<14}{_time(entry['seconds'] / record['count']):>9}  {entry['ratio']:6.2f} × ours{compiled}"
        )
    if record["note"]:
        found.append(f"    {record['note']}")
    return found


def _time(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def save(records, environment, directory):
    """Write results.json, ratios.png and scaling.png."""
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"environment": environment, "records": records}, indent=1, ensure_ascii=False)
    (directory / "results.json").write_text(text + "\n", encoding="utf-8")
    cases = [record for record in records if record["kind"] == "case"]
    scalings = [record for record in records if record["kind"] == "scaling"]
    with style("benchmarks"):
        if cases:
            _ratios(cases).savefig(directory / "ratios.png")
        if scalings:
            _growth(scalings).savefig(directory / "scaling.png")


def _ratios(cases):
    figure, (axis,) = panels(1, 1, width=8.2, height=1.2 + 0.24 * len(cases))
    rows = np.arange(len(cases))[::-1]
    axis.axvline(1, color=INK, linewidth=1)
    for k, name in enumerate(_ORDER):
        found = [
            (case["contenders"][name]["ratio"], row) for case, row in zip(cases, rows) if name in case["contenders"]
        ]
        if found:
            axis.plot(
                *zip(*found), linestyle="none", marker=MARKERS[k], color=SHADES[k], markerfacecolor="white", label=name
            )
    limits = [(case["limit"] / next(iter(case["contenders"].values()))["seconds"], row)
              for case, row in zip(cases, rows) if case["limit"]]
    if limits:
        axis.plot(
            *zip(*limits),
            linestyle="none",
            marker="|",
            markersize=9,
            color=INK,
            label="arithmetic and traffic at the machine's rates",
        )
    axis.set(xscale="log", yticks=rows, yticklabels=[case["name"] for case in cases], ylim=(-0.7, len(cases) - 0.3),
             xlabel="time / ours (right of 1: slower than ours)")
    axis.set_title("", loc="left")
    if axis.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper center", ncols=5)
    return figure


def _growth(scalings):
    figure, axes = panels(1, 2, width=4.4, height=3.2 + 0.24 * len(scalings))
    for k, record in enumerate(scalings):
        label = f"{record['name']}: {record['variable']}$^{{{record['time_exponent']:.2f}}}$ in time, " \
                f"$^{{{record['memory_exponent']:.2f}}}$ in memory"
        for axis, key, factor in zip(axes, ("seconds", "peak_memory"), (1, 1e-6)):
            axis.loglog(
                record["sizes"],
                np.multiply(record[key], factor),
                color=SHADES[k % 4],
                linestyle=DASHES[k // 4 % 4],
                marker=MARKERS[k % 4],
                markerfacecolor="white",
                label=label if key == "seconds" else None,
            )
    for axis, label in zip(axes, ("time (s)", "peak memory (MB)")):
        axis.set(xlabel="size", ylabel=label)
    figure.legend(loc="outside lower left")
    return figure
