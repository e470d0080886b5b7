"""Packages of the checkout whose downloads a local server has."""

import hashlib
import io
import json
import tarfile
from typing import Any

from support.repo import SOURCE, Repo
from support.server import FileServer


def tar(packed: str, **members: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{packed}") as opened:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def served(repo: Repo, server: FileServer, alias: str, data: bytes) -> None:
    """Write the package ``alias`` of the checkout as ``served-…``, with every download replaced by ``data``."""
    meta: dict[str, Any] = json.loads((SOURCE.parent / "package" / alias / ".cm" / "meta.json").read_text())
    (server.folder / alias).write_bytes(data)
    for table in (meta, *meta.get("variations", {}).values()):
        for fetch in table.get("fetch", ()):
            fetch |= {"url": server.url(alias), "digest": f"sha256:{hashlib.sha256(data).hexdigest()}"}
            fetch.pop("mirrors", None)
    tags = ["served", *meta.pop("tags")]
    repo.entry("package", f"served-{alias}", ",".join(tags), **{**meta, "suggested_path": f"served-{alias}"})
