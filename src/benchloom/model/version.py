"""A total order over the versions people really write, and ranges over it.

PEP 440 cannot parse most model, driver and CUDA versions ("r5.1", "12.4.131", dates, commit ids), so versions are
compared piece by piece: numbers as numbers, a pre-release word (a, alpha, b, beta, rc, dev, pre) below nothing at all,
any other word above a number's absence but below a number. Zeros at the end of a run of numbers do not count
(1.2 == 1.2.0, 1.0rc1 < 1.0). ``~=1.4.2`` means at least 1.4.2 and below 1.5.
CK's inclusive integer lists ``version_from``/``version_to`` are the ranges ``>=``/``<=`` of the joined numbers.
"""

import re
from functools import lru_cache

from benchloom.errors import InputError
from benchloom.model.base import Value

_PIECE = re.compile(r"\d+|[a-z]+")
_CLAUSE = re.compile(r"(>=|<=|==|!=|~=|>|<)?\s*([A-Za-z0-9][A-Za-z0-9._+\-!]*)")
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
    if word.isdigit():
        return (3, int(word), "")
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
        return bool(version) and all(_holds(version_key(version), operator, bound) for operator, bound in self.clauses)


def parse_range(text: str, *, where: str = "") -> VersionRange:
    """Parse ``>=1.2,<2``, ``1.2`` (exactly) or an empty text. Raises InputError on anything else."""
    clauses = []
    for part in (word.strip() for word in text.split(",")):
        if not part:
            continue
        match = _CLAUSE.fullmatch(part)
        if match is None:
            raise InputError(
                f"version range {text!r} is not valid at {part!r}", where=where, fix="write for instance >=1.2,<2"
            )
        clauses.append((match.group(1) or "==", match.group(2)))
    return VersionRange(clauses=tuple(dict.fromkeys(clauses)))


def _next_release(bound: str) -> str:
    numbers = [int(word) for word in re.findall(r"\d+", bound)]
    kept = numbers[:-1] or numbers
    return ".".join(str(number) for number in (*kept[:-1], kept[-1] + 1)) if kept else bound


def _holds(key: tuple[Piece, ...], operator: str, bound: str) -> bool:
    other = version_key(bound)
    if operator == "~=":
        return other <= key < version_key(_next_release(bound))
    return {
        ">=": key >= other,
        "<=": key <= other,
        ">": key > other,
        "<": key < other,
        "==": key == other,
        "!=": key != other,
    }[operator]
