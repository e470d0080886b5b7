"""What every seam promises: each of its members has all that its protocol asks for, with the same parameters."""

import ast
import inspect
from collections.abc import Iterator

from benchloom.base.members import members, module_name
from support.standin import ROOT


def misfits(room: str, protocol: type) -> Iterator[str]:
    """Yield what a member of ``room`` lacks of ``protocol``, or takes otherwise. None is imported: its library may not be here."""
    for member in members(room):
        path = ROOT / "src" / f"{module_name(room, member).replace('.', '/')}.py"
        functions = {item.name: item for item in ast.parse(path.read_text()).body if isinstance(item, ast.FunctionDef)}
        for name, wanted in vars(protocol).items():
            if name.startswith("_") or not inspect.isfunction(wanted):
                continue
            parameters = list(inspect.signature(wanted).parameters)[1:]
            found = functions.get(name)
            if found is None or [item.arg for item in found.args.args] != parameters:
                yield f"{member}.{name}"
