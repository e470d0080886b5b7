"""Documents whose commands are run: ``console`` blocks, in which a line with ``$`` is a command and the rest its output.

In the output shown, a number stands for any number, a uid for any uid, ``...`` for anything within its line and, alone, for
any lines; runs of spaces are one.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TOKEN = re.compile(r"(?P<uid>\b[0-9a-f]{16}\b)|(?P<number>\d+(?:\.\d+)*(?:e[+-]\d+)?)|(?P<any>\.\.\.)|(?P<space>\s+)")
_PATTERNS = {"uid": "[0-9a-f]{16}", "number": r"\d+(?:\.\d+)*(?:e[+-]\d+)?", "any": ".*", "space": r"\s+"}
_END = "--- end of command"


@dataclass(frozen=True)
class Step:
    """One command with the output that the document shows, and the heading it stands under."""

    section: str
    command: str
    shown: str


def steps(document: Path) -> list[Step]:
    """Return the commands of a document, in order."""
    found = []
    for section in re.split(r"^## ", document.read_text(), flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        for block in _BLOCK.findall(section):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                found.append(Step(title, command, shown))
    return found


def play(script: list[Step], environ: Mapping[str, str], home: Path, limit: float = 280) -> list[tuple[Step, str]]:
    """Run the commands in one bash, with nothing on standard input, and return each with what it printed.

    Fails at the first that exits with another status than 0, with everything that was printed.
    """
    lines = ["exec 2>&1", "trap 'echo FAILED with $?' ERR", "set -E"]
    for step in script:
        lines += [step.command, f"echo; echo '{_END}'"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        env=environ,
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    assert "FAILED with" not in done.stdout, done.stdout.partition("FAILED with")[0][-3000:]
    parts = done.stdout.split(f"\n{_END}\n")
    assert len(parts) == len(script) + 1, done.stdout[-6000:]
    return list(zip(script, parts, strict=False))


def agrees(shown: str, printed: str) -> bool:
    """Tell whether ``printed`` is what the document shows."""
    pattern = ""
    for line in shown.splitlines():
        pattern += r"(?:.*\n)*?" if line.strip() == "..." else rf"[ \t]*{_pattern(line.strip())}[ \t]*\n"
    return re.fullmatch(rf"\s*{pattern}\s*", printed.rstrip() + "\n") is not None


def _pattern(line: str) -> str:
    found, end = "", 0
    for token in _TOKEN.finditer(line):
        found += re.escape(line[end : token.start()]) + _PATTERNS[str(token.lastgroup)]
        end = token.end()
    return found + re.escape(line[end:])
