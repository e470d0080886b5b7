"""Use cases, one per file: each takes a Workspace and values, and returns values for the CLI to render."""
