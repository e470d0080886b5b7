"""Backends: one small class each behind ``benchloom.harness.sut.Backend``; a module is imported only when chosen."""
