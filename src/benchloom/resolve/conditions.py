"""Evaluate the conditions of a requirement in the environment of its requirer.

The CK and CM conventions differ; both are implemented exactly, since existing metadata relies on them.
"""

from collections.abc import Mapping

from benchloom.model.component import Condition, Requirement

_TRUTHY = frozenset({"yes", "on", "true", "1"})
_FALSY = frozenset({"no", "off", "false", "0", ""})


def applies(requirement: Requirement, env: Mapping[str, str]) -> bool:
    """Tell whether every condition of ``requirement`` holds in ``env``."""
    return all(holds(condition, env) for condition in requirement.conditions)


def holds(condition: Condition, env: Mapping[str, str]) -> bool:
    """Evaluate one condition; ``negate`` inverts it (disable_if / skip_if)."""
    if condition.convention == "ck":
        truth = any(_all_equal(alternative, env) for alternative in condition.alternatives)
    else:
        combine = any if condition.any else all
        truth = any(
            combine(_cm_match(env.get(key), accepted, condition.any) for key, accepted in alternative.items())
            for alternative in condition.alternatives
        )
    return truth != condition.negate


def _all_equal(alternative: Mapping[str, tuple[str, ...]], env: Mapping[str, str]) -> bool:
    return all(env.get(key, "") in accepted for key, accepted in alternative.items())


def _cm_match(value: str | None, accepted: tuple[str, ...], any_form: bool) -> bool:
    """CM's rule for one key: a truthy word accepts any set value, a falsy word accepts an unset one."""
    if value is None and any_form:
        return False
    wanted = {word.lower() for word in accepted}
    current = (value or "").lower()
    is_unset = value is None or current in _FALSY or "<<<" in current
    if wanted & _TRUTHY and not is_unset:
        return True
    if wanted & (_FALSY - {""}) and is_unset:
        return True
    if value is None:
        return "" in wanted
    return current in wanted
