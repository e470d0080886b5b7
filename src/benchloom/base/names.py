"""Names: the nearest known one, for 'did you mean' hints, and whether a name is valid Unicode."""

from collections.abc import Iterable
from itertools import takewhile
from operator import eq


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the known name most like ``name``, or an empty string.

    Ties go to the longest common prefix, then to the alphabetically first.
    """
    import difflib  # late: needed only for a wrong name

    wanted, pool = _plain(name), {_plain(item): item for item in sorted(known, reverse=True)}

    def likeness(item: str) -> tuple[float, int]:
        return difflib.SequenceMatcher(None, item, wanted).ratio(), len(list(takewhile(bool, map(eq, item, wanted))))

    found = sorted(difflib.get_close_matches(wanted, sorted(pool), n=5, cutoff=cutoff))
    return pool[max(found, key=likeness)] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence such as ``did you mean 'python'?``, or an empty string."""
    found = nearest(name, known)
    return f"did you mean {found!r}?" if found else ""


def nearest_or_all(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest known name, or else all of them, in the order given."""
    names = list(known)
    return did_you_mean(name, names) or f"known: {', '.join(names)}"


def is_unicode(text: str) -> bool:
    """Tell whether ``text`` can be written as UTF-8: half a character (a lone surrogate) cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
