"""A total order over the versions people really write, and ranges over it.

PEP 440 cannot parse most model, driver and CUDA versions ("r5.1", "12.4.131", dates, commit ids), so versions are
compared piece by piece: numbers as numbers, a pre-release word (a, alpha, b, beta, rc, dev, pre) below nothing at all,
any other word above a number's absence but below a number. Zeros at the end of a run of numbers do not count
(1.2 == 1.2.0, 1.0rc1 < 1.0). ``~=1.4.2`` means at least 1.4.2 and below 1.5; ``<2`` leaves out 2's pre-releases too.
CK's inclusive integer lists ``version_from``/``version_to`` are the ranges ``>=``/``<=`` of the joined numbers.
"""

import re
from functools import lru_cache

from benchloom.errors import InputError
from benchloom.model.base import Value

_PIECE = re.compile(r"[0-9]+|[a-z]+")
_CLAUSE = re.compile(r"(>=|<=|==|!=|~=|>|<)?\s*([A-Za-z0-9][A-Za-z0-9._+\-!]{0,99})")
_ORDER = (">=", ">", "~=", "==", "!=", "<", "<=")
_PRE = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "pre": 3, "c": 3, "rc": 3}

Piece = tuple[int, int, str]
_END: Piece = (1, 0, "")
_ZERO: Piece = (3, 0, "")


@lru_cache(maxsize=4096)
def version_key(version: str) -> tuple[Piece, ...]:
    """Return a tuple that sorts as the version does. Never raises."""
    text = version.lower()
    if re.match(r"[vr]\d", text):
        text = text[1:]
    pieces: list[Piece] = []
    for piece in (*map(_piece, _PIECE.findall(text)), _END):
        if piece[0] < 3:
            while pieces and pieces[-1] == _ZERO:
                pieces.pop()
        pieces.append(piece)
    return tuple(pieces)


def _piece(word: str) -> Piece:
    if word[0].isdigit():
        digits = word.lstrip("0")
        return (3, len(digits), digits)  # longer is larger: no number is too long to be compared
    if word in _PRE:
        return (0, _PRE[word], "")
    return (2, 0, word)


class VersionRange(Value, frozen=True, kw_only=True):
    """A conjunction of clauses such as ``>=1.2`` and ``<2``; no clauses admits everything."""

    clauses: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Render as ``>=1.2,<2``."""
        return ",".join(f"{operator}{version}" for operator, version in self.clauses)

    def admits(self, version: str) -> bool:
        """Tell whether ``version`` satisfies every clause. An unknown (empty) version satisfies only no clauses."""
        if not self.clauses:
            return True
        return bool(version) and not self.broken_by(version)

    def broken_by(self, version: str) -> tuple[str, ...]:
        """Return the clauses that a known ``version`` does not satisfy, as they are written."""
        key = version_key(version)
        return tuple(f"{operator}{bound}" for operator, bound in self.clauses if not _holds(key, operator, bound))


def parse_range(text: str, *, where: str = "") -> VersionRange:
    """Parse ``>=1.2,<2``, ``1.2`` (exactly) or an empty text. Raises InputError on anything else.

    Clauses are sorted, lower bounds first, so that equal ranges are equal values.
    """
    clauses: set[tuple[str, str]] = set()
    for part in (word.strip() for word in text.split(",")):
        if not part:
            continue
        match = _CLAUSE.fullmatch(part)
        if match is None:
            raise InputError(
                f"version range {text!r} is not valid at {part!r}", where=where, fix="write for instance >=1.2,<2"
            )
        clauses.add((match.group(1) or "==", match.group(2)))
    return VersionRange(clauses=tuple(sorted(clauses, key=lambda item: (_ORDER.index(item[0]), item[1]))))


def _ceiling(release: str) -> tuple[Piece, ...]:
    """Return what lies below ``release`` and above everything before it: its first pre-release."""
    key = version_key(release)
    return key if any(piece[0] == 0 for piece in key) else version_key(f"{release}.dev")


def _next_release(bound: str) -> str:
    """Return ``1.5`` for ``1.4.2`` and for ``1.4.2rc1``: the first release that ``~=`` leaves out."""
    release = re.match(r"[a-z]*((?:[0-9]+\.)*[0-9]+)", bound.lower())
    numbers = [int(word) for word in release.group(1).split(".")] if release else [0]
    kept = numbers[:-1] or numbers
    return ".".join(str(number) for number in (*kept[:-1], kept[-1] + 1))


def _holds(key: tuple[Piece, ...], operator: str, bound: str) -> bool:
    other = version_key(bound)
    if operator == "~=":
        return other <= key < _ceiling(_next_release(bound))
    if operator == ">=":
        return key >= other
    if operator == "<=":
        return key <= other
    if operator == ">":
        return key > other
    if operator == "<":
        return key < _ceiling(bound)
    return (key == other) == (operator == "==")
