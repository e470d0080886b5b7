"""Records side by side: ``Comparison``."""
