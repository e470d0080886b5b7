"""Rulesets: what a performance run must last and contain, as frozen values.

``quick`` is ours: seconds long, never submission-valid. ``mlperf-inference-1.0`` holds the values of the MLPerf Inference
v1.0 rules and of mlperf.conf at r1.0 (scenario table, benchmark table, seeds).
"""

from dataclasses import dataclass, field

from benchloom.rules.scenarios import MULTI_STREAM, OFFLINE, SERVER, SINGLE_STREAM


@dataclass(frozen=True)
class Rules:
    """Least duration in seconds and least query count of one scenario (samples for Offline)."""

    min_duration: float
    min_queries: int


@dataclass(frozen=True)
class Ruleset:
    """Values of one round.

    ``seeds`` are qsl, sample index and schedule seeds; None leaves LoadGen's own. ``sample_counts`` are the performance
    sample counts by benchmark; ``notes`` say what cannot be kept, by scenario (``*`` for all).
    """

    name: str
    rules: dict[str, Rules]
    is_official: bool = False
    seeds: tuple[int, int, int] | None = None
    sample_counts: dict[str, int] = field(default_factory=dict)
    server_bounds_ms: dict[str, float] = field(default_factory=dict)
    default_server_bound_ms: float = 10.0
    notes: dict[str, str] = field(default_factory=dict)


# Early stopping (LoadGen since v2.0) says INVALID below 64 queries at the 90th percentile, 459 (Server) and 662
# (MultiStream) at the 99th: measured with mlcommons-loadgen 6.0.17.
QUICK = Ruleset(
    name="quick",
    rules={
        SINGLE_STREAM.name: Rules(1.5, 128),
        MULTI_STREAM.name: Rules(1.0, 662),
        SERVER.name: Rules(1.5, 600),
        OFFLINE.name: Rules(1.0, 1),
    },
    notes={"*": "ruleset quick: a run of seconds, not valid for a submission"},
)

V1_0 = Ruleset(
    name="mlperf-inference-1.0",
    is_official=True,
    rules={
        SINGLE_STREAM.name: Rules(600.0, 1024),
        MULTI_STREAM.name: Rules(600.0, 270_336),
        SERVER.name: Rules(600.0, 270_336),
        OFFLINE.name: Rules(600.0, 24_576),
    },
    seeds=(7322528924094909334, 1570999273408051088, 3507442325620259414),
    sample_counts={"resnet50": 1024, "mobilenet": 1024, "ssd-mobilenet": 256, "ssd-resnet34": 64},
    server_bounds_ms={"resnet50": 15.0, "ssd-resnet34": 100.0},
    notes={
        MULTI_STREAM.name: f"LoadGen since v2.0 issues the next {MULTI_STREAM.name} query when the last one completes; the v1.0 meaning "
        "(queries at a fixed interval, as many samples as fit the latency bound) cannot be expressed, so this is not a v1.0 result",
        "*": "today's LoadGen compiles in its own mlperf.conf and applies early stopping; v1.0's values are set over it",
    },
)

# Where nothing states how many samples a performance run draws from: ImageNet's number in mlperf.conf.
DEFAULT_SAMPLE_COUNT = 1024

RULESETS = {item.name: item for item in (QUICK, V1_0)}
