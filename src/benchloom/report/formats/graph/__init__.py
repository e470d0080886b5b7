"""A drawing of a plan: ``Graph``."""
