"""What MLPerf measures and demands, as values: scenarios, metrics, figures and rulesets, and the checks of results against them.

Harness, engine, tuning, reports and comparisons take every such fact from here. Nothing here reads a file or imports LoadGen.
"""
