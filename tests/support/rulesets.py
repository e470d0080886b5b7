"""Rulesets of this repository, as their components state them."""

from pathlib import Path

from benchloom.index.bases import Bases, Root
from benchloom.index.read import read_entry
from benchloom.model.ruleset import Ruleset

ROOT = Path(__file__).resolve().parents[2]


def ruleset(name: str) -> Ruleset:
    """Return the ruleset called ``name``."""
    root = Root("benchloom", str(ROOT))
    found = read_entry("ruleset", ROOT / "ruleset" / name, root, Bases([root]))
    assert found.component is not None, found.findings
    assert found.component.ruleset is not None
    return found.component.ruleset


QUICK, V1_0 = ruleset("quick"), ruleset("mlperf-inference-1.0")
