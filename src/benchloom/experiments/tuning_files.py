"""Files of a search for ``loom run``: a user.conf, a lock, and the commands that use them."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchloom.base.atomic import write_bytes, write_text
from benchloom.errors import InputError
from benchloom.model.base import to_json
from benchloom.model.lock import DEFAULT_LOCK
from benchloom.model.plan import Plan
from benchloom.model.tuning import Probe, Tuning
from benchloom.resolve.lock import make_lock
from benchloom.rules.scenarios import SCENARIOS


def user_conf(tuning: Tuning, best: Probe) -> str:
    """Return a user.conf with the measurement of ``best``."""
    row = SCENARIOS[tuning.scenario]
    margin = row.stated_margin - 1
    why = f"{abs(margin):.0%} {'more' if margin > 0 else 'less'} than measured"
    if not margin:
        why = "the highest target that was VALID"
    value = (best.figure or 0.0) * row.stated_margin / (1 if row.expects_rate else 1e6)
    return f"# {tuning.target}, {best.record}\n# {why}\n*.{tuning.scenario}.{row.expectation} = {value:.6g}\n"


def _commands(made: Plan, words: Sequence[str], best: Probe, lock: Path, conf: Path | None) -> Iterator[str]:
    yield shlex.join(
        [
            "loom",
            "run",
            f"--lock={lock}",
            *(word for word in words if word.startswith(("--dataset_path=", "--model_path="))),
        ]
    )
    settings = best.settings.inputs()
    if conf:
        settings.pop("target_qps", "")  # set by that file
    kept = [word for word in words if word.partition("=")[0].removeprefix("--") not in {*settings, "duration"}]
    named = (
        kept if any(not word.startswith(("-", "@")) or word.startswith("--tags=") for word in kept) else [made.target]
    )
    flags = [f"--{name}={value}" for name, value in settings.items()]
    yield shlex.join(["loom", "run", *named, *flags, *([f"--user_conf={conf}"] if conf else [])])


def write_files(
    tuning: Tuning, best: Probe, made: Plan, words: Sequence[str], out: Path, *, takes_conf: bool
) -> Tuning:
    """Write user.conf and the lock of ``made``, a plan with the best settings, into ``out``; return ``tuning`` naming them.

    ``words`` are the target and inputs as typed; ``takes_conf`` tells whether the program takes a user.conf. Raises
    InputError if the folder cannot be written.
    """
    conf, lock = out / "user.conf", out / DEFAULT_LOCK
    # The duration of probes belongs to the search: a run lasts as long as its ruleset requires.
    inputs = {name: value for name, value in made.inputs.items() if name != "duration"}
    try:
        write_bytes(lock, to_json(msgspec.structs.replace(make_lock(made), inputs=inputs)))
        write_text(conf, user_conf(tuning, best))
    except OSError as error:
        raise InputError("the files cannot be written", where=str(out), why=[error.strerror or str(error)]) from error
    used = conf if takes_conf and "user_conf" not in made.inputs else None
    return msgspec.structs.replace(
        tuning, user_conf=str(conf), lock=str(lock), commands=tuple(_commands(made, words, best, lock, used))
    )
