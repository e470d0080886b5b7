"""Checked submissions: ``SubmissionCheck``."""
