"""Benchloom: reproducible MLPerf-style inference benchmarks assembled from components by tags."""

__version__ = "0.1.0"
