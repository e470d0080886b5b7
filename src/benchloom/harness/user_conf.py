"""Check a ``user.conf`` before LoadGen reads it: LoadGen silently ignores invalid lines.

The format is ``model.scenario.key = number``, separated by spaces (mlcommons/inference,
loadgen/test_settings_internal.cc, ``TestSettings::FromConfig``): a comment starts with ``#`` as a separate word on its
own line, ``*`` stands for any model or scenario, the more specific line wins, and of two equal ones the last. A
malformed line makes LoadGen ignore the whole file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchloom.base import bounded, limits
from benchloom.base.names import did_you_mean, nearest_or_all
from benchloom.base.printable import shortened
from benchloom.errors import InputError
from benchloom.model.record import AppliedSetting
from benchloom.rules.rulesets import SEEDS
from benchloom.rules.scenarios import (
    COALESCE,
    MOST_ASYNC,
    PERCENTILE,
    QUERY_SIZE,
    SCENARIOS,
    TARGET_LATENCY,
    TARGET_RATE,
    settings_by_key,
)

_FORM = "write each line as MODEL.SCENARIO.KEY = NUMBER, with spaces around '='; a comment is on its own line and starts with '# '"
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_BEYOND = 2.0**63
_WHOLE = re.compile(r"0|[1-9][0-9]*")  # LoadGen reads a leading zero as octal
_BLANK = re.compile(r"[ \t\v\f\r]+")  # white space in C++; str.split() accepts more
ANY = "*"


@dataclass(frozen=True)
class Key:
    """A key that a user may set: its setting in each scenario, and its type.

    ``scale`` is LoadGen's factor: milliseconds to nanoseconds, percent to a fraction.
    """

    settings: Mapping[str, str]
    type: Literal["whole", "number", "flag"] = "whole"
    scale: float = 1


def _all(setting: str) -> dict[str, str]:
    return dict.fromkeys(SCENARIOS, setting)


_MS, _PERCENT = 1e6, 0.01
KEYS: dict[str, Key] = {
    TARGET_LATENCY: Key(settings_by_key(TARGET_LATENCY), "number", _MS),
    PERCENTILE: Key(settings_by_key(PERCENTILE), "number", _PERCENT),
    TARGET_RATE: Key(settings_by_key(TARGET_RATE), "number"),
    QUERY_SIZE: Key(settings_by_key(QUERY_SIZE)),
    COALESCE: Key(settings_by_key(COALESCE), "flag"),
    MOST_ASYNC: Key(settings_by_key(MOST_ASYNC)),
    "min_duration": Key(_all("min_duration_ms")),
    "max_duration": Key(_all("max_duration_ms")),
    "min_query_count": Key(_all("min_query_count")),
    "max_query_count": Key(_all("max_query_count")),
    "performance_issue_unique": Key(_all("performance_issue_unique"), "flag"),
    "performance_issue_same": Key(_all("performance_issue_same"), "flag"),
    "performance_issue_same_index": Key(_all("performance_issue_same_index")),
    "performance_sample_count_override": Key(_all("performance_sample_count_override")),
    "accuracy_sample_count_override": Key(_all("accuracy_sample_count_override")),
    "sample_concatenate_permutation": Key(_all("sample_concatenate_permutation"), "flag"),
    "print_timestamps": Key(_all("print_timestamps"), "flag"),
}
_SEEDS = "LoadGen does not read seeds from user.conf; the ruleset sets them"
_TOKENS = "it is for language models, which count tokens"
_AUDIT = "it is for compliance runs"
# Keys that LoadGen accepts but that have no useful effect in our runs.
_WITHOUT_EFFECT = {
    "mode": "the mode is set by --mode",
    **dict.fromkeys(SEEDS.values(), _SEEDS),
    **dict.fromkeys(
        ("accuracy_log_rng_seed", "accuracy_log_sampling_target", "accuracy_log_probability", "test05"), _AUDIT
    ),
    **dict.fromkeys(
        (
            "use_token_latencies",
            "ttft_latency",
            "tpot_latency",
            "infer_token_latencies",
            "token_latency_scaling_factor",
        ),
        _TOKENS,
    ),
}


@dataclass(frozen=True)
class Line:
    """One setting of the file at ``place`` (``file:line``); ``value`` is in the file's own unit."""

    number: int
    place: str
    model: str
    scenario: str
    key: str
    value: str

    @property
    def name(self) -> str:
        """``model.scenario.key`` as written."""
        return f"{self.model}.{self.scenario}.{self.key}"


@dataclass(frozen=True)
class UserConf:
    """The lines that LoadGen applies to this run, by key, and why it ignores the others."""

    applied: Mapping[str, Line]
    not_applied: Sequence[str]


def read_user_conf(path: Path, model: str, scenario: str) -> UserConf:
    """Read ``path`` as LoadGen does for ``model`` and ``scenario``.

    Raises InputError, with file and line, for a line that has no effect in any run: malformed, or with a key, scenario
    or value that LoadGen does not accept. Lines for other models and scenarios are not errors: a file may be shared by
    many runs.
    """
    best: dict[str, Line] = {}
    others: list[str] = []
    for line in _lines(path):
        if why := _why_not(line, model, scenario):
            others.append(f"user.conf line {line.number} is not applied: {why}")
            continue
        is_bound = line.key == TARGET_LATENCY and KEYS[TARGET_LATENCY].settings[scenario] == SCENARIOS[scenario].bound
        if is_bound and not _WHOLE.fullmatch(line.value):
            raise InputError(
                f"{scenario}'s {line.key} must be whole milliseconds, not {shortened(line.value)}", where=line.place
            )
        rival = best.get(line.key)
        loser, winner = (rival, line) if rival is None or _rank(line) >= _rank(rival) else (line, rival)
        best[line.key] = winner
        if loser is not None:
            others.append(f"user.conf line {loser.number} is not applied: line {winner.number} overrides it")
    return UserConf(best, others)


def applied(conf: UserConf, scenario: str, before: Mapping[str, float], after: Any) -> tuple[AppliedSetting, ...]:
    """Return the change of each applied line: LoadGen's settings by name ``before`` and ``after`` reading the file."""
    return tuple(
        AppliedSetting(
            line=line.number,
            key=line.name,
            setting=(name := KEYS[key].settings[scenario]),
            old=float(before[name]),
            new=float(getattr(after, name)),
        )
        for key, line in conf.applied.items()
    )


def _why_not(line: Line, model: str, scenario: str) -> str:
    if line.model not in {ANY, model}:
        hint = did_you_mean(line.model, [model])
        return f"it is for model {shortened(line.model)!r}, this run's is {model!r}" + (f" ({hint})" if hint else "")
    if line.scenario not in {ANY, scenario}:
        return f"it is for scenario {line.scenario}"
    return "" if scenario in KEYS[line.key].settings else f"{line.key} has no effect in {scenario}"


def _rank(line: Line) -> int:
    """LoadGen's precedence of a key: model and scenario, then any model, then any scenario, then both."""
    return 2 * (line.scenario != ANY) + (line.model != ANY)


def _lines(path: Path) -> Iterator[Line]:
    try:
        text = bounded.read_text(path, limits.METADATA_BYTES)
    except OSError as error:
        raise InputError("user.conf cannot be read", where=str(path), why=[error.strerror or str(error)]) from error
    except UnicodeDecodeError as error:
        raise InputError("user.conf is not UTF-8 text", where=str(path), why=[str(error)]) from error
    if text.startswith("\ufeff"):
        raise InputError(
            "user.conf starts with a byte order mark, which LoadGen treats as part of a key", where=str(path)
        )
    for number, content in enumerate(text.split("\n"), 1):
        words = [word for word in _BLANK.split(content) if word]
        if words and words[0] != "#":
            yield _line(number, f"{path}:{number}", words)


def _line(number: int, place: str, words: Sequence[str]) -> Line:
    parts = words[0].rsplit(".", 2)
    if len(words) != 3 or words[1] != "=" or len(parts) != 3 or not _NUMBER.fullmatch(words[2]):
        raise InputError(f"{shortened(' '.join(words))!r} is not a setting that LoadGen reads", where=place, fix=_FORM)
    model, scenario, key = parts
    line = Line(number, place, model, scenario, key, words[2])
    if line.scenario not in {ANY, *SCENARIOS}:
        raise InputError(
            f"{shortened(line.scenario)!r} is not a scenario",
            where=place,
            fix=did_you_mean(line.scenario, SCENARIOS) or f"known: {', '.join(SCENARIOS)}, or *",
        )
    if line.key in _WITHOUT_EFFECT:
        raise InputError(
            f"{line.key!r} has no effect here", where=place, why=[_WITHOUT_EFFECT[line.key]], fix="remove it"
        )
    if line.key not in KEYS:
        raise InputError(
            f"LoadGen has no setting {shortened(line.key)!r}",
            where=place,
            fix=nearest_or_all(line.key, sorted(KEYS)),
        )
    _check_value(line, KEYS[line.key])
    return line


def _check_value(line: Line, key: Key) -> None:
    problem = ""
    if key.type == "flag" and line.value not in {"0", "1"}:
        problem = "must be 0 or 1"
    elif key.type == "whole" and not _WHOLE.fullmatch(line.value):
        problem = "must be a whole number in decimal digits"
    elif abs(float(line.value)) * key.scale >= _BEYOND:
        problem = "must be a 64-bit number"
    if problem:
        raise InputError(f"{line.key} {problem}, not {shortened(line.value)}", where=line.place)
