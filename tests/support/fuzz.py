"""Campaigns of changed inputs: how many are tried, how they are changed, and what may come of them.

``LOOM_TEST_FUZZ=10`` tries ten times as many of everything in ``tests/property``, from other seeds.
"""

import json
import os
import random
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchloom.errors import LoomError

FACTOR = float(os.environ.get("LOOM_TEST_FUZZ", "1"))
LONGEST_MESSAGE = 4000  # characters: what is wrong with a file is no copy of the file

STRANGE: list[Any] = [
    None, True, "", " ", 0, -1, 2**63, 2**64, -(2**70), 10**400, 1e308, float("nan"), float("inf"), [], {}, [[]], [None],
    {"": ""}, {"a": None}, "\ud800", "a\x00b", "\x1b[31m", "a\nb", "é" * 300, "a," * 3000, "(", "*", "../..", "~",
    "yes", "2021-04-01", [1, "a", {}], {"tags": 5}, {"tags": ["x"], "version": ">=>1"}, "x" * 5000, {"#": 1}, {"a.#": {}},
]  # fmt: skip
_NAMES = ["x", "tags", "deps", "variations", "\ud801", "a\x1b]b", "1"]
_HEADS = [b"\xef\xbb\xbf", b"\xff\xfe", b"[" * 3000, b"---\n", b"\x00", b"&a "]

Result = TypeVar("Result")


def examples(number: int) -> int:
    """Return how many examples a campaign of ``number`` tries."""
    return max(1, round(number * FACTOR))


def seeded(seed: int) -> random.Random:
    """Return the numbers of a campaign: the same in every run in CI, others in a longer one."""
    return random.Random(seed if FACTOR == 1 else f"{seed} {FACTOR}")


@dataclass
class Campaign:
    """Counts what became of the inputs of one campaign."""

    name: str
    tried: int = 0
    refused: int = 0

    def outcome(self, act: Callable[[], Result]) -> Result | None:
        """Return what ``act`` does of an input; None if it refuses it with an error that can be shown to a user."""
        self.tried += 1
        try:
            return act()
        except LoomError as error:
            refusal = error
        text = str(refusal)
        assert text.encode(), "an error cannot be printed"
        assert len(text) < LONGEST_MESSAGE, f"an error has {len(text)} characters: {text[:200]}"
        assert refusal.where, f"an error names no place: {text}"
        self.refused += 1
        return None

    def show(self) -> None:
        """Print the counts (``pytest -rP`` shows them); a campaign that refuses all or nothing tests nothing."""
        accepted = self.tried - self.refused
        sys.stdout.write(f"{self.name}: {self.tried} tried, {accepted} accepted, {self.refused} refused, 0 failed\n")
        assert accepted
        assert self.refused


def positions(value: Any) -> list[tuple[Any, Any]]:
    """Return every container with every key or position in it."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        keys = list(item) if isinstance(item, dict) else list(range(len(item))) if isinstance(item, list) else []
        found += [(item, key) for key in keys]
        waiting += [item[key] for key in keys]
    return found


def changed(value: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return a copy of ``value`` with one to three of its values replaced, renamed, moved or removed."""
    copy: dict[str, Any] = json.loads(json.dumps(value))
    for _ in range(rng.randint(1, 3)):
        if not (found := positions(copy)):
            break
        container, key = rng.choice(found)
        what = rng.random()
        if what < 0.6:
            container[key] = deepcopy(rng.choice(STRANGE))
        elif what < 0.75 and isinstance(container, dict):
            container[rng.choice(_NAMES)] = container.pop(key)
        elif what < 0.9:
            container[key] = json.loads(json.dumps(rng.choice([value, [value], container])))
        elif isinstance(container, dict):
            del container[key]
    return copy


def broken(original: bytes, rng: random.Random, words: list[bytes] | None = None) -> bytes:
    """Return ``original`` with bytes changed, cut off, repeated or surrounded, or with some of ``words`` put into it."""
    data = bytearray(original or b" ")
    what = rng.random()
    if words and what < 0.4:
        for _ in range(rng.randint(1, 3)):
            start = rng.randrange(len(data) + 1)
            data[start : start + rng.randrange(3)] = rng.choice(words)
    elif what < 0.6:
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif what < 0.8:
        del data[rng.randrange(len(data)) :]
    elif what < 0.9:
        start = rng.randrange(len(data))
        data[start:start] = data[start : start + 200] * rng.randint(1, 20)
    else:
        data[:0] = rng.choice(_HEADS)
    return bytes(data)


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below ``folder`` by relative name; a link or device among them is an error."""
    found = {}
    for path in sorted(folder.rglob("*")):
        assert not path.is_symlink()
        assert path.is_dir() or path.is_file(), path
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found
