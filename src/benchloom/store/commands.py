"""Programs on PATH and the versions they print, without letting a repository run arbitrary commands.

A component names programs and the arguments that make them print their version. For a repository that the user does not
trust, only arguments that make any program print something are allowed, and no interpreters, shells or programs that
start others or stop the machine: planning must not run code of a repository. The output of a program is cached by its
path and signature.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from benchloom.base import limits
from benchloom.base.digest import of_bytes
from benchloom.base.disk_cache import DiskCache
from benchloom.base.signatures import Signature, signature_of
from benchloom.model.detect import Executable

SAFE_ARGUMENTS = (("--version",), ("-version",), ("-V",))
_NEVER = re.compile(
    r"(ba|da|z|fi|k|c|tc|a|po|r)?sh|busybox|toybox|(python|pypy|perl|ruby|node|lua|php|tclsh|guile|R)[\d.]*|nodejs|deno|bun|Rscript|"
    r"[gmn]?awk|g?sed|ed|vim?|emacs|env|xargs|find|sudo|doas|su|ssh|nohup|nice|time|timeout|setsid|chroot|unshare|nsenter|exec|"
    r"g?make|reboot|shutdown|halt|poweroff|init|telinit|systemctl|kill|killall|pkill"
)


_OF_NO_FILE: Signature = (0, 0, 0, 0)  # of a match


class _Printed(msgspec.Struct):
    signature: Signature
    text: str


class PrintedVersions:
    """Output of programs by path and arguments, cached in ``file`` (None: not cached on disk)."""

    def __init__(self, file: Path | None) -> None:
        self._known = DiskCache(file, lambda: "benchloom.commands/2", _Printed)

    def of(self, argv: Sequence[str], environ: Mapping[str, str]) -> str:
        """Return the output of the program, or '' if it fails or hangs; it is started only if it changed since the last time."""
        signature = signature_of(os.stat(argv[0]))
        name = "\0".join(argv)
        known = self._known.get(name)
        if known is None or known.signature != signature:
            known = _Printed(signature=signature, text=_output_of(argv, environ))
            if known.text:
                self._known.set(name, known)
        return known.text

    def version(self, pattern: str, text: str) -> str:
        """Return the match of ``pattern`` in ``text``, searched in a separate process with a time limit; '' if that is exceeded."""
        name = f"{pattern}\0{of_bytes(text.encode())}"
        known = self._known.get(name)
        if known is None:
            known = _Printed(signature=_OF_NO_FILE, text=_found_in_time(pattern, text))
            self._known.set(name, known)
        return known.text

    def save(self) -> None:
        """Write the cache to disk."""
        self._known.save()


def why_not_run(block: Executable) -> str:
    """Return why the version commands of an untrusted repository are not run; '' if they may be."""
    if strange := next((name for name in block.names if os.path.basename(name) != name), ""):
        return f"{strange!r} is not the name of a program on PATH"
    if barred := next((name for name in block.names if _NEVER.fullmatch(name)), ""):
        return f"{barred!r} can run other code"
    if block.version_arguments not in SAFE_ARGUMENTS:
        words = " or ".join(" ".join(item) for item in SAFE_ARGUMENTS)
        return f"it is called with {' '.join(block.version_arguments)!r}, but only {words} is known to be safe"
    return ""


def executables(
    block: Executable, environ: Mapping[str, str], search: Sequence[Path], printed: PrintedVersions, *, trusted: bool
) -> Iterator[tuple[str, str]]:
    """Yield version and path of every program that ``block`` names; one that may not be run has no version.

    Raises re.error if the component's regular expression is invalid.
    """
    import shutil  # late: every plan imports this module, few need an executable

    on_path = [folder for folder in environ.get("PATH", "").split(os.pathsep) if os.path.isabs(folder)]
    folders = os.pathsep.join([*map(str, search), *on_path])
    is_run = trusted or not why_not_run(block)
    seen = set()
    for name in block.names:
        path = shutil.which(name, path=folders) if folders and os.path.basename(name) == name else None
        if path and os.path.realpath(path) not in seen:
            seen.add(os.path.realpath(path))
            place = str(Path(path).absolute())
            text = printed.of([place, *block.version_arguments], environ) if is_run else ""
            is_known = trusted or block.version_regex == Executable(names=()).version_regex
            find = _found if is_known else printed.version
            re.compile(block.version_regex)
            yield find(block.version_regex, text) if text else "", place


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match.group(1 if match.re.groups else 0) or "" if match else ""


_FIND = """
import json, re, sys
match = re.search(*json.load(sys.stdin))
print(json.dumps(match.group(1 if match.re.groups else 0) or "" if match else ""))
"""


def _found_in_time(pattern: str, text: str) -> str:
    """Return what ``_found`` returns, or '' if that takes too long: some regular expressions need exponential time."""
    import json  # late, as below
    import subprocess
    import sys

    argv = [sys.executable, "-I", "-S", "-c", _FIND]
    words = json.dumps([pattern, text])
    try:
        done = subprocess.run(  # noqa: S603 - the running interpreter with fixed code
            argv, input=words, capture_output=True, text=True, timeout=limits.REGEX_SECONDS, check=False
        )
        return str(json.loads(done.stdout)) if done.returncode == 0 else ""
    except subprocess.TimeoutExpired:
        return ""


def _output_of(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the output of a command, or '' if it fails or hangs.

    The output goes to a file, so it cannot block.
    """
    import tempfile  # late, as above

    from benchloom.base.group import start_group, wait_for_group

    with tempfile.TemporaryFile() as sink:
        try:
            child = start_group(argv, env=environ, stdout=sink)
        except OSError:
            return ""
        if not wait_for_group(child, limits.VERSION_SECONDS, grace=0.0) or child.returncode:
            return ""
        sink.seek(0)
        return sink.read(limits.VERSION_BYTES).decode(errors="replace")
