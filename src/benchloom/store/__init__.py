"""The store: content-addressed entries, verified downloads, detection and Python environments."""
