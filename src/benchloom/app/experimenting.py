"""Plan and run the specs of an experiment, based on the user's request."""

import time
from collections.abc import Mapping

import msgspec

from benchloom.app.planning import plan
from benchloom.app.requests import PlanRequest
from benchloom.app.running import RunOptions, run
from benchloom.app.workspace import Workspace
from benchloom.errors import ExecutionError
from benchloom.model.experiment import RunSpec, Trial
from benchloom.model.plan import Plan


class SpecRunner:
    """Executes the runs of an experiment: each is the user's request with the inputs of its spec, as in ``loom run``."""

    def __init__(self, workspace: Workspace, request: PlanRequest, options: RunOptions) -> None:
        self.workspace, self.request, self.options = workspace, request, options

    def plan(self, inputs: Mapping[str, str]) -> Plan:
        """Return the plan with these inputs over the user's; a lock fixes everything else.

        Raises what planning raises.
        """
        request = msgspec.structs.replace(self.request, inputs={**self.request.inputs, **inputs})
        if request.lock:
            held = msgspec.structs.replace(request.lock, inputs=dict(sorted({**request.lock.inputs, **inputs}.items())))
            request = msgspec.structs.replace(request, lock=held)
        return plan(self.workspace, request)

    def run(self, spec: RunSpec) -> Trial:
        """Execute one run and return its trial, also if the program failed.

        Raises what planning and preparing raise.
        """
        clock = time.monotonic()
        options = msgspec.structs.replace(self.options, tags=spec.tags)
        try:
            record, path = run(self.workspace, self.plan(spec.program_inputs()), options)
        except ExecutionError as error:
            return Trial(
                spec=spec,
                status="failed",
                seconds=time.monotonic() - clock,
                record=str(error.details.get("record", "")),
                reasons=(error.what, *error.why),
            )
        # The program alone: preparation does not count towards a budget.
        seconds = record.repetitions[-1].seconds
        return Trial(spec=spec, status="ok", seconds=seconds, record=str(path), results=record.results)
