"""The Record: plan + host facts + measurements + digests of one run. Reports are renderings of records."""

from typing import Literal

from benchloom.model.base import Document, Value
from benchloom.model.plan import Plan

RECORD_SCHEMA = "benchloom.record/2"
RESULTS_SCHEMA = "benchloom.results/2"
BUSY = 0.1  # of the usable cores taken by others: from here on a figure is not the machine's own


class Accuracy(Document, frozen=True, kw_only=True):
    """Accuracy from LoadGen's accuracy log, a fraction (0-1); ``reference`` is the model's published one.

    ``metric`` is ``top1``, or ``mAP``: ``mean_average_precision`` over IoU 0.50 to 0.95 in steps of 0.05, as COCO has it.

    Attributes:
        target: the least that the round accepts: as the ruleset states it, else the model.
        problem: why there is no figure; empty if there is one.
        errors: what LoadGen logged as errors of the accuracy run.
        warnings: what it logged as warnings.
        official_command: MLPerf's own script with the options that score this log, run where ``results.json`` lies;
            empty if it cannot read the data set.
        official_problem: why that script does not give this figure; empty if it does.
        values: every metric of the task by its name, ``metric`` included; empty in records made before there was more than one.
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
    """What LoadGen measured. Latencies in nanoseconds, by percentile name (``mean``, ``p50``, ``p90``, ``p99`` …).

    ``samples_per_second`` is LoadGen's own throughput figure if the scenario has one, else completed samples divided
    by the run's wall time. ``figures`` are those that rounds of MLPerf publish of the scenario, by their keys in LoadGen's detail log;
    ``metric`` is the key that is official under the ruleset, and ``value`` that figure (None if LoadGen did not state it). ``cpu_seconds`` is the processor time of all
    threads of the program's process while LoadGen issued queries, without loading samples and writing logs. ``errors`` and ``warnings``
    are those in LoadGen's log, whatever it says of validity.
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
    """One line of a user.conf that LoadGen applied: ``setting`` of its TestSettings went from ``old`` to ``new``."""

    line: int
    key: str
    setting: str
    old: float
    new: float


class Blocker(Value, frozen=True, kw_only=True):
    """Why results cannot be submitted: the ``code`` of the rule, what was found, and where the rule was read ('' for one of our own)."""

    code: str
    text: str
    reference: str = ""


class Results(Document, frozen=True, kw_only=True):
    """``results.json``: what a benchmark program leaves in its working directory, the same under loom, ck and cm.

    ``precision`` is the model's, such as ``fp32``. ``peak_memory_bytes`` is the largest resident memory of the program's process over its whole life: libraries, model,
    and those samples that were mapped in at the same time. None if the system does not say. ``missing_images`` is the number of images that
    the labels name and that were skipped, since they are not there; ``dataset_size`` is the number of samples of the whole data set. ``blockers`` are the reasons why these
    results cannot be submitted under an official ruleset, worst first; ``user_conf`` is what the user's own settings changed.
    """

    schema: str
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
    """The machine and software of a run."""

    os: str
    kernel: str
    arch: str
    cpu_model: str
    cores: int
    memory_bytes: int | None
    python: str
    libraries: dict[str, str] = {}


class Statistics(Value, frozen=True, kw_only=True):
    """Statistics of one figure over repetitions; ``stdev`` is the sample standard deviation (0 for one repetition)."""

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
    """One execution of the program. ``status`` tells how it ended; exactly one of exit_code and signal is set.

    ``problem`` says what is wrong with what a program that ended well left behind. ``conditions`` are unknown if it was interrupted,
    and in older records.
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
    """One ``loom run``. Times are UTC, ISO 8601; ``directory`` is the run directory; digests are ``sha256:…``.

    ``plan_digest`` and ``lock_digest`` are of the canonical JSON of the plan and of the lock made from it.
    """

    schema: str
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
