"""What every package of this repository does under ck before its install script runs."""

from typing import Any


def setup(i: dict[str, Any]) -> dict[str, Any]:
    """Tell the install script which variations ck chose: it puts their names among the tags."""
    chosen = sorted(set(i["cfg"].get("variations", {})) & set(i["tags"]))
    return {"return": 0, "install_env": {"LOOM_VARIATIONS": ",".join(f"_{name}" for name in chosen)}}
