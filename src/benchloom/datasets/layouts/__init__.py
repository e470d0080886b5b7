"""Layouts of data sets: a module for each behind ``seam``, found by the name that ``dataset.layout`` states."""
