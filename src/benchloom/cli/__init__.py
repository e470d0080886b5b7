"""The command ``loom``: parse, call one use case, render. Data goes to stdout, messages to stderr."""
