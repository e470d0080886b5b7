"""Whatever a user.conf holds: it is refused with its line, or LoadGen itself does with it what is said of it."""

from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
import pytest

from benchloom.harness import settings as loadgen
from benchloom.harness.options import parse
from benchloom.harness.user_conf import KEYS, UserConf, read_user_conf
from benchloom.rules.scenarios import SCENARIOS
from support.fuzz import Campaign, broken, examples, seeded
from support.rulesets import QUICK

NAMES = sorted({name for key in KEYS.values() for name in key.settings.values()})
WORDS = [
    b" ", b"=", b" = ", b"\n", b"\r", b"\t", b"\x0b", b"\x0c", b"\x1c", b"\x85", "\u00a0".encode(), "\u0085".encode(),
    "\u2028".encode(), "\u3000".encode(), "٣".encode(), b"#", b"# ", b".", b"*", b"nan", b"inf", b"1e400", b"0x10", b"-", b"+",
    b"9" * 30, b"1e-400", b"1_0", b".5", b"5.", b"\x00", b"\xff", b"*.Server.target_qps = 3\n", b"digits.*.min_duration = 3\n",
    *(key.encode() for key in KEYS), *(name.encode() for name in SCENARIOS),
]  # fmt: skip


def fresh(scenario: str) -> Any:
    found = lg.TestSettings()
    found.FromConfig("", "digits", scenario, 0)
    return found


def sound(rng: Any) -> bytes:
    """Return a file that LoadGen reads: settings of any model and scenario, comments, empty lines."""
    lines = []
    for _ in range(rng.randint(1, 6)):
        name = rng.choice(sorted(KEYS))
        value = rng.randint(0, 1) if KEYS[name].type == "flag" else rng.randint(1, 90)
        lines.append(f"{rng.choice(['*', 'digits', 'resnet50'])}.{rng.choice(['*', *SCENARIOS])}.{name} = {value}")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(["", "# a comment", "\t"]))
    return rng.choice(["\n", "\r\n"]).join(lines).encode() + b"\n"


def refuted(path: Path, conf: UserConf, scenario: str) -> str:
    """Return what the real LoadGen does otherwise than ``conf`` says; '' if nothing."""
    after, wanted = fresh(scenario), fresh(scenario)
    if after.FromConfig(str(path), "digits", scenario, 2) != 0:
        return "LoadGen refuses the file"
    for key, line in conf.applied.items():
        name = KEYS[key].settings[scenario]
        setattr(wanted, name, type(getattr(wanted, name))(float(line.value) * KEYS[key].scale))
    mine = [name for name in NAMES if any(key.settings.get(scenario) == name for key in KEYS.values())]
    for name in mine:
        if getattr(after, name) != pytest.approx(getattr(wanted, name)):
            return f"{name} is {getattr(after, name)}, not {getattr(wanted, name)}"
    return ""


@pytest.mark.timeout(examples(200))
def test_changed_user_conf_is_refused_or_read_as_loadgen_reads_it(tmp_path: Path):
    rng, campaign = seeded(3), Campaign("user.conf")
    path = tmp_path / "user.conf"
    for _ in range(examples(4000)):
        data = sound(rng)
        path.write_bytes(data if rng.random() < 0.1 else broken(data, rng, WORDS))
        scenario = rng.choice(sorted(SCENARIOS))
        conf = campaign.outcome(lambda: read_user_conf(path, "digits", scenario))  # noqa: B023 - called at once
        if conf is not None:
            assert not refuted(path, conf, scenario), (scenario, path.read_bytes())
            options = parse([f"--scenario={scenario}", f"--user_conf={path}"], {})
            campaign.outcome(lambda: loadgen.test_settings(options, QUICK, "digits", None))  # noqa: B023 - called at once
    campaign.show()
