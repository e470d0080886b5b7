"""Facts about the machine of a run. Unknown facts stay empty; nothing is guessed."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path

from benchloom.model.record import Host


def host_facts(libraries: Mapping[str, str]) -> Host:
    """Return this machine's facts with the versions of ``libraries`` that the run reported."""
    return Host(
        os=_os_name(),
        kernel=platform.release(),
        arch=platform.machine(),
        cpu_model=_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=_memory(),
        python=platform.python_version(),
        libraries=dict(sorted(libraries.items())),
    )


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform(terse=True)


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
