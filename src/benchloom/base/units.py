"""Numbers formatted for people."""


def human_bytes(size: int | None) -> str:
    """Return a size in binary units; ``unknown size`` for None."""
    if size is None:
        return "unknown size"
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def human_seconds(seconds: float) -> str:
    """Return a duration such as ``2.5 s``, ``10 min 4 s``, ``3 h 20 min`` or ``12 days``."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{seconds:.1f} s"
    hours, left = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min {rest} s"
    return f"{hours} h {left} min" if hours < 48 else f"{hours // 24:,} days"


def amount_text(done: int, total: int | None, unit: str) -> str:
    """Return the progress of work: ``12 of 450 images``, ``1.2 MiB of 10.0 MiB`` (B), ``12 s of at least 60 s`` (s).

    Empty without a unit, or if neither total nor amount is known.
    """
    if not unit or not (done or total):
        return ""
    if unit == "s":
        return f"{done} s of at least {total} s" if total else f"{done} s"
    if unit == "B":
        return f"{human_bytes(done)} of {human_bytes(total)}" if total else human_bytes(done)
    return f"{done:,} of {total:,} {unit}" if total else f"{done:,} {unit}"
