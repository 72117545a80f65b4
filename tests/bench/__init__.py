"""Benchmarks: figures and ratios for people, not tests."""
