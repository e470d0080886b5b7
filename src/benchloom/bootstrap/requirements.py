"""Print the requirements of a project and its extras, one per line, for pip, which cannot read a project without building it.

    python requirements.py pyproject.toml [EXTRA...]

Run by the new environment's Python, whose pip includes the TOML parser that Python 3.10 lacks.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    from pip._vendor import tomli as tomllib

_OWN = re.compile(r"([\w.-]+)\[([^]]*)\]$")


def requirements(project: dict[str, Any], extras: list[str]) -> Iterator[str]:
    """Yield the requirements of ``project`` (the table of that name) with ``extras``, those named by extras among them."""
    yield from project.get("dependencies", [])
    waiting, seen = list(extras), set(extras)
    while waiting:
        for item in project.get("optional-dependencies", {})[waiting.pop()]:
            own = _OWN.match(item)
            if own and own[1] == project["name"]:
                more = {name.strip() for name in own[2].split(",")} - seen
                waiting += more
                seen |= more
            else:
                yield item


def main(file: str, *extras: str) -> int:
    """Return the exit status."""
    with open(file, "rb") as stream:
        project = tomllib.load(stream)["project"]
    try:
        sys.stdout.writelines(f"{item}\n" for item in requirements(project, [*extras]))
    except KeyError as error:
        sys.stderr.write(f"error: {file} has no extra {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
