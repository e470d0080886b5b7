"""Packages whose modules are plug-ins: found by name, so that no list of them is kept.

The convention: in such a package ``seam.py`` has the protocol, and every other module is a member. Code that members
share belongs elsewhere. The member ``image-classification`` is the module ``image_classification``.
"""

import os
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import benchloom

SEAM = "seam"


def members(room: str) -> tuple[str, ...]:
    """Return the sorted names of the members of the package ``room`` (dotted).

    None of them is imported.
    """
    folder = os.path.join(benchloom.__path__[0], *room.split(".")[1:])
    names = (item.name for item in iter_modules([folder]) if not item.ispkg)
    return tuple(sorted(name.replace("_", "-") for name in names if name != SEAM))


def module_name(room: str, member: str) -> str:
    """Return the dotted name of the module of a member."""
    return f"{room}.{member.replace('-', '_')}"


def module_of(room: str, member: str) -> ModuleType:
    """Import the module of one of the ``members`` of ``room`` and return it.

    Raises ImportError if what it needs is not installed.
    """
    return import_module(module_name(room, member))
