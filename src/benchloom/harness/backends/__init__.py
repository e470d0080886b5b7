"""Backends: a module for each behind ``seam``, found by the name that ``backend.name`` states; imported only when chosen."""
