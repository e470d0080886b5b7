"""MLPerf's accuracy scripts: the command that scores a log, and reasons why its figure may differ.

They (mlcommons/inference r1.0, ``vision/classification_and_detection/tools``) use the index of a sample in the log as
its position in a list that they read themselves. So the options depend on the samples that were run, and the command is
checked against them.
"""

from collections.abc import Sequence
from pathlib import Path

from benchloom.harness.inputs import Inputs
from benchloom.harness.tasks.seam import OfficialScoring, task_of


def official_scoring(inputs: Inputs, place: Path) -> OfficialScoring:
    """Return MLPerf's scoring of the accuracy log in ``place`` of a run over ``inputs``."""
    if inputs.missing:
        return OfficialScoring(problem="images were skipped, but the script counts samples in the whole list of images")
    return task_of(inputs.model).official_scoring(inputs, str(place / "mlperf_log_accuracy.json"))


def out_of_place(listed: Sequence[int], ran: Sequence[int]) -> int:
    """Count the samples of ``ran`` that differ from the list that a script reads."""
    return sum(place >= len(listed) or listed[place] != sample for place, sample in enumerate(ran))
