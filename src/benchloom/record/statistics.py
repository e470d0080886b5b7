"""Statistics of a figure over repetitions."""

from collections.abc import Sequence

from benchloom.model.record import Results, Statistics


def statistics_of(values: Sequence[float]) -> Statistics:
    """Return min, median, mean, max and the sample standard deviation (0 for one value) of a non-empty sequence."""
    import statistics  # late: most runs are not repeated

    return Statistics(
        min=min(values),
        median=statistics.median(values),
        mean=statistics.fmean(values),
        max=max(values),
        stdev=statistics.stdev(values) if len(values) > 1 else 0.0,
    )


def over_results(results: Sequence[Results]) -> dict[str, Statistics]:
    """Return statistics by figure.

    Figures are ``performance.samples_per_second``, ``performance.value`` (the scenario's official figure),
    ``performance.latency_ns.p50`` …, ``accuracy.top1`` or ``accuracy.mAP``, ``peak_memory_bytes``.
    """
    figures: dict[str, list[float]] = {}
    for item in results:
        if item.performance:
            figures.setdefault("performance.samples_per_second", []).append(item.performance.samples_per_second)
            if item.performance.value is not None:
                figures.setdefault("performance.value", []).append(item.performance.value)
            for name, value in item.performance.latency_ns.items():
                figures.setdefault(f"performance.latency_ns.{name}", []).append(float(value))
        if item.accuracy and item.accuracy.value is not None:
            figures.setdefault(f"accuracy.{item.accuracy.metric}", []).append(item.accuracy.value)
        if item.peak_memory_bytes is not None:
            figures.setdefault("peak_memory_bytes", []).append(float(item.peak_memory_bytes))
    return {name: statistics_of(values) for name, values in sorted(figures.items())}
