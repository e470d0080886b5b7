"""The resolvelib provider: roles are answered by candidates, candidates exist once per family.

Two layers of identifiers make CK's and CM's rules exact. ``role:<name>`` collects every requirement on a role, so one
answer serves them all. ``family:<name>`` is what the answer pins: two roles that pick the same library must pick the
same version and variations of it. Scripts are functions: each configuration is a family of its own, so they need no pin.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from resolvelib import AbstractProvider

from benchloom.model.base import Value
from benchloom.model.component import Requirement
from benchloom.resolve.conditions import applies
from benchloom.resolve.host import Overrides
from benchloom.resolve.options import Examiner, Option

if TYPE_CHECKING:
    from resolvelib.resolvers import RequirementInformation


class RoleNeed(Value, frozen=True, kw_only=True):
    """A requirement on a role."""

    requirement: Requirement

    @property
    def identifier(self) -> str:
        """``role:<name>``."""
        return f"role:{self.requirement.role}"


class Pin(Value, frozen=True, kw_only=True):
    """The demand of a chosen role that its family is exactly this option."""

    option: Option

    @property
    def identifier(self) -> str:
        """``family:<name>``."""
        return f"family:{self.option.candidate.family}"


class RoleAnswer(Value, frozen=True, kw_only=True):
    """A role with its answer; ``option`` is None where only optional requirements mention the role."""

    role: str
    option: Option | None

    @property
    def identifier(self) -> str:
        """``role:<name>``."""
        return f"role:{self.role}"


class FamilyMember(Value, frozen=True, kw_only=True):
    """The one member of a family in the plan."""

    option: Option

    @property
    def identifier(self) -> str:
        """``family:<name>``."""
        return f"family:{self.option.candidate.family}"


Need: TypeAlias = RoleNeed | Pin
Answer: TypeAlias = RoleAnswer | FamilyMember
Information: TypeAlias = "RequirementInformation[Need, Answer]"


class Provider(AbstractProvider[Need, Answer, str]):
    """Deterministic: every choice depends only on its arguments and on sorted values.

    ``asked`` holds the requirements each role was last answered for, to explain what then did not fit.
    """

    def __init__(self, examiner: Examiner) -> None:
        self.examiner = examiner
        self.overrides = examiner.overrides
        self.asked: dict[str, list[Requirement]] = {}
        self._satisfied: dict[tuple[int, int], tuple[bool, Need, Answer]] = {}

    def identify(self, requirement_or_candidate: Need | Answer) -> str:
        """Return ``role:…`` or ``family:…``."""
        return requirement_or_candidate.identifier

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, Answer],
        candidates: Mapping[str, Iterator[Answer]],
        information: Mapping[str, Iterator[Information]],
        backtrack_causes: Sequence[Information],
    ) -> tuple[bool, bool, str]:
        """Pin families at once (one candidate), then what caused the last conflict, then by name."""
        is_cause = any(cause.requirement.identifier == identifier for cause in backtrack_causes)
        return (identifier.startswith("role:"), not is_cause, identifier)

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Need]],
        incompatibilities: Mapping[str, Iterator[Answer]],
    ) -> Iterable[Answer]:
        """Return the answers that satisfy every requirement on ``identifier``, best first."""
        needs = list(requirements[identifier])
        refused = list(incompatibilities[identifier])
        if identifier.startswith("family:"):
            pins = [need.option for need in needs if isinstance(need, Pin)]
            found: list[Answer] = [FamilyMember(option=pins[0])] if _agree(pins) else []
        else:
            found = self._answers(
                identifier.partition(":")[2], [n.requirement for n in needs if isinstance(n, RoleNeed)]
            )
        return [answer for answer in found if answer not in refused]

    def _answers(self, role: str, requirements: list[Requirement]) -> list[Answer]:
        self.asked[role] = requirements
        if all(item.optional for item in requirements):
            return [RoleAnswer(role=role, option=None)]
        return [RoleAnswer(role=role, option=option) for option in self.examiner.examine(requirements).options]

    def is_satisfied_by(self, requirement: Need, candidate: Answer) -> bool:
        """Tell whether ``candidate`` answers ``requirement``.

        resolvelib asks this of every pair again in every round, so answers are remembered by identity; the pair is kept
        so that no identity is used twice.
        """
        pair = (id(requirement), id(candidate))
        known = self._satisfied.get(pair)
        if known is None:
            known = self._satisfied[pair] = (self._is_satisfied_by(requirement, candidate), requirement, candidate)
        return known[0]

    def _is_satisfied_by(self, requirement: Need, candidate: Answer) -> bool:
        if isinstance(requirement, Pin):
            return isinstance(candidate, FamilyMember) and _agree([requirement.option, candidate.option])
        if not isinstance(candidate, RoleAnswer):
            return False
        if candidate.option is None:
            return requirement.requirement.optional
        return self.examiner.answers(candidate.option, requirement.requirement)

    def get_dependencies(self, candidate: Answer) -> Iterable[Need]:
        """Return what an answer needs, by way of the pin of its family where two roles could disagree about that."""
        option = candidate.option
        if option is None:
            return []
        if isinstance(candidate, RoleAnswer) and option.component.kind != "script":
            return [Pin(option=option)]
        return [RoleNeed(requirement=item) for item in requirements_of(option, self.overrides)]


def requirements_of(option: Option, overrides: Overrides) -> tuple[Requirement, ...]:
    """Return the requirements of a configured component that apply in its environment, in order of ``sort``."""
    if option.candidate.origin == "detected":
        return ()
    env = {**option.choice.env, **overrides.env}
    if option.component.program:
        env = {**option.component.program.env, **env, **overrides.inputs}
    wanted = [item for item in option.choice.requires if applies(item, env)]
    return tuple(sorted(wanted, key=lambda item: (item.sort, item.role, str(item.query))))


def _agree(options: Sequence[Option]) -> bool:
    return all(option.candidate == options[0].candidate and option.choice == options[0].choice for option in options)
