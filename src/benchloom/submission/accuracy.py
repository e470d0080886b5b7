"""The accuracy run of a result: accuracy.txt, its hash, the truncated log and LoadGen's own words."""

import hashlib
import re
from collections.abc import Iterable

import msgspec

from benchloom.model.ruleset import Benchmark
from benchloom.model.submission_rules import AccuracyText, SubmissionRules
from benchloom.submission.context import Result
from benchloom.submission.files import content, listing, size, text
from benchloom.submission.logs import ACCURACY_LOG, DETAIL, SUMMARY
from benchloom.submission.performance import IGNORED, check_errors, is_read

ACCURACY_TEXT = "accuracy.txt"
MOST_BYTES = 10 * 1024  # of an accuracy log in a submission, after truncation
_HASH = re.compile(r"^hash=([\w\d]+)$")
_TOTAL = re.compile(r"^accuracy=([\d.]+)%, good=(\d+), total=(\d+)", re.MULTILINE)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Bound(msgspec.Struct, frozen=True):
    """A metric as accuracy.txt states it, with its least and largest value there."""

    name: str
    pattern: re.Pattern[str]
    least: float
    most: float


class Stated(msgspec.Struct):
    """What accuracy.txt says: the text of each metric, the hash, and whether every value is within its bounds."""

    values: dict[str, str] = {}
    digest: str = ""
    digests: int = 0
    too_low: list[str] = []
    too_high: list[str] = []
    missing: list[str] = []


def bounds_of(rules: SubmissionRules, name: str, facts: Benchmark) -> tuple[Bound, ...]:
    """Return the metrics of a benchmark with their bounds in the text's units."""
    found = []
    for metric, target in facts.targets.items():
        row: AccuracyText | None = rules.accuracy.get(metric)
        if row is not None:
            factor = rules.accuracy_factors.get(name, row.factor)
            most = facts.at_most.get(metric, float("inf")) * factor
            found.append(Bound(row.name, re.compile(row.pattern), target * factor, most))
    return tuple(found)


def read_accuracy(lines: Iterable[str], bounds: tuple[Bound, ...], until: str) -> Stated:
    """Read the lines of an accuracy.txt as the official checkers do: up to the first hash with all values."""
    found = Stated()
    met: set[str] = set()
    is_ended = False
    for line in lines:
        if match := _HASH.match(line):
            found.digests += 1
            found.digest = found.digest if is_ended else match[1]
        if is_ended:
            continue
        for bound in bounds:
            if (match := bound.pattern.match(line)) and (value := _number(match[1])) is not None:
                found.values[bound.name] = match[1]
                if value >= bound.least:
                    met.add(bound.name)
                else:
                    found.too_low.append(f"{bound.name} {match[1]} is below {bound.least:g}")
                if value > bound.most:
                    found.too_high.append(f"{bound.name} {match[1]} is above {bound.most:g}")
        done = met if until == "met" else set(found.values)
        is_ended = bool(found.digest) and len(done) == len(bounds)
    found.missing = [bound.name for bound in bounds if bound.name not in found.values]
    if until == "stated":  # the last value before the hash counts
        found.too_low = [item for item in found.too_low if item.split()[1] in found.values.values()]
    return found


def _number(digits: str) -> float | None:
    try:
        return float(digits)
    except ValueError:
        return None


def check_accuracy(result: Result) -> Stated:
    """Check the accuracy run, and return what it states."""
    notes, folder = result.notes, result.accuracy_path
    lines = text(result.root / folder / ACCURACY_TEXT)
    if notes.judge("accuracy-text-missing", folder, wrong=lines is None) or result.facts is None:
        return Stated()
    listed = listing(result.root / folder)
    odd = (set(listed.files) ^ {SUMMARY, DETAIL, ACCURACY_TEXT, ACCURACY_LOG}) - IGNORED
    notes.judge("accuracy-files", folder, wrong=odd, files=", ".join(sorted(odd)))
    rules = result.rules.submission
    stated = read_accuracy(
        (lines or "").splitlines(), bounds_of(rules, result.benchmark, result.facts), rules.accuracy_until
    )
    _check_text(result, stated, lines or "")
    _check_log(result, stated)
    _check_images(result, set(listed.folders))
    return stated


def _check_text(result: Result, stated: Stated, lines: str) -> None:
    notes, path = result.notes, f"{result.accuracy_path}/{ACCURACY_TEXT}"
    notes.judge("accuracy-unstated", path, wrong=not stated.values)
    if stated.values:
        notes.judge("accuracy-incomplete", path, wrong=stated.missing, metrics=", ".join(stated.missing))
    notes.judge("accuracy-below-target", path, wrong=stated.too_low, found="; ".join(stated.too_low))
    notes.judge("accuracy-above-limit", path, wrong=stated.too_high, found="; ".join(stated.too_high))
    notes.judge("accuracy-hash-missing", path, wrong=not stated.digest)
    is_odd = bool(stated.digest) and not _SHA256.fullmatch(stated.digest)
    notes.judge("accuracy-hash-odd", path, wrong=is_odd, found=stated.digest)
    notes.judge("accuracy-hash-repeated", path, wrong=stated.digests > 1, count=stated.digests)
    rules = result.rules.submission
    percents = {row.name for row in rules.accuracy.values() if row.factor == 100}
    over = [f"{name} {value}" for name, value in stated.values.items() if name in percents and float(value) > 100]
    notes.judge("accuracy-impossible", path, wrong=over, found=", ".join(over))
    if (match := _TOTAL.search(lines)) and (shown := _number(match[1])) is not None:
        _check_total(result, path, shown, int(match[2]), int(match[3]))


def _check_total(result: Result, path: str, shown: float, good: int, total: int) -> None:
    computed = 100 * good / total if total else 0.0
    is_other = abs(computed - shown) > 0.01
    result.notes.judge(
        "accuracy-contradicts", path, wrong=is_other, shown=shown, good=good, total=total, computed=f"{computed:.3f}"
    )
    whole = (result.facts.dataset_size if result.facts else None) or result.accuracy.get("qsl_reported_total_count")
    is_short = isinstance(whole, int) and total != whole
    result.notes.judge("accuracy-total", path, wrong=is_short, total=total, whole=whole)


def _check_log(result: Result, stated: Stated) -> None:
    notes, folder, log = result.notes, result.accuracy_path, result.accuracy
    path = f"{folder}/{ACCURACY_LOG}"
    length = size(result.root / path)
    if not notes.judge("accuracy-record-missing", path, wrong=length is None) and length is not None:
        notes.judge("accuracy-record-whole", path, wrong=length > MOST_BYTES, found=length, most=MOST_BYTES)
        notes.judge("accuracy-record-empty", path, wrong=length == 0)
        _check_digest(result, stated, path)
    detail = f"{folder}/{DETAIL}"
    if not is_read(notes, log, detail, "accuracy"):
        return
    check_errors(notes, log, detail, "accuracy")
    mode = str(log.get("effective_test_mode") or "")
    notes.judge("accuracy-mode", detail, wrong=bool(mode) and "Accuracy" not in mode, found=mode)
    whole, used = result.facts.dataset_size if result.facts else None, log.get("qsl_reported_total_count")
    if whole is not None:
        notes.judge("data-set-not-whole", detail, wrong=used != whole, found=used, expected=whole)


def _check_digest(result: Result, stated: Stated, path: str) -> None:
    """The hash is that of the whole log: it can be checked only while the log is whole, but never is it that of the truncated one."""
    data = content(result.root / path)
    if not data or not stated.digest:
        return
    try:
        is_whole = isinstance(msgspec.json.decode(data), list) and len(data) > 2
    except msgspec.MsgspecError:
        is_whole = False
    is_own = hashlib.sha256(data).hexdigest() == stated.digest
    result.notes.judge("accuracy-hash-wrong", path, wrong=is_own != is_whole)


def _check_images(result: Result, folders: set[str]) -> None:
    names = result.rules.submission.accuracy_images.get(result.benchmark)
    if names:
        there = {name.split(".")[0] for name in listing(result.root / result.accuracy_path / "images").files}
        missing = [name for name in names if name not in there] if "images" in folders else list(names)
        result.notes.judge("accuracy-images", result.accuracy_path, wrong=missing, files=", ".join(missing))
