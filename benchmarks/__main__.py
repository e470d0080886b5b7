"""All benchmarks, or some: ``python benchmarks [--quick] [--only AREA]... [--json FILE]``; ``loom bench`` calls this.

Every area is a module of this folder with ``measure(quick: bool) -> list[Row]``: figures are medians of rounds in which ours
and what it is held against take turns. ``--quick`` measures fewer things in fewer, shorter rounds.
"""

import argparse
import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from table import Row, write

AREAS = ("engine", "scale", "harness")


def main() -> None:
    """Measure area after area and print the tables."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Time Benchloom beside bare limits and peers.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under 3 minutes")
    parser.add_argument("--only", action="append", choices=AREAS, help="only this area (may be repeated)")
    parser.add_argument("--json", metavar="FILE", default="", help="write the rows there too")
    options = parser.parse_args()
    rows: list[Row] = []
    for area in options.only or AREAS:
        print(f"measuring: {area}", file=sys.stderr, flush=True)
        rows += importlib.import_module(area).measure(options.quick)
    write(rows, options.json)


if __name__ == "__main__":
    main()
