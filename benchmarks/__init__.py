"""Benchmarks against named peers, run by `python3 dev.py bench NAME`."""
