"""Queries: ``tag,tag,-tag,_variation,_parameter.value,@version``.

A plain word must be among the tags or variation names (CK's rule); ``-word`` must not; ``_name`` selects a variation;
``_name.value`` gives a parameter its value; ``@range`` limits the version (``@1.2`` is exactly 1.2, ``@>=1.2`` a range;
a comma inside a range is written ``@>=1.2,<2``: a word that starts with a comparison operator continues the range).
"""

import re

from benchloom.errors import InputError
from benchloom.model.base import Value
from benchloom.model.version import parse_range

_WORD = re.compile(r"[^\s,]+")
_OPERATORS = (">=", "<=", "==", "!=", "~=", ">", "<")


class Query(Value, frozen=True, kw_only=True):
    """A parsed query. Tuples are sorted and free of repetitions, so equal questions are equal values.

    Attributes:
        tags: words that must be among the tags or names of variations.
        without: words that must not.
        variations: variations that are chosen.
        without_variations: variations that must not be chosen.
        version: the range of versions; empty for any.
    """

    tags: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    variations: tuple[str, ...] = ()
    without_variations: tuple[str, ...] = ()
    version: str = ""

    def __str__(self) -> str:
        """Render in the grammar; parsing the result gives an equal query."""
        words = [
            *self.tags,
            *(f"-{tag}" for tag in self.without),
            *(f"_{name}" for name in self.variations),
            *(f"-_{name}" for name in self.without_variations),
        ]
        if self.version:
            words.append(f"@{self.version}")
        return ",".join(words)

    def merged(self, other: "Query") -> "Query":
        """Return the conjunction of both queries."""
        version = str(parse_range(f"{self.version},{other.version}"))
        return Query(
            tags=_unique([*self.tags, *other.tags]),
            without=_unique([*self.without, *other.without]),
            variations=_unique([*self.variations, *other.variations]),
            without_variations=_unique([*self.without_variations, *other.without_variations]),
            version=version,
        )


def parse_query(text: str, *, where: str = "") -> Query:
    """Parse ``text``; commas too many do no harm.

    Raises InputError on a word with spaces, a lone ``-``, ``_`` or ``@``, a range that cannot be read, or a
    contradiction (``a,-a``).
    """
    found: dict[str, list[str]] = {"": [], "-": [], "_": [], "-_": [], "@": []}
    in_range = False
    for raw in (word.strip() for word in text.split(",")):
        if not raw:
            continue
        if in_range and raw.startswith(_OPERATORS):
            found["@"].append(raw)
            continue
        prefix, word = _split_prefix(raw)
        in_range = prefix == "@"
        if not word or not _WORD.fullmatch(word):
            raise InputError(
                f"query word {raw!r} is not valid", where=where, fix="write tag,tag,-tag,_variation,@version"
            )
        found[prefix].append(word)
    clash = (set(found[""]) & set(found["-"])) | (set(found["_"]) & set(found["-_"]))
    if clash:
        raise InputError(
            f"query {text!r} both asks for and excludes {min(clash)!r}", where=where, fix="leave out one of the two"
        )
    return Query(
        tags=_unique(found[""]),
        without=_unique(found["-"]),
        variations=_unique(found["_"]),
        without_variations=_unique(found["-_"]),
        version=str(parse_range(",".join(found["@"]), where=where)),
    )


def _split_prefix(word: str) -> tuple[str, str]:
    for prefix in ("-_", "-", "_", "@"):
        if word.startswith(prefix):
            return prefix, word[len(prefix) :]
    return "", word


def _unique(words: list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(words)))
