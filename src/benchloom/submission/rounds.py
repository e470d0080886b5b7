"""Which round a submission is for: LoadGen's seeds say it, its version does not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from benchloom.rules.rulesets import SEEDS
from benchloom.submission.logs import DETAIL, read_log

_LOGS = 25  # performance logs that are asked
_SEED = f"effective_{SEEDS['qsl']}"


def round_of(root: Path, by_seed: Mapping[int, str]) -> str:
    """Return the round whose QSL seed most of the first performance logs have; '' if no log has that of a known round."""
    seeds = (read_log(folder).get(_SEED) for folder in islice(_runs(root), _LOGS))
    found = Counter(by_seed[seed] for seed in seeds if isinstance(seed, int) and seed in by_seed)
    return found.most_common(1)[0][0] if found else ""


def _runs(root: Path) -> Iterator[Path]:
    """Yield folders of performance runs, in any order."""
    pattern = f"*/*/results/*/*/*/performance/run_1/{DETAIL}"
    for path in root.glob(pattern):
        yield path.parent
