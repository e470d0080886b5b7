"""The Tuning: the trials, result and state of a search for a program's best settings."""

from typing import Literal

from benchloom.model.base import Document, SchemaName, SchemaTable, Value
from benchloom.model.record import Host

TUNING_SCHEMA = "benchloom.tuning/1"


class TuningPoint(Value, frozen=True, kw_only=True):
    """Values of the inputs that are searched; None for those that the program lacks, or that are not searched.

    Attributes:
        batch_size: largest number of samples per inference.
        threads: threads of one instance of the backend.
        instances: instances of the backend that serve batches side by side.
        target_qps: queries per second that LoadGen schedules (Server).
    """

    batch_size: int | None = None
    threads: int | None = None
    instances: int | None = None
    target_qps: float | None = None

    def inputs(self) -> dict[str, str]:
        """Return the values as inputs of the program, by name."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: f"{value:.10g}" for name, value in values.items() if value is not None}


class Probe(Value, frozen=True, kw_only=True):
    """One run of the program with one choice of settings.

    Attributes:
        scenario: LoadGen's scenario of this run: settings for Server are screened by short runs in Offline.
        settings: the values that were tried.
        duration: least seconds it was told to last; None if the program has no such input.
        status: whether the program ended well; nothing is measured if it failed.
        valid: whether LoadGen says VALID; only then the figure counts.
        figure: the figure of its scenario: samples/s in Offline, the target in queries/s in Server, else a latency in
            ns.
        samples_per_second: throughput.
        latency_p99_ns: latency that 99 % of the queries kept.
        seconds: what the run took.
        record: the record's file.
        reasons: why LoadGen calls the run INVALID, or why it failed.
    """

    scenario: str
    settings: TuningPoint
    duration: float | None = None
    status: Literal["ok", "failed"]
    valid: bool
    figure: float | None = None
    samples_per_second: float | None = None
    latency_p99_ns: int | None = None
    seconds: float = 0.0
    record: str = ""
    reasons: tuple[str, ...] = ()


class Tuning(Document, frozen=True, kw_only=True):
    """A search for the settings of ``target`` that are best on this machine.

    Attributes:
        target: reference of the program.
        command: the command of the program that is run.
        scenario: the scenario that the settings are for.
        key: the identity of the search: the digest of plan, fixed inputs, scenario, ruleset and machine.
        inputs: fixed inputs of the program.
        host: the machine that they are for.
        figure: name of what is made best.
        unit: unit of the figure: samples/s, queries/s or ns.
        better: whether more of it is better, or less.
        latency_bound_ns: the bound that Server's 99th percentile must keep; None elsewhere.
        probes: every run, in the order of time.
        best: the best run that counts; None if none does.
        confirmed: whether the best was measured as the search demands: as long as the longest probes, and twice for
            Server.
        complete: whether the search is complete; else the same command resumes it.
        seconds: what all probes took, those of earlier commands too.
        user_conf: the file for LoadGen, if one was written.
        lock: the file for loom run --lock, if one was written.
        commands: commands that run with the best settings.
    """

    schema: SchemaName
    target: str
    command: str
    scenario: str
    key: str
    inputs: dict[str, str]
    host: Host
    figure: str
    unit: str
    better: Literal["more", "less"]
    latency_bound_ns: int | None
    probes: tuple[Probe, ...]
    best: Probe | None
    confirmed: bool
    complete: bool
    seconds: float
    user_conf: str
    lock: str
    commands: tuple[str, ...]


SCHEMAS: SchemaTable = {"tuning": (Tuning, "loom tune --json; the file tuning.json of each search")}
