"""Data sets on disk: their samples, in order, with labels. Used by the engine and the harness."""
