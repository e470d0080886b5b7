"""Content-addressed entries, verified downloads and safe archives."""
