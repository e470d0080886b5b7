"""What ``loom bench`` measured: ``BenchRun``."""
