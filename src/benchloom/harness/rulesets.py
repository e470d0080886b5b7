"""The ruleset of this run."""

from collections.abc import Mapping

import msgspec

from benchloom.errors import InputError
from benchloom.harness.needs import read_facts
from benchloom.model.record import Accuracy
from benchloom.model.ruleset import Ruleset
from benchloom.rules.rulesets import target_of


def chosen_ruleset(environ: Mapping[str, str]) -> Ruleset:
    """Return the ruleset in the facts of role ``ruleset``. Raises InputError if there are none."""
    facts = read_facts("ruleset", environ)
    if facts.ruleset is None:
        raise InputError(
            f"{facts.component} states no ruleset", where="LOOM_RULESET", fix="add a 'ruleset' block to it"
        )
    return facts.ruleset


def with_target(accuracy: Accuracy, ruleset: Ruleset, model: str) -> Accuracy:
    """Return ``accuracy`` with the target of the ruleset; the model's target is kept if the ruleset states none."""
    target = target_of(ruleset, model, accuracy.metric)
    return accuracy if target is None else msgspec.structs.replace(accuracy, target=target)
