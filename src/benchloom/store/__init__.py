"""Where results live: content-addressed entries, verified downloads, detection and Python environments."""
