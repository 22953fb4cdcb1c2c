"""Measurements: reproducible, with data and seed stated; result tables lie in `benchmarks/results`."""
