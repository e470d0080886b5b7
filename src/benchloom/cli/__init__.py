"""The command ``loom``: parse, call one use case, render. stdout is data, stderr is talk."""
