"""A comparison of records: ``Comparison``."""
