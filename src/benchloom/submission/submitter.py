"""The folder of a submitter as a whole: names and files that do not belong into a submission."""

import os
from collections.abc import Iterator
from pathlib import Path

from benchloom.submission.context import Rules
from benchloom.submission.files import listing
from benchloom.submission.findings import OPEN, Notes

MOST_MIB = 50
_SHOWN = 5


def check_submitter(notes: Notes, root: Path, base: str, rules: Rules) -> None:
    """Check everything below ``base``, which is division/submitter."""
    odd = _Odd(root, base)
    for code, places in odd.places.items():
        notes.judge(code, base, wrong=places, count=len(places), places=_some(places))
    with_results = set(listing(root / base / "results").folders)
    systems = {name.removesuffix(".json") for name in listing(root / base / "systems").files if name.endswith(".json")}
    unused = sorted(systems - with_results)
    notes.judge("system-unused", f"{base}/systems", wrong=unused, systems=", ".join(unused))
    place = rules.submission.measurements.partition("{system}")[0].format(base=base).rstrip("/")
    if place != f"{base}/results":
        unused = sorted(set(listing(root / place).folders) - with_results)
        notes.judge("measurements-unused", place, wrong=unused, systems=", ".join(unused))
    documents = [root / base / folder / "calibration.md" for folder in ("", "documentation")]
    is_missing = notes.division != OPEN and not any(path.exists() for path in documents)
    notes.judge("calibration-missing", base, wrong=is_missing)


def _some(places: list[str]) -> str:
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return ", ".join(sorted(places)[:_SHOWN]) + more


class _Odd:
    """What does not belong into a submission, by code."""

    def __init__(self, root: Path, base: str) -> None:
        self.root, self.base = root, base
        codes = (
            "link-broken",
            "link-from-root",
            "file-too-large",
            "name-hidden",
            "name-with-space",
            "folder-of-caches",
            "folder-empty",
        )
        self.places: dict[str, list[str]] = {code: [] for code in codes}
        self._name(root / base, base.rsplit("/", 1)[1])
        for folder, folders, files in os.walk(root / base):
            path = Path(folder)
            if not folders and not files:
                self._add("folder-empty", path)
            for name in folders:
                self._name(path / name, name)
                if name.endswith("__pycache__"):
                    self._add("folder-of-caches", path / name)
            for name in files:
                self._name(path / name, name)
                self._file(path / name)

    def _add(self, code: str, path: Path) -> None:
        self.places[code].append(path.relative_to(self.root / self.base).as_posix())

    def _name(self, path: Path, name: str) -> None:
        if name.startswith("."):
            self._add("name-hidden", path)
        if " " in name:
            self._add("name-with-space", path)

    def _file(self, path: Path) -> None:
        try:
            if path.is_symlink():
                self._link(path)
            elif path.stat().st_size > MOST_MIB * 2**20:
                self._add("file-too-large", path)
        except OSError:
            self._add("link-broken", path)

    def _link(self, path: Path) -> None:
        if not path.exists():
            self._add("link-broken", path)
        if not (self.root / path.readlink()).exists():  # the v5.x checkers look there, not beside the link
            self._add("link-from-root", path)


def submitters(root: Path, divisions: tuple[str, ...]) -> Iterator[str]:
    """Yield division/submitter of those that have results."""
    there = listing(root).folders
    for division in (name for name in divisions if name in there):
        for name in listing(root / division).folders:
            if (root / division / name / "results").is_dir():
                yield f"{division}/{name}"
