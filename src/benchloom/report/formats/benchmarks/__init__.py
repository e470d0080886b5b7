"""The results of ``loom bench``: ``BenchRun``."""
