"""Has ck choose the default for every later dependency of a program, without asking.

ck asks which of several environments or packages is meant, unless it is given ``--quiet``; without a terminal it ends with a
traceback. No key of a dependency says otherwise, so programs of this repository depend on this entry first. ck imports this file
whenever it resolves the dependency, and calls none of its functions then.
"""

import os
import sys
from types import FrameType
from typing import Any

OF_CK_ENV = os.path.join("env", "module.py")
QUIET_INSTALL = "package_quiet_install"  # ck's own setting, made until the program is prepared, and never saved
NOTE = "benchloom"  # that the setting was made here


def choose_defaults(frame: FrameType | None) -> None:
    """Choose for the dependencies that the caller in ``frame`` resolves, where several environments have their tags.

    For those that have none, of several packages the default is installed.
    """
    while frame and not (frame.f_code.co_name == "resolve" and frame.f_code.co_filename.endswith(OF_CK_ENV)):
        frame = frame.f_back
    if frame is None or frame.f_locals["quiet"] == "yes":
        return
    ck, of_caller = frame.f_globals["ck"], frame.f_locals
    if not ck.cfg.get(QUIET_INSTALL):
        ck.cfg[QUIET_INSTALL] = ck.work[NOTE] = "yes"
    for dep in of_caller["deps"].values() if of_caller["ran"] != "yes" else ():
        if not dep.get("uoa") and len(_environments(ck, dep["tags"])) > 1:
            _choose(ck, dep, of_caller)


def _environments(ck: Any, tags: str) -> list[Any]:
    found: list[Any] = ck.access({"action": "search", "module_uoa": "env", "tags": tags}).get("lst", [])
    return found


def _choose(ck: Any, dep: dict[str, Any], of_caller: dict[str, Any]) -> None:
    """Preset the environment that ck takes with ``--quiet``, and note the others: of some, ck's choice is refused later."""
    keys = ("tags", "or_tags", "no_tags", "local", "version_from", "version_to")
    host = {"host_os": of_caller["hos"], "target_os": of_caller["tos"], "target_device_id": of_caller["tdid"]}
    asked = {key: dep[key] for key in keys if key in dep}
    found = ck.access({"action": "set", "module_uoa": "env", "quiet": "yes", "out": "", **host, **asked})
    if found["return"] == 0:
        dep.update(uoa=found["env_uoa"], choices=[item["data_uid"] for item in found["lst"]])


choose_defaults(sys._getframe())  # noqa: SLF001 - ck hands no hook what else is to be resolved
