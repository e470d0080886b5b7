"""A record and its file: ``(Record, Path)``."""
