"""Tables, for every kind that has some."""
