"""Experiments: lists of runs and their judges. One engine drives every judge; planning and running are passed in."""
