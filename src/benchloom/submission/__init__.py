"""Submissions to MLPerf Inference as trees of files: reading one whatever it holds, and checking it.

A check has a code; ``findings.json`` holds its words. What the official checker of a round does about each code is data of the
round's component (``SubmissionRules``), so one set of checks gives two verdicts: *official* and *strict*.
"""
