"""Races against public tools, run by hand: `python -m benchmarks.NAME`; results with their machine are committed."""
