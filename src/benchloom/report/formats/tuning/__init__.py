"""A search for the best settings: ``Tuning``."""
