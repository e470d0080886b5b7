"""Experiments: lists of runs and what judges them. One engine drives every judge; nothing here plans or runs by itself."""
