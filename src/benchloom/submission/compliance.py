"""The compliance tests of a result of the closed division."""

from benchloom.submission.accuracy import Bound, bounds_of
from benchloom.submission.context import Result
from benchloom.submission.files import listing, text
from benchloom.submission.findings import Notes
from benchloom.submission.logs import ACCURACY_LOG, DETAIL, SUMMARY, Log, read_log
from benchloom.submission.performance import IGNORED, check_log, is_read, official_value

_PASSES = "TEST PASS"
_ACCURACY_FILES = {ACCURACY_LOG, "accuracy.txt"}
_BASELINE, _OF_TEST = "baseline_accuracy.txt", "compliance_accuracy.txt"
_MARKS = ("First token check pass", "EOS check pass", "Sample length check pass")
WITH_ACCURACY, WITHOUT_VERIFY, OF_TOKENS = "TEST01", "TEST04-B", "TEST06"
_STRICT_DELTA = 0.1  # percent, for benchmarks of 99.9 % accuracy


def tests_of(result: Result) -> tuple[str, ...]:
    """Return the tests that the round demands of a result; none in the open division."""
    if not result.is_closed or result.facts is None:
        return ()
    without = result.rules.submission.compliance_without.get(result.scenario, ())
    return tuple(test for test in result.facts.compliance if test not in without)


def check_compliance(result: Result) -> bool | None:
    """Check every test that is demanded. Return whether all are well; None if the round demands no test."""
    tests = tests_of(result)
    if not tests:
        return None
    folder = result.place(result.rules.submission.compliance)
    if result.notes.judge(
        "compliance-missing", folder, wrong=not (result.root / folder).is_dir(), tests=", ".join(tests)
    ):
        return False
    verdicts = [_check_test(result, f"{folder}/{test}", test) for test in tests]
    return all(verdicts)


def _check_test(result: Result, folder: str, test: str) -> bool:
    notes = Notes(result.rules.submission, result.division)
    missing = notes.judge("compliance-test-missing", folder, wrong=not (result.root / folder).is_dir(), test=test)
    if not missing:
        if test == OF_TOKENS:
            _check_tokens(result, notes, folder)
        else:
            _check_performance(result, notes, folder, test)
        if test == WITH_ACCURACY:
            _check_accuracy(result, notes, folder)
    result.notes.take(notes)
    return notes.is_strict


def _check_performance(result: Result, notes: Notes, folder: str, test: str) -> None:
    run = f"{folder}/performance/run_1"
    if test != WITHOUT_VERIFY:
        path = f"{folder}/verify_performance.txt"
        lines = text(result.root / path)
        notes.judge("compliance-performance", path, wrong=_PASSES not in (lines or ""), test=test)
    files = set(listing(result.root / run).files)
    odd = (files ^ {SUMMARY, DETAIL}) - IGNORED - {ACCURACY_LOG}
    notes.judge("compliance-files", run, wrong=odd, test=test, files=", ".join(sorted(odd)))
    log = read_log(result.root / run)
    of_log = Notes(result.rules.submission, result.division)
    rules = result.rules.submission
    if test in rules.short_tests:
        is_read(of_log, log, f"{run}/{DETAIL}", "performance")
    else:
        check_log(result, of_log, log, run, rules.test_seeds.get(test))
    first = next((item for item in of_log.found if item.severity == "error"), None)
    refused = next((item for item in of_log.found if item.official == "refuses"), None)
    problem = refused or first
    notes.judge(
        "compliance-log" if refused else "compliance-log-strict",
        f"{run}/{DETAIL}",
        wrong=problem,
        test=test,
        found=problem.text if problem else "",
    )
    _check_settings(result, notes, log, f"{run}/{DETAIL}", test)


def _check_settings(result: Result, notes: Notes, log: Log, path: str, test: str) -> None:
    """Check that the audit settings of a test were in effect, and that its figure is near the result's."""
    if not log.style:
        return
    sampled = log.number("effective_accuracy_log_sampling_target") or log.number("effective_accuracy_log_probability")
    if test == WITH_ACCURACY:
        notes.judge("compliance-not-audited", path, wrong=not sampled, test=test)
    ours, theirs = result.performance, log
    same = ours.get("loadgen_version") == theirs.get("loadgen_version") and ours.get("sut_name") == theirs.get(
        "sut_name"
    )
    is_known = bool(ours.style) and official_value(result)[0] is not None
    notes.judge("compliance-other-build", path, wrong=is_known and not same, test=test)


def _check_accuracy(result: Result, notes: Notes, folder: str) -> None:
    path = f"{folder}/verify_accuracy.txt"
    lines = text(result.root / path)
    if notes.judge("compliance-accuracy-missing", path, wrong=lines is None):
        return
    is_same = _PASSES in (lines or "")
    place = f"{folder}/accuracy"
    files = set(listing(result.root / place).files)
    odd = (files ^ (_ACCURACY_FILES if is_same else {*_ACCURACY_FILES, _BASELINE, _OF_TEST})) - IGNORED
    has_issue = notes.judge("compliance-accuracy-files", place, wrong=odd, files=", ".join(sorted(odd)))
    if not is_same and not has_issue and result.facts is not None:
        bounds = bounds_of(result.rules.submission, result.benchmark, result.facts)
        wrong = [text_ for bound in bounds if (text_ := _apart(result, place, bound))]
        notes.judge("compliance-accuracy-apart", place, wrong=wrong, found="; ".join(wrong))


def _apart(result: Result, folder: str, bound: Bound) -> str:
    """Why a metric of a test is too far from that of the same samples in the accuracy run; '' if it is not."""
    baseline, found = (_last(text(result.root / folder / name) or "", bound) for name in (_BASELINE, _OF_TEST))
    if not baseline or not found:
        return f"{bound.name} is not stated in both files"
    allowed = _allowed(result, bound.name)
    delta = abs(1 - baseline / found) * 100
    return (
        ""
        if delta <= allowed
        else f"{bound.name} {found:g} differs from {baseline:g} by {delta:.3g} %, allowed are {allowed:g} %"
    )


def _allowed(result: Result, metric: str) -> float:
    own = result.rules.submission.accuracy_delta.get(result.benchmark, {}).get(metric)
    return own if own is not None else _STRICT_DELTA if "99.9" in result.benchmark else 1.0


def _last(lines: str, bound: Bound) -> float:
    found = [match[1] for match in map(bound.pattern.match, lines.splitlines()) if match]
    try:
        return float(found[-1]) if found else 0.0
    except ValueError:
        return 0.0


def _check_tokens(result: Result, notes: Notes, folder: str) -> None:
    path = f"{folder}/verify_accuracy.txt"
    lines = {line.strip() for line in (text(result.root / path) or "").splitlines()}
    passed = [any(f"{mark}: {word}" in lines for word in ("True", "Skipped")) for mark in _MARKS]
    wrong = [mark for mark, well in zip(_MARKS, passed, strict=True) if not well]
    notes.judge("compliance-tokens", path, wrong=wrong, found=", ".join(wrong))
