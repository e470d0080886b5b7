"""Tasks: a module for each behind ``seam``, found by the name that ``model.task`` states."""
