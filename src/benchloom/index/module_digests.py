"""Digests of the runtime modules that build components: any change of their code can change their output.

Parsed source files are cached by their stat signature, as in the index, so that an unchanged file is neither read nor
parsed again.
"""

import ast
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

import benchloom
from benchloom.base.digest import of_bytes
from benchloom.base.disk_cache import DiskCache
from benchloom.base.members import SEAM, members, module_name
from benchloom.base.signatures import SETTLING_NS, Signature, signature_of


class _Source(msgspec.Struct):
    signature: Signature
    digest: str
    imports: tuple[str, ...]


class ModuleDigests:
    """Digest modules with everything that they import from this package; ``file`` caches parsed sources (None: no cache)."""

    def __init__(self, file: Path | None) -> None:
        self._sources = DiskCache(file, _format, _Source)

    def of(self, name: str) -> str:
        """Return the digest of the module ``name`` (dotted) and of every module of this package that it reaches.

        A module that reaches a seam reaches all of its members, which are imported by name.
        """
        root = os.path.dirname(os.path.realpath(benchloom.__file__))
        waiting, seen, lines = [name], {name}, []
        while waiting:
            module = waiting.pop()
            if source := self._source_of(root, module):
                lines.append(f"{module} {source.digest}")
                waiting += (found := {*source.imports, *_members_of(module)} - seen)
                seen |= found
        return of_bytes("\n".join(sorted(lines)).encode())

    def save(self) -> None:
        """Write the cache. A folder that cannot be written costs time, never a result."""
        self._sources.save()

    def _source_of(self, root: str, module: str) -> _Source | None:
        """Return the parsed source of ``module``; None if it is not a module but a name inside one."""
        place = os.path.join(root, *module.split(".")[1:])
        for path in (f"{place}.py", os.path.join(place, "__init__.py")):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                return self._read(path)
        return None

    def _read(self, path: str) -> _Source:
        now = time.time_ns()
        signature = signature_of(os.stat(path))
        known = self._sources.get(path)
        if known is None or known.signature != signature:
            content = Path(path).read_bytes()
            known = _Source(signature=signature, digest=of_bytes(content), imports=tuple(_our_imports(content)))
            if max(signature[:2]) < now - SETTLING_NS:
                self._sources.set(path, known)
        return known


def _members_of(module: str) -> list[str]:
    room, _, name = module.rpartition(".")
    return [module_name(room, member) for member in members(room)] if name == SEAM else []


def _format() -> str:
    """Return the cache format: it identifies this version of the reader."""
    return f"benchloom.modules/1/{' '.join(map(str, signature_of(os.stat(__file__))))}"


def _our_imports(source: bytes) -> Iterator[str]:
    for statement in _statements(ast.parse(source)):
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("benchloom."):
            yield statement.module or ""
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)
        elif isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names if alias.name.startswith("benchloom."))


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield every statement below ``node``, without looking into expressions: imports are statements."""
    for name in ("body", "handlers", "orelse", "finalbody"):
        for child in getattr(node, name, ()):
            if isinstance(child, ast.stmt):
                yield child
            yield from _statements(child)
