"""Tasks: one module each, found by ``model.task``; ``seam`` has the interface."""
