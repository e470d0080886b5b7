"""What ``./loom`` does before anything is installed: choose a folder, install into it, start the command there.

Standard library only; of this package it imports only ``benchloom.base``.
"""
