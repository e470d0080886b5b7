"""Variables that users of `ck` set, converted to inputs of a program; unknown ones are refused."""

import shlex
from collections.abc import Iterator, Mapping

from benchloom.base.names import did_you_mean
from benchloom.errors import InputError, UnknownNameError
from benchloom.model.component import Component, Input
from benchloom.model.inputs import INPUT_PREFIX, check_value
from benchloom.model.values import number, whole
from benchloom.rules.scenarios import SERVER

EXTRA_OPS = "EXTRA_OPS"
# Options of MLPerf's reference application, which CK's documentation passes in EXTRA_OPS, and the names of our inputs.
_OPTIONS = {
    "count": "count",
    "time": "duration",
    "qps": "target_qps",
    "max-latency": "max_latency_ms",
    "max-batchsize": "batch_size",
    "threads": "threads",
    "scenario": "scenario",
    "user_conf": "user_conf",
}
_MILLISECONDS = 1000  # per second, the unit of --max-latency
# Variables of CK's own programs. A data set of 0 samples means all of it there.
_DATASET_SIZE, _BATCH_COUNT, _BATCH_SIZE = "CK_LOADGEN_DATASET_SIZE", "CK_BATCH_COUNT", "CK_BATCH_SIZE"
_OF_CK = {
    "CK_LOADGEN_SCENARIO": "scenario",
    "CK_LOADGEN_MODE": "mode",
    "CK_LOADGEN_TARGET_QPS": "target_qps",
    _DATASET_SIZE: "count",
    _BATCH_COUNT: "count",
    _BATCH_SIZE: "batch_size",
}
_MODES = {"AccuracyOnly": "accuracy", "PerformanceOnly": "performance", "SubmissionRun": "both"}
_UNREAD_PREFIXES = ("CK_BATCH_", "CK_LOADGEN_")
_UNREAD = {
    "CK_LOADGEN_TARGET_LATENCY": f"the input target_latency_ms, or max_latency_ms for {SERVER.name}",
    "CK_LOADGEN_CONF_FILE": "the input user_conf",
    "CK_LOADGEN_BUFFER_SIZE": "the input user_conf, a file with performance_sample_count_override",
}


def inputs_from(component: Component, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the inputs in ``environ`` for the program ``component``, in their declared spelling.

    They come as ``LOOM_INPUT_<NAME>``, as variables of CK's own programs, or as options in ``EXTRA_OPS``. A program without
    declared inputs reads its own variables, and gets none. Raises UnknownNameError for a variable or option that no input has, and
    InputError for a wrong value, for an input with two values, and for variables of CK's own programs that no input stands for.
    """
    declared = {item.name: item for item in component.program.inputs} if component.program else {}
    found: dict[str, tuple[str, str]] = {}
    if not declared:
        return {}
    _refuse_unread(component, environ)
    said = (*_variables(component, declared, environ), *_of_ck(environ), *_extra_ops(environ.get(EXTRA_OPS, "")))
    for where, name, value in said:
        if name not in declared:
            raise UnknownNameError(f"{component.ref} has no input {name}", where=where, fix=_known(declared))
        checked = check_value(declared[name], value, where)
        earlier, other = found.setdefault(name, (where, checked))
        if other != checked:
            raise InputError(
                f"the input {name} has two values",
                where=where,
                why=[f"{earlier} says {other}"],
                fix="remove one of them",
            )
    return {name: value for name, (_, value) in found.items()}


def _variables(
    component: Component, declared: Mapping[str, Input], environ: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    by_variable = {f"{INPUT_PREFIX}{name.upper()}": name for name in declared}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(INPUT_PREFIX) or not value:
            continue
        if variable not in by_variable:
            fix = did_you_mean(variable, by_variable) or _known(declared)
            raise UnknownNameError(f"{component.ref} has no input {variable}", where=variable, fix=fix)
        yield variable, by_variable[variable], value


def _of_ck(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for variable, name in _OF_CK.items():
        value = environ.get(variable, "")
        if variable == _BATCH_COUNT and value:
            value = str(whole(value, _BATCH_COUNT) * whole(environ.get(_BATCH_SIZE) or "1", _BATCH_SIZE))
        if value and not (variable == _DATASET_SIZE and value == "0"):
            yield variable, name, _MODES.get(value, value) if name == "mode" else value


def _known(declared: Mapping[str, Input]) -> str:
    return f"its inputs are {', '.join(f'{INPUT_PREFIX}{name.upper()}' for name in sorted(declared))}"


def _extra_ops(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield where, input and value of each option, written ``--name value`` or ``--name=value``."""
    where = f"{EXTRA_OPS}={text!r}"
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"{EXTRA_OPS} cannot be read", where=where, why=[str(error)]) from error
    while words:
        option, equals, value = words.pop(0).partition("=")
        if option == "--accuracy" and not equals:
            yield where, "mode", "accuracy"
            continue
        name = _OPTIONS.get(option.removeprefix("--")) if option.startswith("--") else None
        if name is None:
            known = ", ".join(["--accuracy", *(f"--{item}" for item in _OPTIONS)])
            raise UnknownNameError(f"{option!r} is not a known option", where=where, fix=f"it takes {known}")
        if not equals:
            if not words:
                raise InputError(f"{option} has no value", where=where, fix=f"write {option} VALUE")
            value = words.pop(0)
        yield where, name, _in_milliseconds(value, where) if option == "--max-latency" else value


def _in_milliseconds(seconds: str, where: str) -> str:
    return f"{number(seconds, where) * _MILLISECONDS:g}"


def _refuse_unread(component: Component, environ: Mapping[str, str]) -> None:
    for variable in sorted(environ):
        if environ[variable] and variable.startswith(_UNREAD_PREFIXES) and variable not in _OF_CK:
            instead = _UNREAD.get(variable, f"an input: loom show {component.ref} lists them")
            raise InputError(f"{component.ref} does not read {variable}", where=variable, fix=f"use {instead}")
