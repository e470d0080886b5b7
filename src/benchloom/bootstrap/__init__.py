"""What ``./loom`` does before anything is installed: choose a folder, install into it, start the command there.

Standard library only; of the rest of the package it imports nothing but ``benchloom.base``.
"""
