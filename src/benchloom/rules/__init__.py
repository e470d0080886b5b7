"""MLPerf's rules as values: scenarios, metrics, figures and rulesets, and the checks of results against them.

Harness, engine, tuning, reports and comparisons use these facts. Nothing here reads a file or imports LoadGen.
"""
