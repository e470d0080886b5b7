"""Conditions during a measurement: load averages, and the processor time of other processes."""

import os
import time
from pathlib import Path

from benchloom.model.record import Conditions

_STAT = Path("/proc/stat")
_WORKING = (0, 1, 2, 5, 6, 7)  # columns of /proc/stat: user, nice, system, irq, softirq, steal


class Watch:
    """Watches the machine from construction until ``end``."""

    def __init__(self) -> None:
        self._load = _load_average()
        self._cores = usable_cores()
        self._begun, self._busy, self._own = time.monotonic(), busy_seconds(_stat(), self._cores), _own_seconds()

    def end(self, beside: tuple[str, ...] = ()) -> Conditions:
        """Return the observed conditions; ``beside`` are the other runs that measured at the same time.

        Children must have been waited for.
        """
        busy, own = busy_seconds(_stat(), self._cores), _own_seconds()
        elapsed = time.monotonic() - self._begun
        others = None
        if busy is not None and self._busy is not None and elapsed > 0:
            others = max(0.0, min(1.0, (busy - self._busy - (own - self._own)) / (elapsed * len(self._cores))))
        return Conditions(load_before=self._load, load_after=_load_average(), others=others, beside=beside)


def usable_cores() -> frozenset[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def busy_seconds(stat: str, cores: frozenset[int]) -> float | None:
    """Return the busy seconds of ``cores`` by ``/proc/stat``, including time stolen by the hypervisor; None if unknown."""
    ticks, seen = 0, 0
    for line in stat.splitlines():
        name, _, times = line.partition(" ")
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in cores:
            values = [int(item) for item in times.split()]
            ticks += sum(values[place] for place in _WORKING if place < len(values))
            seen += 1
    return ticks / os.sysconf("SC_CLK_TCK") if seen else None


def _stat() -> str:
    try:
        return _STAT.read_text()
    except OSError:
        return ""


def _own_seconds() -> float:
    """Processor time of this process and of all its waited-for descendants."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _load_average() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (OSError, AttributeError):
        return None
