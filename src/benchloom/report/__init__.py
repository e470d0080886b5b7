"""Renderings of plans and records: pure functions from a value to text."""
