"""What a component downloads or brings along."""

import re
from collections.abc import Iterator
from pathlib import Path

from benchloom.authoring.lint_rules.seam import LintSubject, rule
from benchloom.base.digest import ALGORITHMS, of_file
from benchloom.model.component import Component, Fetch
from benchloom.model.finding import Finding

_DIGEST = {"md5": 32, "sha256": 64, "sha384": 96, "sha512": 128}


@rule("fetch-has-digest")
def _fetch_has_digest(subject: LintSubject) -> Iterator[Finding]:
    """A download has a digest, or states under 'unpinned' why not; md5 alone is a warning."""
    for key, fetch in _fetches_by_key(subject.component):
        path = key.split(".")
        algorithm, _, digits = fetch.digest.partition(":")
        if fetch.digest and not _is_digest(algorithm, digits):
            yield subject.finding("error", f"{fetch.digest!r} is not a digest", path, "write sha256:<64 digits>")
        elif fetch.url and not fetch.digest and not fetch.unpinned:
            fix = "state its digest, or under 'unpinned' why there is none"
            yield subject.finding("error", f"{fetch.url} has no digest", path, fix)
        elif algorithm == "md5":
            yield subject.finding("warning", "md5 is its only digest", path, "download it once and state its sha256")


@rule("fetch-is-one-source")
def _fetch_is_one_source(subject: LintSubject) -> Iterator[Finding]:
    """A file has either a URL or a path."""
    for key, fetch in _fetches_by_key(subject.component):
        if bool(fetch.url) == bool(fetch.path):
            yield subject.finding("error", "exactly one of url and path is needed", key.split("."))


@rule("fetch-path-matches")
def _fetch_path_matches(subject: LintSubject) -> Iterator[Finding]:
    """A file that ships with the component exists, with the stated size and digest."""
    for key, fetch in _fetches_by_key(subject.component):
        if not fetch.path:
            continue
        problem = _local_problem(subject.folder, fetch)
        if problem:
            yield subject.finding("error", f"{fetch.path} {problem}", key.split("."))


def _local_problem(folder: Path, fetch: Fetch) -> str:
    path = folder / fetch.path
    if not path.resolve().is_relative_to(folder.resolve()):
        return "leads outside the component's folder"
    if not path.is_file():
        return "is not there"
    if fetch.size is not None and path.stat().st_size != fetch.size:
        return f"has {path.stat().st_size} bytes, not {fetch.size}"
    algorithm = fetch.digest.partition(":")[0]
    if algorithm in ALGORITHMS and (actual := of_file(path, algorithm)) != fetch.digest:
        return f"is {actual}, not {fetch.digest}"
    return ""


def _is_digest(algorithm: str, digits: str) -> bool:
    return _DIGEST.get(algorithm) == len(digits) and bool(re.fullmatch(r"[0-9a-f]+", digits))


def _fetches_by_key(component: Component) -> Iterator[tuple[str, Fetch]]:
    yield from ((f"fetch.{place}", item) for place, item in enumerate(component.fetch))
    for number, version in enumerate(component.versions):
        yield from ((f"versions.{number}.fetch.{place}", item) for place, item in enumerate(version.fetch))
    for name, variation in component.variations.items():
        yield from ((f"variations.{name}.fetch.{place}", item) for place, item in enumerate(variation.fetch))
