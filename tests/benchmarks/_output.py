"""What a benchmark leaves: a table on the terminal, and results.json and table.md."""

import json

from tests.benchmarks._bare import BARE
from tests.benchmarks._before import BEFORE

_OTHERS = "torch", "jax", "numba"


def lines(record):
    """A record as lines of the table on the terminal."""
    if record["kind"] == "footprint":
        before = f"; before {' and '.join(_before(record))}" if record[BEFORE] else ""
        peak = record["peak_memory"] / 1e6
        return [f"{record['name']}: {_time(record['seconds'])}, peak {peak:.0f} MB resident{before}"]
    if record["kind"] == "scaling":
        return [f"{record['name']}: time ∝ {record['variable']}^{record['time_exponent']:.2f}, peak memory ∝ "
                f"{record['variable']}^{record['memory_exponent']:.2f}",
                *(f"    {size:>9g}  {_time(taken):>9}  {peak / 1e6:9.1f} MB"
                  + (f"  before {ratio:.2f} × ours" if ratio else "") for size, taken, peak, ratio in _sizes(record))]
    share, what = _limit(record)
    limit = f"; limit {share:.0%} of ours, {what}" if share else ""
    found = [f"{record['name']} (per {record['unit']}; peak {record['peak_memory'] / 1e6:.0f} MB{limit})"]
    for name, entry in record["contenders"].items():
        compiling = entry["first_call"] - entry["seconds"]
        compiled = f"  + {compiling:.2g} s to compile" if name in ("jax", "numba") else ""
        each = _time(entry["seconds"] / record["count"])
        found.append(f"    {name:<16}{each:>9}  {entry['ratio']:6.2f} × ours{compiled}")
    if record["note"]:
        found.append(f"    {record['note']}")
    return found


def table(records, environment):
    """All records as Markdown."""
    facts = ", ".join(f"{name} {value}" for name, value in environment.items() if name != "limits")
    found = [f"One run: {facts}.", ""]
    if cases := [record for record in records if record["kind"] == "case"]:
        found += ["| row | ours | before / ours | limit / ours | PyTorch / ours | JAX / ours | Numba / ours |",
                  "|---|---|---|---|---|---|---|",
                  *map(_row, cases), ""]
    if scalings := [record for record in records if record["kind"] == "scaling"]:
        found += ["| cost against | sizes: seconds, peak (before / ours) | time ∝ | memory ∝ |", "|---|---|---|---|"]
        for record in scalings:
            sizes = "; ".join(f"{size:g}: {_time(taken)}, {peak / 1e6:.1f} MB" + (f" ({ratio:.2f})" if ratio else "")
                              for size, taken, peak, ratio in _sizes(record))
            found.append(f"| {record['name']} | {sizes} | {record['time_exponent']:.2f} | "
                         f"{record['memory_exponent']:.2f} |")
        found.append("")
    if apart := [record for record in records if record["kind"] == "footprint"]:
        found += ["| process of its own | CPU time | peak resident | before: time | peak |", "|---|---|---|---|---|"]
        found += [f"| {record['name']} | {_time(record['seconds'])} | {record['peak_memory'] / 1e6:.0f} MB | "
                  f"{' | '.join(_before(record))} |" for record in apart] + [""]
    return "\n".join(found)


def save(records, environment, directory):
    """Write results.json and table.md."""
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"environment": environment, "records": records}, indent=1, ensure_ascii=False)
    (directory / "results.json").write_text(text + "\n", encoding="utf-8")
    (directory / "table.md").write_text(table(records, environment), encoding="utf-8")


def kept(directory):
    """The records that a table broken off has left in a directory, or none."""
    path = directory and directory / "results.json"
    return json.loads(path.read_text(encoding="utf-8"))["records"] if path and path.exists() else []


def _row(record):
    contenders, (share, what) = record["contenders"], _limit(record)
    ours = next(iter(contenders.values()))["seconds"] / record["count"]
    limit = f"{share:.2f}" + ("" if BARE in contenders else "*") if share else ""
    before, *others = [f"{contenders[name]['ratio']:.2f}" if name in contenders else "" for name in (BEFORE, *_OTHERS)]
    cells = record["name"], f"{_time(ours)} per {record['unit']}", before, limit, *others
    return f"| {' | '.join(cells)} |"


def _limit(record):
    """(share of our time, what it is) of the limit of a row; 0 where it has none."""
    if BARE in record["contenders"]:
        return record["contenders"][BARE]["ratio"], BARE
    ours = next(iter(record["contenders"].values()))["seconds"]
    return record["limit"] / ours, "arithmetic and traffic at the machine's rates"


def _sizes(record):
    return zip(record["sizes"], record["seconds"], record["peak_memory"], record[BEFORE])


def _before(record):
    """Time and peak of the earlier state's process, empty where it has no such row."""
    taken, peak = record[BEFORE] or (None, None)
    return (_time(taken), f"{peak / 1e6:.0f} MB") if taken else ("", "")


def _time(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
