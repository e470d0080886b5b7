"""What every package of this repository does under ck before its install script runs."""

import os
import sys
from typing import Any

PUBLISHED = "published"


def pre_path(i: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is obtained by hand, and ``--version``, which is not a flag of ck: it would install another version without a word.

    A model is tagged as published: else ck would install it over the environment of a file that the user gave for it. Variations are
    tagged with an underscore, too, by which a program can exclude them (``no_tags``): without it, the word also excludes in loom what
    can be had without the variation.
    """
    asked = sys._getframe(2).f_locals.get("i", {})  # noqa: SLF001 - ck hands its scripts no flags
    if by_hand := i["cfg"].get("by_hand"):
        return {"return": 1, "error": f"it is obtained by hand: {by_hand}"}
    if version := asked.get("version"):
        return {"return": 1, "error": f"--version={version} is not a flag of ck: write --force_version={version}"}
    if "model" in i["cfg"]:
        i["tags"].append(PUBLISHED)
    i["tags"] += [f"_{name}" for name in _variations(i)]
    return {"return": 0}


def setup(i: dict[str, Any]) -> dict[str, Any]:
    """Tell the install script which variations ck chose: it puts their names among the tags."""
    chosen = ",".join(f"_{name}" for name in _variations(i))
    found: dict[str, Any] = {"return": 0, "install_env": {"LOOM_VARIATIONS": chosen}}
    if i["cfg"].get("versions") and not os.path.isdir(os.path.join(i["install_path"], ".cm")):
        # ck would overwrite the environment that has these tags, whatever its version: registering shall look for it again
        found["soft_cfg"] = {"env_data_uoa": "", "env_new": "no", "quiet": "yes"}
    return found


def _variations(i: dict[str, Any]) -> list[str]:
    return sorted(set(i["cfg"].get("variations", {})) & set(i["tags"]))
