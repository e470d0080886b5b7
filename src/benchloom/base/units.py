"""Numbers as people read them."""


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
