"""Data sets on disk: which files become samples, in which order, with which labels. Used by the engine and by the harness."""
