"""A tuning as table, plot and verdict."""

import msgspec
import pytest

from benchloom.model.record import Host
from benchloom.model.tuning import TUNING_SCHEMA, Probe, Tuning, TuningPoint
from benchloom.report.tunings import plain, plot, probe_line, tuning_rows, unsteady, verdict_lines
from support.repo import SOURCE

HOST = Host(os="", kernel="", arch="", cpu_model="", cores=2, memory_bytes=None, python="")
BLANK = Tuning(
    schema=TUNING_SCHEMA,
    target="program:app",
    command="default",
    scenario="Offline",
    key="0a",
    inputs={},
    host=HOST,
    figure="throughput",
    unit="samples/s",
    better="more",
    latency_bound_ns=None,
    probes=(),
    best=None,
    confirmed=False,
    complete=True,
    seconds=1.0,
    user_conf="/tmp/user.conf",
    lock="/tmp/loom.lock.json",
    commands=("loom run --lock=/tmp/loom.lock.json",),
)


def offline(figure: float, duration: float = 1.0, *, valid: bool = True, **settings: float) -> Probe:
    reasons = () if valid else ("too short",)
    settled = msgspec.convert(settings, TuningPoint)
    return Probe(
        scenario="Offline",
        settings=settled,
        duration=duration,
        status="ok",
        valid=valid,
        figure=figure,
        reasons=reasons,
        seconds=2,
    )


def server(target: float, p99: int, *, valid: bool = True) -> Probe:
    return Probe(
        scenario="Server",
        settings=TuningPoint(threads=2, target_qps=target),
        duration=1,
        status="ok",
        valid=valid,
        figure=target,
        latency_p99_ns=p99,
    )


OFFLINE = msgspec.structs.replace(
    BLANK,
    probes=(
        offline(9000, 0.25, batch_size=1, threads=2),
        offline(100, batch_size=1, threads=2),
        offline(4000, batch_size=8, threads=2),
        offline(5000, batch_size=32, threads=2, valid=False),
        offline(3000, 0.25, batch_size=8, threads=1),
    ),
    best=offline(4000, batch_size=8, threads=2),
    confirmed=True,
)
SERVER = msgspec.structs.replace(
    BLANK,
    scenario="Server",
    unit="queries/s",
    latency_bound_ns=10_000_000,
    probes=(
        offline(4000, threads=2),
        server(1000, 2_000_000),
        server(2000, 900_000_000, valid=False),
        server(1500, 4_000_000),
        server(1500, 5_000_000),
    ),
    best=server(1500, 4_000_000),
    confirmed=True,
)


def test_rows_are_best_first_with_the_longest_run_of_each_setting_and_invalid_ones_after():
    heads, *rows = tuning_rows(OFFLINE)
    assert heads == ("batch", "threads", "scenario", "seconds", "figure", "LoadGen", "runs", "reason")
    assert [(row[0], row[1], row[4], row[5]) for row in rows] == [
        ("8", "2", "4,000 samples/s", "VALID"),
        ("1", "2", "100 samples/s", "VALID"),
        ("8", "1", "3,000 samples/s", "VALID"),
        ("32", "2", "5,000 samples/s", "INVALID"),
    ]
    assert rows[3][-1] == "too short"


def test_rows_of_server_count_runs_of_a_target_and_end_with_the_sifting():
    rows = tuning_rows(SERVER)[1:]
    assert [(row[1], row[2], row[6], row[7]) for row in rows] == [
        ("1,500", "Server", "VALID", "2"),
        ("1,000", "Server", "VALID", "1"),
        ("2,000", "Server", "INVALID", "1"),
        ("-", "Offline", "VALID", "1"),
    ]


def test_plot_of_offline_has_a_line_for_each_way_to_set_the_rest_and_no_invalid_figure():
    drawn = plot(OFFLINE)
    assert "(samples/s)" in drawn
    assert drawn.splitlines()[-2:] == ["  o threads 2", "  x threads 1"]
    assert drawn.count("o") >= 3
    ticks = next(line for line in drawn.splitlines() if line.rstrip().endswith("8") and "|" in line)
    assert ticks.split("|")[1].split() == ["1", "8"]


def test_plot_of_server_marks_invalid_targets_and_the_bound():
    drawn = plot(SERVER)
    assert "  x INVALID" in drawn
    assert "  - bound 10.0 ms" in drawn


@pytest.mark.parametrize("tuning", [OFFLINE, SERVER])
def test_plot_can_be_written_in_ascii(tuning: Tuning):
    drawn = plain(plot(tuning))
    assert drawn.isascii()
    assert "." in drawn


@pytest.mark.parametrize("probes", [(), OFFLINE.probes[:2]])
def test_plot_of_one_place_is_left_out(probes: tuple[Probe, ...]):
    assert not plot(msgspec.structs.replace(OFFLINE, probes=probes))


def test_plot_of_latencies_is_in_their_units():
    probes = tuple(
        Probe(scenario="SingleStream", settings=TuningPoint(threads=threads), status="ok", valid=True, figure=figure)
        for threads, figure in ((1, 900_000.0), (2, 600_000.0))
    )
    tuning = msgspec.structs.replace(
        BLANK, scenario="SingleStream", figure="latency p90", unit="ns", better="less", probes=probes, best=probes[1]
    )
    assert "(latency p90) ^" in plot(tuning)
    assert "µs" in plot(tuning)
    assert [row[0] for row in tuning_rows(tuning)[1:]] == ["2", "1"]
    assert plain(plot(tuning)).isascii()


def test_verdict_says_what_is_best_whether_it_is_sure_and_how_to_use_it():
    lines = list(verdict_lines(SERVER))
    assert lines[0] == "best: threads 2: 1,500 queries/s, VALID in two runs"
    assert lines[1] == "its latency p99 is 4.00 ms, the bound 10.0 ms"
    assert lines[-1] == "  loom run --lock=/tmp/loom.lock.json"
    open_ = msgspec.structs.replace(SERVER, confirmed=False)
    assert next(verdict_lines(open_)) == "best: threads 2: 1,500 queries/s; not confirmed yet"
    assert not list(verdict_lines(BLANK))


def test_probe_line_says_why_one_failed():
    probe = Probe(scenario="Offline", settings=TuningPoint(), status="failed", valid=False, reasons=("no memory",))
    assert probe_line(probe) == "default settings (Offline): failed: no memory"


def test_unsteady_names_targets_with_both_verdicts():
    again = server(1500, 90_000_000, valid=False)
    assert unsteady(SERVER) == ()
    assert unsteady(msgspec.structs.replace(SERVER, probes=(*SERVER.probes, again))) == (
        "threads 2 at 1,500 queries/s",
    )


def test_sample_of_the_page_has_the_heads_labels_and_axis_that_are_printed():
    page = (SOURCE.parent / "docs" / "how-to" / "find-the-best-settings.md").read_text(encoding="utf-8")
    sample = [line[4:] for line in page.splitlines() if line.startswith("    ")]
    settings = {"threads": 1, "instances": 2}
    tuning = msgspec.structs.replace(
        OFFLINE,
        probes=tuple(offline(1000.0 * size, batch_size=size, **settings) for size in (1, 2, 4, 8, 16, 32, 64)),
        best=offline(32_000, batch_size=32, **settings),
    )
    drawn = plot(tuning).splitlines()

    assert (
        "  ".join(next(iter(tuning_rows(tuning)))).split() == next(line for line in sample if "figure" in line).split()
    )
    assert {line for line in drawn if line.startswith("---")} < {line for line in sample if line.startswith("---")}
    assert "(batch)" in [line.strip() for line in drawn]
    assert "(batch)" in [line.strip() for line in sample]
    assert max(map(len, drawn)) <= 80
    labels = [line.partition(":")[0] for line in sample if line.startswith(("best", "user.conf", "lock", "to run"))]
    printed = [line.partition(":")[0] for line in verdict_lines(tuning) if not line.startswith(" ")]
    assert labels == [*printed, *printed]  # of Offline and of Server
