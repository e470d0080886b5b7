"""The entries by which CK's pages run a benchmark, generated from the program that they run.

A program states under ``bench`` the targets (cpu, gpu) that it has such an entry for. ``mlperf-inference-bench-<program>-cpu`` inherits
the program and has a command for each mode and scenario (``accuracy-offline``, …); the entry for gpu inherits that one.
`ck` would ask which command is meant as soon as there are two: all but ``default`` are offered to nobody, and taken by name.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from benchloom.model.inputs import INPUT_PREFIX

KEY = "bench"
PREFIX = "mlperf-inference-bench-"
CPU, GPU = "cpu", "gpu"
TARGETS = (CPU, GPU)
_GPU_BUILD = "cuda"  # the variation of a backend that runs on a GPU
_NO_DEPENDENCY_HAS_IT = [["chosen-by-cmd-key"]]


def benchmark_entries(alias: str, program: Mapping[str, Any], task: str) -> dict[str, str]:
    """Return the metadata file, by alias, of each entry that ``program:alias`` asks for; ``task`` names the program that it inherits.

    ``program`` holds its metadata with what it inherits.
    """
    targets = [target for target in TARGETS if target in program.get(KEY, ())]
    made = {f"{PREFIX}{alias}-{target}": dict(_content(alias, target, program, task)) for target in targets}
    return {name: json.dumps(entry, indent=2, ensure_ascii=False) + "\n" for name, entry in made.items()}


def _content(alias: str, target: str, program: Mapping[str, Any], task: str) -> Iterator[tuple[str, Any]]:
    source = f"program:{alias}"
    backend = program["run_deps"]["backend"]["tags"]
    framework = alias.removeprefix(f"{task}-")
    yield "_generated_from", source
    yield "_base_entry", source if target == CPU else f"program:{PREFIX}{alias}-{CPU}"
    yield (
        "tags",
        ["mlperf-inference-benchmark", f"task.{task}", f"framework.{framework}", f"target.{target}"],
    )
    yield "summary", f"{program['summary']}, on a {target.upper()}, by mode and scenario"
    if target == GPU:
        yield "run_deps", {"backend": {"tags": f"{backend},{_GPU_BUILD}", "no_tags": ""}}
        return
    yield "run_deps", {"backend": {"no_tags": f"_{_GPU_BUILD},gpu"}}
    yield "run_cmds", dict(_commands(program))


def _commands(program: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    mode, scenario = program["inputs"]["mode"], program["inputs"]["scenario"]
    for of_mode in mode["choices"]:
        if of_mode == mode["default"]:
            continue  # that is the command default
        for of_scenario in scenario["choices"]:
            yield (
                f"{of_mode}-{of_scenario.lower()}",
                {
                    **program["run_cmds"]["default"],
                    "run_vars": {f"{INPUT_PREFIX}MODE": of_mode, f"{INPUT_PREFIX}SCENARIO": of_scenario},
                    "add_only_if_deps_tags": _NO_DEPENDENCY_HAS_IT,
                },
            )
