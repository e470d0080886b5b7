import os
import platform

from benchloom.record.host import host_facts


def test_host_facts_of_this_machine_are_those_of_the_system():
    host = host_facts({"numpy": "2.0", "a": "1"})
    assert host.arch == platform.machine()
    assert host.python == platform.python_version()
    assert host.cores == len(os.sched_getaffinity(0))
    assert host.memory_bytes == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert list(host.libraries) == ["a", "numpy"]
    assert host.os
    assert host.kernel == platform.release()
