"""What a tuning tells LoadGen to expect, in the unit and with the margin of the scenario."""

import pytest

from benchloom.experiments.tuning_files import user_conf
from benchloom.model.record import Host
from benchloom.model.tuning import TUNING_SCHEMA, Probe, Tuning, TuningPoint

HOST = Host(os="", kernel="", arch="", cpu_model="", cores=2, memory_bytes=None, python="")


def written(scenario: str, figure: float) -> str:
    probe = Probe(scenario=scenario, settings=TuningPoint(), status="ok", valid=True, figure=figure, record="r.json")
    facts = {
        "figure": "f",
        "unit": "u",
        "better": "more",
        "latency_bound_ns": None,
        "best": None,
        "user_conf": "",
        "lock": "",
        "commands": (),
    }
    flags = {"confirmed": True, "complete": True, "seconds": 1.0}
    made = Tuning(
        schema=TUNING_SCHEMA,
        key="k",
        command="",
        target="program:p",
        scenario=scenario,
        inputs={},
        probes=(probe,),
        host=HOST,
        **facts,
        **flags,
    )
    return user_conf(made, probe)


@pytest.mark.parametrize(
    ("scenario", "figure", "expected"),
    [
        ("Offline", 1000.0, "# 30% more than measured\n*.Offline.target_qps = 1300\n"),
        ("Server", 50.0, "# the highest target that was VALID\n*.Server.target_qps = 50\n"),
        ("SingleStream", 2e6, "# 30% less than measured\n*.SingleStream.target_latency = 1.4\n"),
        ("MultiStream", 8e6, "# 30% less than measured\n*.MultiStream.target_latency = 5.6\n"),
    ],
)
def test_user_conf_states_what_was_measured_with_the_margin_of_the_scenario(
    scenario: str, figure: float, expected: str
):
    assert written(scenario, figure) == f"# program:p, r.json\n{expected}"
