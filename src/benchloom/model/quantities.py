"""Numeric inputs of a run and their limits, checked during planning and again by the harness."""

from collections.abc import Callable

from benchloom.base.units import human_seconds
from benchloom.errors import InputError
from benchloom.model.base import Value
from benchloom.model.values import ABOVE_ZERO, FROM_ONE, number, whole

MOST_SECONDS = 7 * 24 * 3600.0  # that a run may take

# LoadGen counts these in whole units of its own: how many of them are in the unit of the flag, and their name.
_UNITS = {
    "duration": (1e3, "milliseconds"),
    "target_latency_ms": (1e6, "nanoseconds"),
    "max_latency_ms": (1e6, "nanoseconds"),
}


class Quantities(Value, frozen=True, kw_only=True):
    """The numbers among the inputs of a run, all above zero; None if none is given."""

    count: int | None
    batch_size: int | None
    threads: int | None
    instances: int | None
    target_qps: float | None
    target_latency_ms: float | None
    max_latency_ms: float | None
    duration: float | None


def read_quantities(text: Callable[[str], str], *, is_configured: bool = False) -> Quantities:
    """Return the numbers that ``text`` gives by name, '' for what is not given.

    ``is_configured`` tells that a user.conf is applied after them, which may shorten the run. Raises InputError for what is not
    a number above zero, is zero in LoadGen's units, or would have the run last for more than a week.
    """
    found = Quantities(
        count=_whole("count", text("count")),
        batch_size=_whole("batch_size", text("batch_size")),
        threads=_whole("threads", text("threads")),
        instances=_whole("instances", text("instances")),
        target_qps=_positive("target_qps", text("target_qps")),
        target_latency_ms=_positive("target_latency_ms", text("target_latency_ms")),
        max_latency_ms=_positive("max_latency_ms", text("max_latency_ms")),
        duration=_positive("duration", text("duration")),
    )
    if found.duration is not None and found.duration > MOST_SECONDS and not is_configured:
        raise InputError(
            f"the performance run would take about {human_seconds(found.duration)}",
            where="--duration",
            why=["the limit is one week"],
            fix="choose a shorter duration",
        )
    return found


def _positive(name: str, value: str) -> float | None:
    if not value:
        return None
    found = number(value, f"--{name}", ABOVE_ZERO)
    factor, units = _UNITS.get(name, (0.0, ""))
    if units and found * factor < 1:
        raise InputError(
            f"LoadGen counts whole {units}, in which {value} is 0; it must be above zero",
            where=f"--{name}",
            fix="omit it, so that a measurement or the ruleset decides",
        )
    return found


def _whole(name: str, value: str) -> int | None:
    return whole(value, f"--{name}", FROM_ONE) if value else None
