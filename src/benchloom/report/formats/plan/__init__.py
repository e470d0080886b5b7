"""A plan: ``Plan``."""
