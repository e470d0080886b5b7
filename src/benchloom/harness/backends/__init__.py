"""Backends: one module each, found by ``backend.name`` and imported only if chosen; ``seam`` has the interface."""
