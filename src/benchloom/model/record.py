"""The Record: plan + host facts + measurements + digests of one run. Reports are renderings of records."""

from typing import Literal

from benchloom.model.base import Document, SchemaName, SchemaTable, Value
from benchloom.model.plan import Plan

RECORD_SCHEMA = "benchloom.record/2"
RESULTS_SCHEMA = "benchloom.results/2"
BUSY = 0.1  # of the usable cores taken by others: from here on a figure is not the machine's own


class Accuracy(Document, frozen=True, kw_only=True):
    """Accuracy from LoadGen's accuracy log.

    Attributes:
        metric: name of the task's main metric: ``top1``, or ``mAP`` over IoU 0.50 to 0.95 in steps of 0.05, as COCO has
            it.
        top1: fraction of the samples whose predicted class is right, 0 to 1.
        mean_average_precision: mAP as a fraction, 0 to 1.
        correct: number of samples whose predicted class is right.
        total: number of samples scored.
        reference: the model's published accuracy, a fraction.
        reference_source: where that was read.
        target: the least that the round accepts: as the ruleset states it, else the model.
        problem: why there is no figure; empty if there is one.
        errors: what LoadGen logged as errors of the accuracy run.
        warnings: what it logged as warnings.
        official_command: MLPerf's own script with the options that score this log, run where ``results.json`` lies;
            empty if it cannot read the data set.
        official_problem: why that script does not give this figure; empty if it does.
        values: every metric of the task by its name, ``metric`` included; empty in records made before there was more
            than one.
    """

    metric: str
    top1: float | None = None
    mean_average_precision: float | None = None
    correct: int | None = None
    total: int = 0
    reference: float | None = None
    reference_source: str = ""
    target: float | None = None
    problem: str = ""
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    official_command: tuple[str, ...] = ()
    official_problem: str = ""
    values: dict[str, float] = {}

    @property
    def value(self) -> float | None:
        """The figure that ``metric`` names."""
        legacy = self.mean_average_precision if self.top1 is None else self.top1
        return self.values.get(self.metric, legacy)


class Performance(Document, frozen=True, kw_only=True):
    """What LoadGen measured.

    Attributes:
        scenario: LoadGen's scenario.
        valid: whether LoadGen says VALID.
        samples_per_second: LoadGen's own throughput if the scenario has one, else completed samples divided by the
            run's wall time.
        latency_ns: latencies in nanoseconds by name: ``mean``, or a percentile such as ``p50``, ``p90``, ``p99``.
        metric: key of the figure that is official under the ruleset.
        value: that figure; null if LoadGen did not state it.
        figures: the figures that rounds of MLPerf publish of the scenario, by their keys in LoadGen's detail log.
        query_count: number of queries issued.
        sample_count: number of samples in them.
        invalid_reasons: what LoadGen states against the run.
        min_duration_met: whether it lasted long enough; null if LoadGen does not say.
        min_queries_met: whether it had enough queries; null if LoadGen does not say.
        cpu_seconds: processor time of all threads of the program's process while LoadGen issued queries, without
            loading samples and writing logs.
        errors: errors in LoadGen's log, whatever it says of validity.
        warnings: warnings in LoadGen's log.
    """

    scenario: str
    valid: bool
    samples_per_second: float
    latency_ns: dict[str, int]
    metric: str = ""
    value: float | None = None
    figures: dict[str, float] = {}
    query_count: int = 0
    sample_count: int = 0
    invalid_reasons: tuple[str, ...] = ()
    min_duration_met: bool | None = None
    min_queries_met: bool | None = None
    cpu_seconds: float | None = None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class AppliedSetting(Value, frozen=True, kw_only=True):
    """One line of a user.conf that LoadGen applied.

    Attributes:
        line: number of the line.
        key: the key as the file has it.
        setting: the field of LoadGen's TestSettings that it changed.
        old: value before it.
        new: value after it.
    """

    line: int
    key: str
    setting: str
    old: float
    new: float


class Blocker(Value, frozen=True, kw_only=True):
    """Why results cannot be submitted.

    Attributes:
        code: id of the rule; empty in results of schema 1.
        text: what was found.
        reference: where the rule was read; empty for one of our own.
    """

    code: str
    text: str
    reference: str = ""


class Results(Document, frozen=True, kw_only=True):
    """``results.json``: what a benchmark program leaves in its working directory, the same under loom, ck and cm.

    Attributes:
        task: what was benchmarked, such as ``image-classification``.
        model: name of the model.
        dataset: name of the data set.
        backend: name of the backend.
        scenario: LoadGen's scenario.
        mode: what was measured: performance, accuracy or both.
        ruleset: name of the ruleset that the run was held to.
        submission_valid: whether nothing blocks a submission.
        accuracy: what was scored; null if nothing was.
        performance: what LoadGen measured; null if nothing was.
        settings: what the run was set to, by name.
        versions: versions of libraries by name.
        notes: what a reader should know of the results.
        peak_memory_bytes: largest resident memory of the program's process over its whole life: libraries, model, and
            samples that were mapped in at the same time; null if the system does not say.
        precision: the model's, such as ``fp32``.
        blockers: why these results cannot be submitted under an official ruleset, worst first.
        user_conf: what the user's own settings changed.
        missing_images: number of images that the labels name and that were skipped, since they are not there.
        dataset_size: number of samples of the whole data set.
    """

    schema: SchemaName
    task: str
    model: str
    dataset: str
    backend: str
    scenario: str
    mode: str
    ruleset: str
    submission_valid: bool
    accuracy: Accuracy | None
    performance: Performance | None
    settings: dict[str, str | int | float | bool | None]
    versions: dict[str, str]
    notes: tuple[str, ...]
    peak_memory_bytes: int | None = None
    precision: str = ""
    blockers: tuple[Blocker, ...] = ()
    user_conf: tuple[AppliedSetting, ...] = ()
    missing_images: int = 0
    dataset_size: int | None = None


class Host(Value, frozen=True, kw_only=True):
    """The machine and software of a run.

    Attributes:
        os: name and version of the operating system.
        kernel: release of the kernel.
        arch: the processor's architecture.
        cpu_model: name of the processor.
        cores: logical processors that the run could use.
        memory_bytes: main memory; null if the system does not say.
        python: version of Python.
        libraries: versions of Python libraries by name.
    """

    os: str
    kernel: str
    arch: str
    cpu_model: str
    cores: int
    memory_bytes: int | None
    python: str
    libraries: dict[str, str] = {}


class Statistics(Value, frozen=True, kw_only=True):
    """Statistics of one figure over repetitions.

    Attributes:
        min: smallest value.
        median: median.
        mean: arithmetic mean.
        max: largest value.
        stdev: sample standard deviation; 0 for one repetition.
    """

    min: float
    median: float
    mean: float
    max: float
    stdev: float


class Conditions(Value, frozen=True, kw_only=True):
    """What else the machine did while a repetition ran; None if the system does not say.

    Attributes:
        load_before: the load average of the last minute as it began.
        load_after: the same as it ended.
        others: the part of the usable cores, 0 to 1, that was taken by other processes and by other guests of the hypervisor.
        beside: ids of other runs in this home that measured at the same time.
    """

    load_before: float | None = None
    load_after: float | None = None
    others: float | None = None
    beside: tuple[str, ...] = ()

    @property
    def is_busy(self) -> bool:
        """Whether figures of this repetition may be worse than the machine's own."""
        return bool(self.beside) or (self.others or 0) >= BUSY


class Repetition(Value, frozen=True, kw_only=True):
    """One execution of the program. Exactly one of ``exit_code`` and ``signal`` is set.

    Attributes:
        started: when it began: UTC, ISO 8601.
        ended: when it ended: UTC, ISO 8601.
        seconds: how long it took.
        status: how it ended.
        exit_code: exit status of the process.
        signal: name of the signal that ended it.
        problem: what is wrong with what a program that ended well left behind.
        results: what it left in ``results.json``; null if it left none.
        conditions: what else the machine did; null if it was interrupted, and in older records.
    """

    started: str
    ended: str
    seconds: float
    status: Literal["ok", "failed", "timeout", "interrupted"]
    exit_code: int | None = None
    signal: str = ""
    problem: str = ""
    results: Results | None = None
    conditions: Conditions | None = None


class Record(Document, frozen=True, kw_only=True):
    """One ``loom run``. Times are UTC, ISO 8601; digests are ``sha256:…``.

    Attributes:
        id: unique name; it begins with the time.
        target: reference of the program.
        command: the command as it was executed, in words.
        arguments: the user's words, without the values of secrets.
        status: how the run ended: as its last repetition did.
        started: when it began.
        ended: when it ended.
        directory: the run directory.
        plan: the plan that was executed.
        plan_digest: digest of the canonical JSON of the plan.
        lock_digest: digest of the canonical JSON of the lock made from the plan.
        repetitions: one for each execution of the program.
        results: results of the last repetition; null if there are none.
        statistics: over several repetitions, by name of the figure.
        inputs: by node, the digest of what the run used: of the file, of a data set's labels, or the key in the store
            of a folder.
        outputs: digests of the files it left, by path in the run directory.
        tags: the user's words to find it by.
    """

    schema: SchemaName
    id: str
    target: str
    command: tuple[str, ...]
    arguments: tuple[str, ...]
    status: str
    started: str
    ended: str
    directory: str
    plan: Plan
    plan_digest: str
    lock_digest: str
    host: Host
    repetitions: tuple[Repetition, ...]
    results: Results | None
    statistics: dict[str, Statistics]
    inputs: dict[str, str]
    outputs: dict[str, str]
    tags: tuple[str, ...]


SCHEMAS: SchemaTable = {
    "record": (Record, "loom record show --json; files in the folder of records"),
    "results": (Results, "the file results.json that a benchmark program leaves"),
}
