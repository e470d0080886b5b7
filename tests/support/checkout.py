"""Copies of this checkout as somebody else gets it: what git tracks, or would, and nothing that was made here."""

import shutil
import subprocess
from pathlib import Path

from support.repo import SOURCE

ROOT = SOURCE.parent


def copied(folder: Path) -> Path:
    """Put what this checkout holds now, tracked or to be, into ``folder``."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def committed(folder: Path) -> Path:
    """Make ``folder``, which may hold files already, a git repository with one commit of all of them."""
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=all"]):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *words], cwd=folder, check=True)
    return folder
