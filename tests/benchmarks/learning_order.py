"""Li, Wei and Ma 2019, sections 2 to 6."""

BENCHMARKS = {}
