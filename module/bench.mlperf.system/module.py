"""What CK's pages ask of bench.mlperf.system, answered with the command to use instead. Without this module, `ck` would ask its portal."""

from typing import Any

cfg: dict[str, Any] = {}
work: dict[str, Any] = {}
ck: Any = None


def init(_: dict[str, Any]) -> dict[str, Any]:
    """Prepare nothing."""
    return {"return": 0}


def add(_: dict[str, Any]) -> dict[str, Any]:
    """Describe a system for a submission; not there yet."""
    return _not_there("add")


def ls(_: dict[str, Any]) -> dict[str, Any]:
    """List descriptions of systems; not there yet."""
    return _not_there("ls")


def _not_there(action: str) -> dict[str, Any]:
    message = (
        f"'ck {action} bench.mlperf.system' is not there; every record describes its machine, and so does: loom doctor"
    )
    return {"return": 1, "error": message}
