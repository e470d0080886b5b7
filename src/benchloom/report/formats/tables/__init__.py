"""Table formats, for every kind of value with tables."""
